"""The last start."""
