"""The security chip (tbs.h). Windows 7 has no such function; later ones answer everybody."""

from __future__ import annotations

import ctypes
import struct

from muster_agent.local.windows.libraries import failed, function, not_understood

NAME = "Tbsi_GetDeviceInfo"
NOT_FOUND = 0x8028400F  # TBS_E_TPM_NOT_FOUND


def version(info: bytes) -> int:
    """1 for TPM 1.2, 2 for TPM 2.0, out of a TPM_DEVICE_INFO: structVersion, tpmVersion, and two more numbers."""
    _, found, _, _ = struct.unpack("<4I", info)
    if found not in (1, 2):
        raise not_understood(NAME)
    return int(found)


def device_info() -> dict[str, int] | None:
    """The version of the chip; None when there is none, or when it is switched off in the firmware."""
    ask = function("tbs", NAME, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p)
    buffer = ctypes.create_string_buffer(16)
    result = ask(len(buffer), buffer)
    if result == NOT_FOUND:
        return None
    if result:
        raise failed(NAME, result)
    return {"tpm_version": version(buffer.raw)}
