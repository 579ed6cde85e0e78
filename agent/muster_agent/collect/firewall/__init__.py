"""Host firewalls."""
