"""systemd: its unit files as they lie on the disk, and what systemctl prints of them."""
