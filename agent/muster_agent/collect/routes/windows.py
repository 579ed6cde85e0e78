"""The ways out of a Windows PC: default routes, and routes over a gateway."""

from __future__ import annotations

import ipaddress

from muster_agent.facts import Problem, Route, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.windows_answer import records, text, whole

NAME = "GetIpForwardTable2"
# ValidLifetime of a route that nobody has to announce again (netioapi.h).
FOR_EVER = 0xFFFFFFFF


def collect(machine: Machine) -> Table:
    """A row a route. A default route without gateway leads into a dialled connection; a route that a router announced
    for a time comes and goes by itself and is left out."""
    rows = []
    notes: list[Problem] = []
    for route in records(machine, NAME):
        try:
            if whole(route, "valid_lifetime", NAME) != FOR_EVER:
                continue
            destination = ipaddress.ip_address(str(route.get("destination")).partition("%")[0])
            said = route.get("gateway")
            gateway = None if said is None else ipaddress.ip_address(str(said).partition("%")[0])
            prefix, interface = whole(route, "prefix", NAME), text(route, "interface", NAME)
            if not 0 <= prefix <= destination.max_prefixlen:
                raise CannotRead("not_understood", f"{NAME}: {destination}/{prefix}")
        except ValueError:
            notes.append(Problem("error", "not_understood", f"{NAME}: {route.get('destination')}"[:200]))
            continue
        except CannotRead as error:
            notes.append(error.problem())
            continue
        if gateway is not None and gateway.is_unspecified:  # on link
            gateway = None
        if gateway is None and prefix != 0:
            continue
        metric = route.get("metric")
        row = Route(
            destination=str(destination),
            netmask=prefix,
            gateway=None if gateway is None else str(gateway),
            interface=interface,
            metric=metric if type(metric) is int and metric >= 0 else None,
        )
        rows.append(row)
    return Table(rows=tuple(rows), notes=tuple(notes))
