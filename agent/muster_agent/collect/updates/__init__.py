"""Pending updates."""
