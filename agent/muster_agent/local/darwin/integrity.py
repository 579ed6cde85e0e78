"""System Integrity Protection."""

from __future__ import annotations

import ctypes

from muster_agent.local.darwin.libsystem import failed, function

NAME = "csr_get_active_config"


def active_config() -> int:
    """What is allowed beyond what macOS usually forbids, as bits (xnu, csr.h): 0 is full protection."""
    config = ctypes.c_uint32(0)
    error = function(NAME, ctypes.c_int, ctypes.POINTER(ctypes.c_uint32))(ctypes.byref(config))
    if error:
        raise failed(NAME, error)
    return config.value
