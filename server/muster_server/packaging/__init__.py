"""The agent as packages that IT hands out: settings, token and the server's authority inside.

Each kind is one module with ``build(order) -> Made``. Equal orders give equal bytes: times come from SOURCE_DATE_EPOCH
or are fixed, owners are root, and nothing of this machine gets in. What is laid down on a PC and is not the agent's
own code lies in data/, as the files they are.
"""

from __future__ import annotations

import importlib
from typing import Any

from muster_server.packaging.contents import Made, Order

KINDS = ("deb", "rpm", "windows", "macos", "pyz")


def build(kind: str, order: Order) -> Made:
    """The package of that kind. Raises ``Unbuildable`` for what the kind needs and was not given."""
    module: Any = importlib.import_module(f"muster_server.packaging.{kind}")
    made: Made = module.build(order)
    return made
