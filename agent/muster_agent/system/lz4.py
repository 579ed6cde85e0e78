"""What apt packed with LZ4, unpacked by the library apt itself uses (lz4frame.h).

apt-helper prints the same. To start it for every list, and to take 50 MB from it through a pipe, costs twice what the
unpacking does; so it is asked only where the library cannot be called.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, Iterable, Iterator

from muster_agent.machine import STREAM_LIMIT, CannotRead

SUFFIX = ".lz4"
SONAME = "liblz4.so.1"
VERSION = 100  # LZ4F_VERSION
TAKEN, GIVEN = 64 * 1024, 256 * 1024  # bytes at a time: what the processor can keep at hand


@functools.lru_cache(maxsize=None)
def library() -> Any:
    """The library, with what its functions take and give; None when there is none to be had."""
    if sys.platform != "linux":
        return None
    try:
        import ctypes

        liblz4 = ctypes.CDLL(SONAME)
        pointer, size = ctypes.c_void_p, ctypes.c_size_t
        liblz4.LZ4F_createDecompressionContext.argtypes = (pointer, ctypes.c_uint)
        liblz4.LZ4F_decompress.argtypes = (pointer,) * 6
        liblz4.LZ4F_freeDecompressionContext.argtypes = (pointer,)
        liblz4.LZ4F_isError.argtypes = (size,)
        for function in (
            liblz4.LZ4F_createDecompressionContext,
            liblz4.LZ4F_decompress,
            liblz4.LZ4F_freeDecompressionContext,
        ):
            function.restype = size
    except (ImportError, MemoryError, OSError, AttributeError):  # SELinux may forbid what ctypes does
        return None
    return liblz4


def available() -> bool:
    """Whether the library can be called here."""
    return library() is not None


def unpacked(packed: Iterable[bytes], path: str, limit: int = STREAM_LIMIT) -> Iterator[bytes]:
    """What the file ``path`` holds, which arrives in pieces. As apt does, it ends with its first frame.

    Raises ``not_understood`` for a file that is damaged or cut short, and ``too_large``.
    """
    import ctypes

    liblz4 = library()
    context, room = ctypes.c_void_p(), ctypes.create_string_buffer(GIVEN)
    given, taken = ctypes.c_size_t(), ctypes.c_size_t()
    if liblz4.LZ4F_createDecompressionContext(ctypes.byref(context), VERSION):
        raise CannotRead("not_understood", path)
    total, more = 0, 1
    try:
        for piece in packed:
            start: Any = ctypes.cast(ctypes.c_char_p(piece), ctypes.c_void_p).value
            place = 0
            while more and place < len(piece):
                given.value, taken.value = GIVEN, min(TAKEN, len(piece) - place)
                more = liblz4.LZ4F_decompress(
                    context, room, ctypes.byref(given), start + place, ctypes.byref(taken), None
                )
                if liblz4.LZ4F_isError(more) or not (given.value or taken.value):
                    raise CannotRead("not_understood", path)
                place += taken.value
                total += given.value
                if total > limit:
                    raise CannotRead("too_large", path)
                if given.value:
                    yield ctypes.string_at(room, given.value)
            if not more:
                return
        raise CannotRead("not_understood", path)  # it ends before its frame does
    finally:
        liblz4.LZ4F_freeDecompressionContext(context)
