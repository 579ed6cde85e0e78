"""``python -m muster_agent``, and the start of the one-file agent."""

import sys

from muster_agent.cli import main

sys.exit(main())
