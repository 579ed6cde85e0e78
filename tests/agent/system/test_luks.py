"""LUKS headers as cryptsetup luksDump prints them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead
from muster_agent.system import luks

ONE = """\
LUKS header information for /dev/sda3

Version:       \t1
Cipher name:   \t{cipher}
Cipher mode:   \txts-plain64
Hash spec:     \tsha256
UUID:          \t00000000-0000-4000-8000-000000000001

Key Slot 0: ENABLED
\tIterations:         \t2099250
Key Slot 1: DISABLED
Key Slot 7: ENABLED
"""
TWO = """\
LUKS header information
Version:       \t2
Epoch:         \t6
UUID:          \t00000000-0000-4000-8000-000000000001
Label:         \t(no label)

Data segments:
{segments}
Keyslots:
  0: luks2
\tKey:        512 bits
\tCipher:     aes-xts-plain64
{more}Tokens:
  0: systemd-tpm2
\tKeyslot:    2
Digests:
  0: pbkdf2
\tHash:       sha256
"""
CRYPT = "  {number}: crypt\n\toffset: 16777216 [bytes]\n\tlength: (whole device)\n\tcipher: aes-xts-plain64\n"
LINEAR = "  {number}: linear\n\toffset: 0 [bytes]\n\tlength: 67108864 [bytes]\n"
CHANGE = "  1: reencrypt (unbound)\n\tKey:        8 bits\n\tMode:       {mode}\n\tDirection:  backward\n"


def two(segments: str, more: str = "") -> luks.Header:
    """A header of version 2."""
    return luks.parse(TWO.format(segments=segments, more=more))


def test_version_1() -> None:
    header = luks.parse(ONE.format(cipher="aes"))
    assert (header.version, header.slots, header.ciphers, header.change) == (1, (0, 7), ("aes",), None)
    assert header.encrypted


def test_version_2() -> None:
    header = two(CRYPT.format(number=0))
    assert (header.version, header.slots, header.ciphers, header.change) == (2, (0,), ("aes-xts-plain64",), None)
    assert header.encrypted


def test_the_null_cipher_encrypts_nothing() -> None:
    assert not luks.parse(ONE.format(cipher="cipher_null")).encrypted
    assert not two(CRYPT.format(number=0).replace("aes-xts-plain64", "cipher_null-ecb")).encrypted


def test_a_volume_on_its_way_is_not_encrypted_yet() -> None:
    half = CRYPT.format(number=0) + LINEAR.format(number=1)
    encrypting = two(half, CHANGE.format(mode="encrypt"))
    assert (encrypting.change, encrypting.encrypted, encrypting.slots) == ("encrypting", False, (0,))
    assert two(half, CHANGE.format(mode="decrypt")).change == "decrypting"


def test_a_change_of_the_key_leaves_it_encrypted() -> None:
    header = two(CRYPT.format(number=0) + CRYPT.format(number=1), CHANGE.format(mode="reencrypt"))
    assert (header.change, header.encrypted) == ("reencrypting", True)


def test_segments_kept_for_the_way_back_are_not_in_force() -> None:
    kept = LINEAR.format(number=1) + "\tflags : backup-previous\n"
    assert two(CRYPT.format(number=0) + kept).encrypted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Device /dev/sda3 is not a valid LUKS device.\n",
        "LUKS header information\nVersion:       \t3\n",
        TWO.partition("Data")[0],
        ONE.partition("Cipher")[0],
    ],
)
def test_what_is_no_header_is_refused(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        luks.parse(text)


def test_the_headers_of_others_are_read(shared: Path) -> None:
    folder = shared / "recorded/linux/encryption/insights"
    first, second = (luks.parse((folder / f"cryptsetup_luksDump__LUKS{n}_DUMP.txt").read_text("utf-8")) for n in (1, 2))
    assert (first.version, first.slots, first.encrypted) == (1, (0, 1, 2), True)
    assert (second.version, second.slots, second.encrypted, second.change) == (2, (0, 1, 2), True, None)


@given(st.sampled_from([ONE.format(cipher="aes"), TWO.format(segments=CRYPT.format(number=0), more="")]), st.data())
def test_whatever_is_printed_is_read_or_refused(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    try:
        luks.parse(text[:at] + data.draw(st.text(max_size=5)) + text[at + data.draw(st.integers(0, 30)) :])
    except CannotRead as error:
        assert error.code == "not_understood"
