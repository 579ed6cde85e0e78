"""Network interfaces and their addresses."""
