"""The agent in one file that any Python 3.7 or newer starts; settings and token lie in it (sending/conf.py)."""

from __future__ import annotations

from muster_server.packaging.archive import zipped
from muster_server.packaging.contents import Entry, Made, Order, agent_files

START = b"#!/usr/bin/env python3\n"


def build(order: Order) -> Made:
    """muster-agent-VERSION-RELEASE.pyz."""
    files = agent_files(order)
    # The package's own start serves as the archive's: both are found by the name __main__.
    start = next(entry.data for entry in files if entry.path == "muster_agent/__main__.py")
    entries = [*files, *provided(order, "muster_agent/provided/"), Entry("__main__.py", start)]
    return Made(f"muster-agent-{order.version}-{order.release}.pyz", zipped(entries, order.epoch, START))


def provided(order: Order, folder: str) -> list[Entry]:
    """Settings, authority and token in one folder."""
    found = [Entry(folder + "agent.conf", order.provided.conf())]
    if order.provided.ca is not None:
        found.append(Entry(folder + "ca.pem", order.provided.ca))
    return [*found, Entry(folder + "token", order.provided.token.encode("ascii") + b"\n", 0o600)]
