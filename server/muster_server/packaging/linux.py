"""What a .deb and an .rpm lay down on a Linux PC: the same files in the same places."""

from __future__ import annotations

from muster_server.packaging.contents import Entry, Order, agent_files, data

CONF = "etc/muster-agent/"
HOME = "var/lib/muster-agent"
PROGRAM = "usr/lib/muster-agent"
UNITS = "usr/lib/systemd/system/"
# Folders whose mode is not 0755: others may pass through the agent's to public/status.json and see nothing else.
MODES = {HOME: 0o711}


def settings(order: Order) -> list[Entry]:
    """The files under /etc, which an administrator may change and an upgrade respects."""
    found = [Entry(CONF + "agent.conf", order.provided.conf())]
    if order.provided.ca is not None:
        found.append(Entry(CONF + "ca.pem", order.provided.ca))
    return found


def token(order: Order) -> Entry:
    """The token, which only root may read and which the first run empties."""
    return Entry(HOME + "/token", order.provided.token.encode("ascii") + b"\n", 0o600)


def entries(order: Order) -> list[Entry]:
    """Every file."""
    return [
        *settings(order),
        token(order),
        *agent_files(order, PROGRAM + "/"),
        Entry("usr/bin/muster-agent", data("linux/muster-agent"), 0o755),
        Entry(UNITS + "muster-agent.service", data("linux/muster-agent.service")),
        Entry(UNITS + "muster-agent.timer", data("linux/muster-agent.timer")),
        Entry(UNITS + "muster-agent-start.timer", data("linux/muster-agent-start.timer")),
        Entry("usr/share/doc/muster-agent/copyright", data("linux/copyright")),
    ]
