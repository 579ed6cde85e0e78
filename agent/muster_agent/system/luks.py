"""What ``cryptsetup luksDump`` prints of a LUKS header, both versions: with what the volume is encrypted, and whether
that is being changed. Root only."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead

VERSION = re.compile(r"^Version:\s*([12])\s*$", re.MULTILINE)
CIPHER_1 = re.compile(r"^Cipher name:[ \t]*(\S+)", re.MULTILINE)
SLOT_1 = re.compile(r"^Key Slot ([0-7]): ENABLED\b", re.MULTILINE)
SECTION_2 = re.compile(r"^([A-Z][A-Za-z ]*):[ \t]*$", re.MULTILINE)
ENTRY_2 = re.compile(r"^  ([0-9]{1,3}): (\S+)", re.MULTILINE)
FIELD_2 = re.compile(r"^\t(\w[\w ]*?) ?: *(.*)$", re.MULTILINE)
PLAIN = "cipher_null"  # what cryptsetup-reencrypt names "no encryption yet"


@dataclass(frozen=True)
class Header:
    """A LUKS header."""

    version: int  # 1 or 2
    slots: tuple[int, ...]  # the key slots that hold a key
    ciphers: tuple[str, ...]  # of the segments in force; "" for one that is not encrypted
    change: str | None  # encrypting, decrypting, or reencrypting while it is being changed

    @property
    def encrypted(self) -> bool:
        """All of it is encrypted."""
        return bool(self.ciphers) and not any(cipher == "" or cipher.startswith(PLAIN) for cipher in self.ciphers)


CHANGES = {"encrypt": "encrypting", "decrypt": "decrypting", "reencrypt": "reencrypting"}


def parse(text: str) -> Header:
    """The header in the text. Raises :class:`CannotRead` for anything else."""
    version = VERSION.search(text) if text.lstrip().startswith("LUKS header information") else None
    if version is None:
        raise CannotRead("not_understood", f"cryptsetup: {text.strip()[:80]}")
    if version.group(1) == "1":
        cipher = CIPHER_1.search(text)
        if cipher is None:
            raise CannotRead("not_understood", "cryptsetup: Cipher name")
        return Header(1, tuple(int(number) for number in SLOT_1.findall(text)), (cipher.group(1),), None)
    sections = SECTION_2.split(text)
    bodies = dict(zip(sections[1::2], sections[2::2]))
    if "Data segments" not in bodies or "Keyslots" not in bodies:
        raise CannotRead("not_understood", "cryptsetup: Data segments")
    ciphers = [
        fields.get("cipher", "") if kind == "crypt" else ""
        for _, kind, fields in _entries(bodies["Data segments"])
        # Segments that a change keeps for the way back are not in force.
        if not fields.get("flags", "").startswith("backup-")
    ]
    slots = _entries(bodies["Keyslots"])
    change = next((CHANGES.get(fields.get("Mode", "")) for _, kind, fields in slots if kind == "reencrypt"), None)
    return Header(2, tuple(number for number, kind, _ in slots if kind != "reencrypt"), tuple(ciphers), change)


def _entries(body: str) -> list[tuple[int, str, dict[str, str]]]:
    """(number, kind, fields) of the entries of a section."""
    pieces = ENTRY_2.split(body)
    return [
        (int(number), kind, dict(FIELD_2.findall(fields)))
        for number, kind, fields in zip(pieces[1::3], pieces[2::3], pieces[3::3])
    ]
