"""The folders and printers this PC shares by SMB (lmshare.h)."""

from __future__ import annotations

import ctypes
from ctypes import c_uint32, c_void_p, c_wchar_p
from typing import Any

from muster_agent.local.windows.libraries import function
from muster_agent.local.windows.net_api import EVERYTHING, enumerated
from muster_agent.machine import Denied

NAME = "NetShareEnum"


class ShareInfo1(ctypes.Structure):
    """SHARE_INFO_1: what everybody may ask."""

    _fields_ = [("name", c_wchar_p), ("type", c_uint32), ("remark", c_wchar_p)]


class ShareInfo2(ctypes.Structure):
    """SHARE_INFO_2: with the folder, which only administrators are told."""

    _fields_ = [  # ctypes wants a list
        ("name", c_wchar_p),
        ("type", c_uint32),
        ("remark", c_wchar_p),
        ("permissions", c_uint32),
        ("max_uses", c_uint32),
        ("current_uses", c_uint32),
        ("path", c_wchar_p),
        ("passwd", c_void_p),
    ]


def share(entry: Any) -> dict[str, Any]:
    """One share. Its type is STYPE_* of lmshare.h: the lowest byte says what it is, 0x80000000 that it is special."""
    path = getattr(entry, "path", None)
    return {"name": entry.name or "", "type": entry.type, "remark": entry.remark or "", "path": path or None}


def shares() -> list[dict[str, Any]]:
    """The shares; without their folders when this user may not know them."""
    try:
        return _shares(2, ShareInfo2)
    except Denied:
        return _shares(1, ShareInfo1)


def _shares(level: int, layout: Any) -> list[dict[str, Any]]:
    ask = function("netapi32", NAME, c_uint32, c_wchar_p, c_uint32, c_void_p, c_uint32, c_void_p, c_void_p, c_void_p)

    def call(buffer: Any, read: Any, total: Any, resume: Any) -> int:
        return int(ask(None, level, buffer, EVERYTHING, read, total, resume))

    return enumerated(NAME, layout, call, share)
