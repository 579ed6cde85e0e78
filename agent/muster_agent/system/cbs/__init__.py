"""Component based servicing: Windows's own database of what updates are installed, read from the registry.

Its names, numbers and times are the same in every language, and an ordinary user may read it; what WMI and DISM print
of it is neither.
"""
