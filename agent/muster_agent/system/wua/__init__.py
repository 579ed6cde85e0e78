"""Windows Update (the Windows Update Agent): what it found, how it is set, what it waits for."""
