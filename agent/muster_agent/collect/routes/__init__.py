"""Ways out of the PC."""
