"""Accounts of a Unix system: passwd(5), shadow(5), group(5), sudoers(5), and who logged in when."""
