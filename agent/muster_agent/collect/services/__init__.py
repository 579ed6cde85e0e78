"""The services the system can start."""
