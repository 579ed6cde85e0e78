"""``python -m muster_server``."""

from muster_server.cli import main

main()
