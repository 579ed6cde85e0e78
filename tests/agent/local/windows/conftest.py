"""What of these tests needs Windows, or wine and a Windows Python, is collected where there is one."""

from __future__ import annotations

import os
import sys

# bed.py makes one. Without it these are no tests that are skipped: nobody but Windows can run them.
WINDOWS = sys.platform == "win32" or bool(os.environ.get("MUSTER_WINDOWS_PYTHON"))
collect_ignore = [] if WINDOWS else ["test_on_windows.py"]
