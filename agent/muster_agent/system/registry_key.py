"""The values of one registry key, asked by name and by type. The registry knows no case in names."""

from __future__ import annotations

from muster_agent.machine import CannotRead, Machine, NotFound, RegistryValue


class RegistryKey:
    """What stands in ``path``. A value of another type than was asked for is refused, never converted."""

    def __init__(self, path: str, values: dict[str, RegistryValue]) -> None:
        self.path = path
        self._values = {name.lower(): value for name, value in values.items()}

    def text(self, name: str) -> str | None:
        """A REG_SZ or REG_EXPAND_SZ, unexpanded; None when there is no such value, or an empty one."""
        value = self._values.get(name.lower(), "")
        if not isinstance(value, str):
            raise CannotRead("not_understood", f"{self.path}: {name}")
        return value or None

    def number(self, name: str) -> int | None:
        """A REG_DWORD or REG_QWORD; None when there is no such value."""
        value = self._values.get(name.lower())
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise CannotRead("not_understood", f"{self.path}: {name}")
        return value


def opened(machine: Machine, path: str) -> RegistryKey:
    """The key at ``path``. Raises :class:`CannotRead`, as :class:`NotFound` when there is none."""
    return RegistryKey(path, machine.registry_values(path))


def optional(machine: Machine, path: str) -> RegistryKey:
    """The key at ``path``; one without values when there is none."""
    try:
        return opened(machine, path)
    except NotFound:
        return RegistryKey(path, {})
