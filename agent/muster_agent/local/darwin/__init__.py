"""What macOS answers: functions of its system library by ctypes.

Nothing here is imported on another system. What reads the bytes macOS filled in is a function of those alone, so that
it is tested everywhere.
"""
