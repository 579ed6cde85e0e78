"""The patch state of the whole PC."""
