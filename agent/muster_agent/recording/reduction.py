"""A recording without what no collector reads: an apt list of 50 MB becomes the few paragraphs that matter here.

Every rule leaves the answers as the collectors understand them; ``muster-agent record`` proves that by replaying the
reduced recording, and keeps the whole one where a rule went wrong.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from typing import AbstractSet, Callable, Container

from muster_agent.machine import FILE_LIMIT, CannotRead, Output
from muster_agent.recording import Recording
from muster_agent.system.deb import configuration, history, lists, paragraphs, status

# The fields each form is read for: status.parse, lists.read, release.parse.
OF_STATUS = frozenset({b"package", b"status", b"version", b"architecture", b"source"})
OF_LIST = frozenset({b"package", b"version", b"architecture", b"source", b"phased-update-percentage"})
OF_RELEASE = frozenset(
    {b"origin", b"label", b"suite", b"version", b"codename", b"date", b"notautomatic", b"butautomaticupgrades"}
)
SIGNED = b"-----BEGIN PGP SIGNED MESSAGE"
# Files of which some lines are read: collect/system_info, collect/boot.
LINES = {
    "/proc/cpuinfo": re.compile(rb"(?i)^(processor|physical id|core id|model name|cpu model|hardware)\s*:"),
    "/proc/meminfo": re.compile(rb"^MemTotal:"),
    "/proc/stat": re.compile(rb"^btime "),
}
# system/deb/history.py: who asked for an upgrade and what it changed are not read.
OF_APT_HISTORY = re.compile(rb"^(?:(?:Start|End)-Date: .*|Upgrade: |$)")
OF_DPKG_LOG = re.compile(rb"^\S+ \S+ upgrade .*")
# collect/antivirus/desktop_entries.py: the names in other languages and the pictures are not read.
OF_MENU = re.compile(rb"^\s*(?:\[.*|(?:Name(?:\[zh(?:_CN)?\])?|Exec)\s*=.*)")
# apt's settings: a line that is nothing but a comment.
COMMENT = re.compile(rb"^\s*(?://|#(?!clear\b|include\b)).*")
GZIPPED = zlib.MAX_WBITS | 16


def some_fields(paragraph: bytes, wanted: Container[bytes]) -> bytes:
    """A paragraph with the ``wanted`` fields only, and without continuation lines."""
    lines = (line for line in paragraph.split(b"\n") if line[:1] not in (b" ", b"\t"))
    return b"\n".join(line for line in lines if line.partition(b":")[0].lower() in wanted)


def some_lines(data: bytes, pattern: re.Pattern[bytes]) -> bytes:
    """What ``pattern`` matches at the beginning of each line; other lines are left out."""
    matches = (pattern.match(line) for line in data.split(b"\n"))
    whole = pattern in LINES.values()
    kept = [match.string if whole else match.group() for match in matches if match is not None]
    return b"\n".join([*kept, b""]) if kept else b""


def without_comments(data: bytes) -> bytes:
    """A file of apt's settings without the lines that are comments: they explain the defaults, and can name people."""
    return b"\n".join(line for line in data.split(b"\n") if not COMMENT.match(line))


def of_status(data: bytes) -> bytes:
    """A dpkg database."""
    return b"\n\n".join(some_fields(paragraph, OF_STATUS) for paragraph in data.split(b"\n\n")) + b"\n"


def of_list(data: bytes, names: AbstractSet[bytes]) -> bytes:
    """An apt list: what it offers for the packages in ``names``."""
    kept = paragraphs.of_packages([data], names, "")
    return b"\n\n".join(some_fields(paragraph, OF_LIST) for paragraph in kept) + b"\n"


def of_release(data: bytes) -> bytes:
    """The head of a (In)Release file: who publishes, and when; the checksums are left out."""
    head, gap, rest = data.partition(b"\n\n") if data.startswith(SIGNED) else (b"", b"", data)
    return head + gap + some_fields(rest.partition(b"\n\n")[0], OF_RELEASE) + b"\n"


def unpacked(data: bytes) -> bytes | None:
    """What a gzip file holds; None when it is damaged, cut short or too large."""
    unpacking = zlib.decompressobj(wbits=GZIPPED)
    try:
        plain = unpacking.decompress(data, FILE_LIMIT)
    except zlib.error:
        return None
    return plain if unpacking.eof else None


def packed(data: bytes) -> bytes:
    """A gzip file without a date, so that equal content is equal bytes."""
    packing = zlib.compressobj(wbits=GZIPPED)
    return packing.compress(data) + packing.flush()


def _log(path: str, data: bytes, pattern: re.Pattern[bytes]) -> bytes:
    if not path.endswith(".gz"):
        return some_lines(data, pattern)
    plain = unpacked(data)
    return data if plain is None else packed(some_lines(plain, pattern))


def _file(path: str, data: bytes, names: AbstractSet[bytes]) -> bytes:
    if path in status.PLACES:
        return of_status(data)
    if path in LINES:
        return some_lines(data, LINES[path])
    if path.startswith(lists.FOLDER + "/") and path.endswith("_Packages"):
        return of_list(data, names)
    if path.endswith(".desktop"):
        return some_lines(data, OF_MENU)
    if path.startswith(configuration.FOLDER):
        return without_comments(data)
    if path.startswith(history.APT_FOLDER + "/history.log"):
        return _log(path, data, OF_APT_HISTORY)
    if path.startswith(history.DPKG_FOLDER + "/dpkg.log"):
        return _log(path, data, OF_DPKG_LOG)
    return data


def _start(path: str, data: bytes) -> bytes:
    return of_release(data) if path.startswith(lists.FOLDER + "/") else data


def package_names(recording: Recording) -> frozenset[bytes]:
    """The packages the dpkg databases of ``recording`` name."""
    databases = (recording.files.get(path) for path in status.PLACES)
    return frozenset(
        paragraphs.name_of(paragraph)
        for data in databases
        if isinstance(data, bytes)
        for paragraph in data.split(b"\n\n")
        if paragraphs.name_of(paragraph)
    )


def reduced(recording: Recording) -> Recording:
    """``recording`` without what no collector reads."""
    names = package_names(recording)

    def each(
        answers: dict[str, bytes | CannotRead], rule: Callable[[str, bytes], bytes]
    ) -> dict[str, bytes | CannotRead]:
        return {
            path: answer if isinstance(answer, CannotRead) else rule(path, answer) for path, answer in answers.items()
        }

    programs = {
        argv: replace(answer, stdout=of_list(answer.stdout, names))
        if isinstance(answer, Output) and argv[0] == lists.HELPER
        else answer
        for argv, answer in recording.programs.items()
    }
    return replace(
        recording,
        files=each(recording.files, lambda path, data: _file(path, data, names)),
        starts=each(recording.starts, _start),
        programs=programs,
    )
