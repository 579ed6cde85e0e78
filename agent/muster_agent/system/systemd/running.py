"""Which services run: systemd gives each a folder in the tree of control groups, which goes with its last process."""

from __future__ import annotations

from muster_agent.machine import CannotRead, Machine, NotFound

ROOTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")  # unified, hybrid, version 1
SLICE = "system.slice"


class Running:
    """The control groups of services. Raises :class:`CannotRead` when they cannot be seen."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._known: dict[str, set[str]] = {}
        for root in ROOTS:
            names = machine.names(f"{root}/{SLICE}")
            # systemd never runs without a service of its own, the journal: no service at all is no answer.
            if any(name.endswith(".service") for name in names):
                self._root = root
                self._known[SLICE] = set(names)
                return
        raise NotFound(f"{ROOTS[0]}/{SLICE}")

    def service(self, name: str, slice_name: str | None = None) -> bool:
        """Whether a service (with .service) has processes, in the slice its unit names or its usual one."""
        prefix, at, _ = name.partition("@")
        places = [SLICE]
        if slice_name and slice_name != SLICE:
            places = ["/".join(_ancestors(slice_name))]
        elif at:  # systemd.slice(5): instances of a template have a slice of their own
            places.append(f"{SLICE}/system-{_escaped(prefix)}.slice")
        return any(name in self._names(place) for place in places)

    def _names(self, place: str) -> set[str]:
        if place not in self._known:
            try:
                self._known[place] = set(self._machine.names(f"{self._root}/{place}"))
            except CannotRead as error:
                if error.code != "not_found":
                    raise
                self._known[place] = set()
        return self._known[place]


def _escaped(prefix: str) -> str:
    return prefix.replace("-", "\\x2d")


def _ancestors(name: str) -> list[str]:
    """a-b.slice lies in a.slice (systemd.slice(5))."""
    parts = name[: -len(".slice")].split("-") if name.endswith(".slice") else [name]
    return ["-".join(parts[: count + 1]) + ".slice" for count in range(len(parts))]
