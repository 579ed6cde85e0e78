"""``python -m muster_agent``, and the start of the one-file agent."""

from muster_agent.cli import start

start()
