"""From this PC to the server: who this PC is, what it signs, where that waits, how it goes."""
