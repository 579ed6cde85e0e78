"""Installed hotfixes of Windows."""
