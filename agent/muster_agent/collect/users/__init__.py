"""The local accounts."""
