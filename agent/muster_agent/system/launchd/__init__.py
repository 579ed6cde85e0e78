"""macOS's launchd: the jobs the system can start, which of them are switched off, and which run."""
