"""Installed packages and programs."""
