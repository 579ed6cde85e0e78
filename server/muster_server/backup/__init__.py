"""Backups: the whole deployment in one file, and a deployment out of such a file."""
