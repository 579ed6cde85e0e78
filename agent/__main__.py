"""``python3 agent``, and the start of muster-agent.pyz, the agent in one file (``make agent``)."""

import sys

from muster_agent.cli import main

sys.exit(main())
