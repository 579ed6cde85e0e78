"""What Windows answers: the registry, functions of its libraries by ctypes, and the one child process.

What needs Windows is loaded there alone. What reads bytes or structures that Windows filled in is a function of those,
so that it is tested everywhere.
"""
