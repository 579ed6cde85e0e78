"""A tar.gz for macOS: the agent, which runs on the Mac's own Python, a launchd daemon, and scripts that install it."""

from __future__ import annotations

from muster_server.packaging.archive import tar_gz
from muster_server.packaging.contents import Entry, Made, Order, agent_files, data
from muster_server.packaging.pyz import provided

SCRIPTS = ("install.sh", "uninstall.sh")


def build(order: Order) -> Made:
    """muster-agent-VERSION-RELEASE-macos.tar.gz."""
    name = f"muster-agent-{order.version}-{order.release}-macos"
    entries = [
        *agent_files(order, "program/agent/"),
        Entry("program/muster-agent", data("macos/muster-agent"), 0o755),
        Entry("program/start.py", data("macos/start")),
        *provided(order, "settings/"),
        *(Entry(script, data(f"macos/{script}"), 0o755) for script in SCRIPTS),
        Entry("muster.agent.plist", data("macos/muster.agent.plist")),
        Entry("README.txt", data("macos/README.txt")),
    ]
    return Made(name + ".tar.gz", tar_gz(entries, order.epoch, name + "/"))
