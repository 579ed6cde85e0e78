"""``python3 agent``, and the start of muster-agent.pyz, the agent in one file (``make agent``)."""

from muster_agent.cli import start

start()
