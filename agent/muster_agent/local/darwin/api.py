"""What may be asked of macOS by ``Machine.api``, under the name of the function that tells."""

from __future__ import annotations

import importlib
from typing import Callable

from muster_agent.machine import Answer, CannotRead


def _in(module: str, name: str) -> Callable[..., Answer]:
    """The function ``name`` of a module here, which is loaded when it is first asked."""

    def call(*arguments: str) -> Answer:
        found = getattr(importlib.import_module("muster_agent.local.darwin." + module), name)
        return found(*arguments)  # type: ignore[no-any-return]

    return call


FUNCTIONS = {
    "csr_get_active_config": _in("integrity", "active_config"),
    "sysctl": _in("sysctl", "asked"),  # one of sysctl.NAMES
    "getifaddrs": _in("interfaces", "interfaces"),
}


def ask(function: str, *arguments: str) -> Answer:
    """What ``function`` answers. Raises :class:`CannotRead`, and ``ValueError`` for a question that is none."""
    if function not in FUNCTIONS:
        raise ValueError(f"macOS is not asked for {function}")
    try:
        return FUNCTIONS[function](*arguments)
    except OSError as error:
        raise CannotRead("api_failed", f"{function}: {error}") from error
