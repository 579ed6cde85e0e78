"""What a body must be, line by line of security.md §4, and that the quick reader takes in nothing the thorough one
would not."""

from __future__ import annotations

import json
import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_agent.canonical import canonical, digest
from muster_agent.facts import TABLES, Boot, ListeningPort, OsVersion, Package, SystemInfo, Table
from muster_agent.limits import INTEGER_LIMIT, ROW_LIMIT, TEXT_LIMIT
from muster_agent.sending.report import body_of, packed
from muster_server.receive import quick, thorough
from muster_server.receive.body import UNPACKED_LIMIT, decode, unpack
from muster_server.receive.form import Body
from muster_server.receive.refusal import Refusal

FULL = body_of(
    {
        "os_version": Table((OsVersion(name="Debian 科", platform="debian", major=12),)),
        "system_info": Table((SystemInfo(hostname="pc", physical_memory=2**40),)),
        "boot": Table((Boot(boot_id="b0"),)),
        "packages": Table((Package(name='a"\\\n', version="1"), Package(name="b", version="2"))),
        "listening_ports": Table((ListeningPort(port=22, protocol="tcp"),)),
    },
    (),
)


def content() -> dict[str, Any]:
    """The body as Python values."""
    found: dict[str, Any] = json.loads(FULL)
    return found


def with_rows(rows: Any, table: str = "os_version") -> bytes:
    """The body with these rows in a table, and their digest made right."""
    found = content()
    entry = found["manifest"]["tables"][table]
    del found["bodies"][entry["digest"]]
    entry["digest"] = digest(canonical(rows))
    found["bodies"][entry["digest"]] = rows
    return canonical(found)


def in_place(raw: bytes, table: str = "os_version") -> bytes:
    """The body with these very bytes as the rows of a table, and their digest made right."""
    marked = with_rows(["MARK"], table).replace(digest(canonical(["MARK"])).encode(), digest(raw).encode())
    parts = json.loads(marked)
    bodies = ",".join(
        f'"{name}":' + (raw.decode("latin-1") if rows == ["MARK"] else canonical(rows).decode("latin-1"))
        for name, rows in sorted(parts["bodies"].items())
    )
    rest = canonical({**parts, "bodies": {}}).decode("latin-1")
    return rest.replace('"bodies":{}', '"bodies":{' + bodies + "}").encode("latin-1")


def refused(plain: bytes, *statuses: int) -> Refusal:
    """Both readers refuse it, with one of these statuses."""
    assert quick.read(plain) is None
    with pytest.raises(Refusal) as refusal:
        decode(plain)
    assert refusal.value.status in statuses, refusal.value
    return refusal.value


def test_both_readers_find_the_same_in_a_good_body() -> None:
    found = quick.read(FULL)
    assert found is not None
    assert found == thorough.read(FULL)
    assert found.name == "pc"
    assert in_place(canonical([{"name": "x"}])) == with_rows([{"name": "x"}])


# -- the list --------------------------------------------------------------------------------------------------------


def test_B01_a_bomb_is_stopped_at_the_limit_and_takes_no_more_memory() -> None:
    import tracemalloc

    bomb = packed(b"\0" * (200 * 1024 * 1024))
    assert len(bomb) < 250_000
    tracemalloc.start()
    with pytest.raises(Refusal) as refusal:
        unpack(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refusal.value.status == 413
    assert peak < UNPACKED_LIMIT + 20 * 1024 * 1024


def test_B02_a_zstd_bomb_is_no_gzip() -> None:
    # The frame that says it holds 200 MB (RFC 8878): magic, descriptor, content size.
    frame = b"\x28\xb5\x2f\xfd\xa4" + (200 * 1024 * 1024).to_bytes(4, "little") + b"\0" * 100
    with pytest.raises(Refusal) as refusal:
        unpack(frame)
    assert refusal.value.status == 400


def test_B03_only_one_whole_gzip_stream_is_taken() -> None:
    good = packed(FULL)
    flipped = bytearray(good)
    flipped[-5] ^= 1  # in the checksum
    for bad in (
        good + good,
        good + b"x",
        good + b"\0" * 8,
        good[:-1],
        good[:-8],
        b"",
        bytes(flipped),
        zlib.compress(FULL),
    ):
        with pytest.raises(Refusal) as refusal:
            unpack(bad)
        assert refusal.value.status == 400
    assert unpack(good) == FULL


@pytest.mark.parametrize("depth", [33, 200, 1_000, 100_000])
def test_B10_depth_is_refused(depth: int) -> None:
    for nested in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth, b"[" * depth):
        refused(nested, 400, 422)
        refused(in_place(b'[{"name":' + nested + b"}]"), 400, 422)


@pytest.mark.parametrize(
    "number", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"1.5", b"1e2", b"-0", b"1E2"]
)
def test_B11_what_is_no_whole_number_is_refused(number: bytes) -> None:
    refused(b'{"a":' + number + b"}", 400, 422)
    refused(in_place(b'[{"major":' + number + b"}]"), 400, 422)


@pytest.mark.parametrize(
    "number", [str(2**63), str(-(2**63)), str(2**64), str(2**200), "9" * 4_299, "9" * 5_000, "01", "+1"]
)
def test_B12_a_number_beyond_63_bits_is_refused(number: str) -> None:
    refused(in_place(b'[{"major":' + number.encode() + b"}]"), 400, 422)
    refused(FULL.replace(b'"schema":1', b'"schema":' + number.encode()), 400, 422)


def test_B12_the_largest_numbers_are_taken() -> None:
    for number in (INTEGER_LIMIT - 1, 1 - INTEGER_LIMIT):
        found = quick.read(with_rows([{"major": number}]))
        assert found is not None
        assert found == thorough.read(with_rows([{"major": number}]))


def test_B13_a_key_twice_is_refused_wherever_it_stands() -> None:
    refused(in_place(b'[{"name":"a","name":"b"}]'), 400)
    refused(in_place(b'[{"name":"a","name":"a"}]'), 400)
    refused(FULL.replace(b'"schema":1', b'"schema":1,"schema":1'), 400)
    first = sorted(content()["bodies"])[0]
    again = f'"{first}":'.encode() + canonical(content()["bodies"][first])
    refused(FULL.replace(b'"bodies":{', b'"bodies":{' + again + b","), 400)
    refused(FULL.replace(b'"status":"ok"', b'"status":"ok","status":"ok"', 1), 400)


@pytest.mark.parametrize("text", [b"\\ud800", b"\\udc00", b"\\ud800x", b"\\ud800\\ud800", b"\xed\xa0\x80", b"\\uD83D"])
def test_B14_half_of_a_surrogate_pair_is_refused(text: bytes) -> None:
    refused(in_place(b'[{"name":"' + text + b'"}]'), 400)
    refused(in_place(b'[{"' + text + b'":"x"}]'), 400, 422)


def test_B15_a_nul_is_refused_and_what_only_looks_like_one_is_not() -> None:
    refused(with_rows([{"name": "a\0b"}]), 422)
    refused(with_rows([{"name": "\0"}], "system_info"), 422)
    refused(in_place(b'[{"name":"a\x00b"}]'), 400)
    assert decode(with_rows([{"name": "a\\u0000b"}])).bodies  # a backslash and five characters


def test_B16_what_is_too_long_or_too_many_is_refused() -> None:
    refused(with_rows([{"name": "x" * 1_000_000}]), 422)
    refused(with_rows([{"name": "x" * (TEXT_LIMIT + 1)}]), 422)
    refused(with_rows([{"later": "x" * (TEXT_LIMIT + 1)}]), 422)
    assert decode(with_rows([{"name": "科" * TEXT_LIMIT}])).bodies
    refused(with_rows([{"port": number} for number in range(100_000)], "listening_ports"), 422)
    refused(with_rows([{}] * (ROW_LIMIT + 1), "boot"), 422)
    many = content()
    many["manifest"]["tables"] = {f"t{number}": {"status": "ok", "digest": "a" * 64} for number in range(10_000)}
    refused(canonical(many), 422)
    many = content()
    many["bodies"] = {f"{number:064x}": [] for number in range(201)}
    refused(canonical(many), 422)
    refused(canonical({**content(), "agent_version": "1" * 41}), 422)


@pytest.mark.parametrize("table", sorted(TABLES))
def test_B17_the_wrong_type_in_any_column_is_refused_with_its_place(table: str) -> None:
    for name, field in TABLES[table].__dataclass_fields__.items():
        kind = field.metadata["kind"]
        for value in (None, 1.5, [], {}, ["x"], {"a": 1}, True, 7, "x"):
            right = {"integer": int, "boolean": bool}.get(kind, str)
            plain = canonical(
                {
                    "agent_version": "1",
                    "bodies": {digest(canonical([{name: value}])): [{name: value}]},
                    "manifest": {"tables": {table: {"digest": digest(canonical([{name: value}])), "status": "ok"}}},
                    "schema": 1,
                }
            )
            if type(value) is right:
                assert quick.read(plain) == thorough.read(plain)
            else:
                assert refused(plain, 400, 422).detail


@pytest.mark.parametrize("row", [{"major": True}, {"major": False}, {"major": "5"}, {"major": "٣"}, {"major": "²"}])
def test_B18_a_boolean_or_a_text_is_no_number(row: dict[str, Any]) -> None:
    refused(with_rows([row]), 422)


def test_B18_a_number_is_no_boolean_and_a_schema_is_no_truth() -> None:
    for value in (0, 1, "true", "yes"):
        rows = [{"enabled": value}]
        found = content()
        found["manifest"]["tables"]["firewall"] = {"digest": digest(canonical(rows)), "status": "ok"}
        found["bodies"][digest(canonical(rows))] = rows
        refused(canonical(found), 422)
    for value in (b"true", b'"1"', b"1.0", b"2", b"null"):
        refused(FULL.replace(b'"schema":1', b'"schema":' + value), 400, 422)


def test_B19_every_other_encoding_is_refused() -> None:
    text = FULL.decode("utf-8")
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "gb18030"):
        refused(text.encode(encoding), 400)
    for bad in (
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xff",
        b"\x80",
        b"\xf4\x90\x80\x80",
        b"\xe7\xa7",
    ):  # overlong, cut, beyond
        refused(in_place(b'[{"name":"' + bad + b'"}]'), 400)
    refused(in_place(b'[{"name":"\\u79d1"}]'), 400)  # an escape where the letter itself is due
    refused(in_place(b'[{"name":"\\/"}]'), 400)
    refused(in_place(b'[{"name":"\x1f"}]'), 400)


@pytest.mark.parametrize(
    "said",
    [
        "9999-12-31T23:59:59Z",
        "1601-01-01T00:00:00Z",
        "2031-11-24T08:00:00Z",
        "2026-11-24T08:00:00",  # no zone
        "2016-12-31T23:59:60Z",  # a leap second
        "0000-00-00T00:00:00Z",
        "2026-03-29T02:30:00+01:00",  # in the gap of a change to summer time
        "yesterday",
        "",
    ],
)
def test_B20_a_moment_in_a_row_is_text_and_is_kept(said: str) -> None:
    plain = with_rows([{"boot_time": said}], "boot")
    found = quick.read(plain)
    assert found == thorough.read(plain)
    assert found is not None
    assert canonical([{"boot_time": said}]) in found.bodies.values()


# -- the quick reader ------------------------------------------------------------------------------------------------

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["\0", "\x1f", "\x7f", "\x80", "\u2028", "\ufeff", "\U0001f600", '"', "\\", "/", "\b\f\n\r\t", "科", "<>&'"]
)
_whole = st.integers() | st.sampled_from([0, -1, 2**53, 2**63 - 1, -(2**63), 2**63, 2**64 - 1])
_values = st.recursive(
    st.none() | st.booleans() | _whole.filter(lambda number: -(2**63) <= number < 2**64) | _text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400)
@given(_values)
def test_msgspec_writes_what_canonical_form_is(value: Any) -> None:
    assert msgspec.json.Encoder(order="sorted").encode(value) == canonical(value)


def _either(reader: Any, plain: bytes) -> Body | int:
    try:
        found: Body = reader(plain)
    except Refusal as refusal:
        return refusal.status
    return found


_known = st.sampled_from(sorted(TABLES))
_column = st.sampled_from(sorted({name for row_type in TABLES.values() for name in row_type.__dataclass_fields__}))
_row = st.dictionaries(_column | _text, _values, max_size=3)


@settings(max_examples=300)
@given(_known | _text, st.lists(_row, max_size=3), st.dictionaries(_text, _values, max_size=1))
def test_whatever_a_table_holds_both_readers_agree(
    table: str, rows: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    named = digest(canonical(rows))
    entry = {"digest": named, "status": "ok", **more}
    plain = canonical(
        {"agent_version": "1", "bodies": {named: rows}, "manifest": {"tables": {table: entry}}, "schema": 1}
    )
    found = quick.read(plain)
    if found is not None:
        assert found == _either(thorough.read, plain)


@settings(max_examples=500)
@given(st.integers(0, len(FULL) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_whatever_is_changed_in_a_body_the_quick_reader_takes_in_nothing_more(at: int, put: bytes, cut: int) -> None:
    plain = FULL[:at] + put + FULL[at + cut :]
    found = quick.read(plain)
    if found is not None:
        assert found == _either(thorough.read, plain)


@settings(max_examples=300)
@given(st.integers(0, 400), st.binary(max_size=3), st.integers(0, 3))
def test_rows_with_a_right_digest_that_are_not_canonical_are_refused_by_both(at: int, put: bytes, cut: int) -> None:
    raw = canonical([{"name": "Debian", "platform": "debian"}, {"major": 12, "name": "科"}])
    at %= len(raw)
    plain = in_place(raw[:at] + put + raw[at + cut :])
    found = quick.read(plain)
    if found is not None:
        assert found == _either(thorough.read, plain)


def test_what_goes_without_saying_may_be_said_and_is_not_kept() -> None:
    said = content()
    said["manifest"]["tables"]["patches"] = {
        "problem": {"code": "not_this_platform", "detail": "", "status": "unsupported"},
        "status": "unsupported",
    }
    found = quick.read(canonical(said))
    assert found is not None
    assert found == thorough.read(canonical(said))
    assert b'"detail"' not in found.described


def test_a_newer_agents_columns_and_tables_are_left_to_the_thorough_reader() -> None:
    newer = with_rows([{"later": "y", "name": "x"}])
    assert quick.read(newer) is None
    assert canonical([{"later": "y", "name": "x"}]) in decode(newer).bodies.values()
