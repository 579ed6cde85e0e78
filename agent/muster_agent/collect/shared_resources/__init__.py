"""What the PC offers to others."""
