"""The one PowerShell process: what it is given, and that nothing it prints is trusted."""

from __future__ import annotations

import base64
import json
import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.local.windows import powershell, registry
from muster_agent.local.windows.powershell_answer import TEXT_LIMIT, error_text, parse
from muster_agent.local.windows.powershell_script import DEFENDER, PARTS, script
from muster_agent.machine import CannotRead, NotFound
from muster_agent.system import current_version

PENDING = {
    "title": "2026-11 适用于 Windows 10 的累积更新 (KB5031356)",
    "kbs": ["5031356"],
    "severity": "Critical",
    "categories": [{"id": "0fa1201d-4330-4fa8-8ae9-b877473b6441", "name": "安全更新程序"}],
    "update_id": "c6d1c5c3-0000-4000-8000-000000000001",
    "revision": 200,
}
ENTRY = {
    "date": "2026-11-12T03:04:05Z",
    "title": "Defender",
    "operation": 1,
    "result_code": 2,
    "update_id": "c6d1c5c3-0000-4000-8000-000000000002",
}
ANSWERS: dict[str, Any] = {
    "defender": {
        **dict.fromkeys(DEFENDER),
        "AMServiceEnabled": True,
        "AntivirusSignatureAge": 0,
        "AMRunningMode": "Normal",
    },
    "bitlocker": [{"drive": "C:", "protection_status": 1, "conversion_status": 1, "encryption_method": 6}],
    "bitlocker_shell": {"C:": 1, "D:": 2},
    "updates": {
        "result_code": 2,
        "last_search": "2026-11-20T01:02:03Z",
        "last_install": None,
        "pending": [PENDING],
        "history": [ENTRY],
    },
}


def block(part: Any, answer: Any) -> bytes:
    """What the script prints of one part, in lines as a console may break them."""
    encoded = base64.b64encode(json.dumps({"part": part, "answer": answer}, ensure_ascii=False).encode())
    lines = b"\r\n".join(encoded[at : at + 80] for at in range(0, len(encoded), 80))
    return b"MUSTER-BEGIN " + lines + b" MUSTER-END\r\n"


def whole(**changed: Any) -> bytes:
    """The answers of all parts."""
    return b"".join(block(part, changed.get(part, ANSWERS[part])) for part in PARTS)


# -- answers ---------------------------------------------------------------------------------------------------------


def test_every_part_arrives_as_it_was_said() -> None:
    assert parse(whole(), b"") == ANSWERS


def test_what_a_profile_or_a_policy_prints_around_them_is_no_answer() -> None:
    noise = "警告: 未经授权\r\n".encode("gbk")
    assert parse(noise + whole() + noise, noise) == ANSWERS


def test_utf_16_is_read_too() -> None:
    assert parse(whole().decode("ascii").encode("utf-16-le"), b"") == ANSWERS


def test_defender_that_does_not_run_is_null_and_no_error() -> None:
    assert parse(whole(defender=None), b"")["defender"] is None


def test_lists_that_old_powershells_wrap_are_lists() -> None:
    wrapped = {
        **ANSWERS["updates"],
        "pending": {"value": [{**PENDING, "kbs": {"value": ["1"], "Count": 1}}], "Count": 1},
        "history": {"value": [], "Count": 0},
    }
    said = parse(whole(updates=wrapped, bitlocker={"value": ANSWERS["bitlocker"], "Count": 1}), b"")
    assert said["updates"]["pending"] == [{**PENDING, "kbs": ["1"]}]
    assert said["updates"]["history"] == []
    assert said["bitlocker"] == ANSWERS["bitlocker"]


def test_the_error_of_one_part_leaves_the_others() -> None:
    said = parse(whole(updates={"error": "Exception from HRESULT:\r\n 0x80070422"}), b"")
    assert said == {**ANSWERS, "updates": {"error": "Exception from HRESULT: 0x80070422"}}


def test_a_part_that_did_not_come_says_why_it_is_missing() -> None:
    first = block("defender", ANSWERS["defender"])
    assert parse(first, b"", "timed out")["updates"] == {"error": "timed out"}
    assert parse(first + whole()[:-40], b"")["updates"] == {"error": "no answer"}
    assert parse(first, CLIXML)["updates"] == {"error": 'Get-CimInstance : 拒绝访问 <x> & "y"'}


def test_a_day_of_1899_is_never() -> None:
    never = {**ANSWERS["updates"], "last_search": "1899-12-30T00:00:00Z", "last_install": "yesterday"}
    said = parse(whole(updates=never), b"")["updates"]
    assert (said["last_search"], said["last_install"]) == (None, None)


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        ("updates", None),
        ("updates", []),
        ("updates", {}),
        ("updates", {**ANSWERS["updates"], "result_code": "2"}),
        ("updates", {**ANSWERS["updates"], "result_code": True}),
        ("updates", {**ANSWERS["updates"], "pending": None}),
        ("updates", {**ANSWERS["updates"], "pending": PENDING}),
        ("updates", {**ANSWERS["updates"], "pending": [PENDING] * 5001}),
        ("updates", {**ANSWERS["updates"], "pending": [{**PENDING, "title": "x" * (TEXT_LIMIT + 1)}]}),
        ("updates", {**ANSWERS["updates"], "pending": [{**PENDING, "revision": 2**63}]}),
        ("updates", {**ANSWERS["updates"], "pending": [{**PENDING, "kbs": [5031356]}]}),
        ("updates", {**ANSWERS["updates"], "pending": [PENDING, {}]}),
        ("updates", {**ANSWERS["updates"], "history": [ENTRY] * 51}),
        ("defender", []),
        ("defender", {"AMServiceEnabled": [True]}),
        ("defender", {"AMProductVersion": 1.5}),
        ("bitlocker", None),
        ("bitlocker", [None]),
        ("bitlocker", [{"drive": "\\\\?\\Volume{1}\\", "protection_status": 1}]),
        ("bitlocker", [{"drive": "C:", "protection_status": "1"}]),
        ("bitlocker_shell", None),
        ("bitlocker_shell", {"C:": None}),
        ("bitlocker_shell", {"CC:": 1}),
    ],
)
def test_a_part_of_another_shape_is_an_error_and_never_an_empty_list(part: str, answer: Any) -> None:
    said = parse(whole(**{part: answer}) if answer is not None else block(part, None), b"")
    assert said[part] == {"error": "answer not understood"}


def test_the_first_answer_of_a_part_counts() -> None:
    forged = block("updates", {**ANSWERS["updates"], "pending": []})
    assert parse(whole() + forged, b"")["updates"]["pending"] == [PENDING]


@pytest.mark.parametrize(
    "stdout",
    [
        b"",
        b"MUSTER-BEGIN",
        b"MUSTER-BEGIN MUSTER-END",
        b"MUSTER-END MUSTER-BEGIN",
        b"MUSTER-BEGIN !!!! MUSTER-END",
        b"MUSTER-BEGIN " + base64.b64encode(b"[" * 100_000) + b" MUSTER-END",
        b"MUSTER-BEGIN " + base64.b64encode(b"\xff\xfe") + b" MUSTER-END",
        block("format C:", {}),
        block(None, {}),
        block(["updates"], {}),
    ],
)
def test_no_answer_at_all_is_a_failure(stdout: bytes) -> None:
    with pytest.raises(CannotRead, match="powershell_failed: no answer"):
        parse(stdout, b"")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*ANSWERS["updates"], *PENDING, "error", "value", "Count", "drive", "C:", *DEFENDER])
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.sampled_from(PARTS), JSON)
def test_whatever_a_part_says_the_answer_has_the_agreed_shape(part: str, answer: Any) -> None:
    said = parse(block(part, answer), b"")
    assert set(said) == set(PARTS)
    json.dumps(said)
    found = said[part]
    if isinstance(found, dict) and set(found) == {"error"}:
        assert isinstance(found["error"], str)
        assert 0 < len(found["error"]) <= 500
    elif part == "updates":
        assert set(found) == set(ANSWERS["updates"])
        assert isinstance(found["pending"], list)
    elif part == "defender":
        assert found is None or set(found) == set(DEFENDER)
    elif part == "bitlocker":
        assert all(set(row) == set(ANSWERS["bitlocker"][0]) for row in found)
    else:
        assert all(isinstance(value, int) for value in found.values())


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_whatever_it_prints_there_is_an_answer_or_a_failure(stdout: bytes, stderr: bytes) -> None:
    for printed in (stdout, b"MUSTER-BEGIN" + stdout + b"MUSTER-END"):
        try:
            assert set(parse(printed, stderr)) == set(PARTS)
        except CannotRead as error:
            assert error.code == "powershell_failed"
            assert 0 < len(error.detail) <= 500


# -- errors ----------------------------------------------------------------------------------------------------------

CLIXML = (
    "#< CLIXML\r\n"
    '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
    '<Obj S="progress" RefId="0"><MS><I64 N="SourceId">1</I64></MS></Obj>'
    '<S S="Error">Get-CimInstance : 拒绝访问_x000D__x000A_</S><S S="Warning">no</S>'
    '<S S="Error"> &lt;x&gt; &amp; &quot;y&quot;_x000D__x000A_</S></Objs>'
).encode()


def test_errors_are_taken_out_of_clixml() -> None:
    assert error_text(CLIXML) == 'Get-CimInstance : 拒绝访问 <x> & "y"'
    assert error_text(b"#< CLIXML\r\n<Objs></Objs>") == ""


def test_plain_errors_are_one_line_of_bounded_length() -> None:
    assert error_text(b" a\r\n  b\0c ") == "a bc"
    assert len(error_text(b"x" * 10_000)) == 500
    assert len(error_text(b"#< CLIXML" + b'<S S="Error">' * 10_000)) <= 500


# -- the script ------------------------------------------------------------------------------------------------------


def test_the_command_line_fits_and_decodes_to_the_script() -> None:
    argv = powershell.arguments(r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe")
    assert sum(map(len, argv)) + len(argv) * 3 < 32_767  # CreateProcess
    assert argv[argv.index("-EncodedCommand") + 1 :] == [base64.b64encode(script().encode("utf-16-le")).decode()]
    assert {"-NoProfile", "-NonInteractive"} <= set(argv)
    assert "-ExecutionPolicy" not in argv  # no script file, so nothing to get around


def test_the_script_asks_every_part_and_nothing_of_the_network() -> None:
    text = script()
    assert text.isascii()
    assert re.findall(r"^Say '(\w+)' ", text, re.MULTILINE) == list(PARTS)
    assert "$searcher.Online = $false" in text
    assert text.index("$searcher.Online = $false") < text.index("$searcher.Search(")
    assert "@BEGIN@" not in text
    assert all(name in text for name in DEFENDER)


def test_the_script_changes_nothing() -> None:
    verbs = re.findall(r"\b([A-Z][a-z]+)-[A-Z][A-Za-z]+\b", script())
    assert set(verbs) <= {"Get", "New", "Invoke", "Write", "ConvertTo", "MUSTER"}
    assert re.findall(r"New-Object (?!-ComObject)", script()) == []
    assert set(re.findall(r"-MethodName (\w+)", script())) == {
        "GetProtectionStatus",
        "GetConversionStatus",
        "GetEncryptionMethod",
    }
    assert not re.search(r"\.(Install|Download|Uninstall|BeginSearch|Create\w*Installer)\(", script())


def test_the_alphabet_of_base64_by_hand_is_the_right_one() -> None:
    """No PowerShell runs here; what of its function can be checked without one."""
    alphabet = re.search(r"\$alphabet = '([^']+)'", script())
    assert alphabet is not None
    every = b"".join((number << 18 | number << 12 | number << 6 | number).to_bytes(3, "big") for number in range(64))
    assert base64.b64encode(every).decode() == "".join(character * 4 for character in alphabet.group(1))


# -- whether it is started -------------------------------------------------------------------------------------------


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The registry's word on PowerShell, and under CurrentBuild on Windows; empty: PowerShell's key is not there."""
    found: dict[str, Any] = {}

    def values(key: str) -> dict[str, Any]:
        if key == current_version.KEY:
            return {"CurrentBuild": found.get("CurrentBuild", "19045")}
        assert key == powershell.ENGINE
        if not found:
            raise NotFound(key)
        return found

    monkeypatch.setattr(registry, "values", values)
    monkeypatch.setattr(powershell, "_outcome", [])
    return found


@pytest.mark.parametrize("version", [None, "", "2.0", "unknown", "99999.1"])
def test_before_version_3_it_is_never_started(engine: dict[str, Any], version: str | None) -> None:
    if version is not None:
        engine["PowerShellVersion"] = version
    with pytest.raises(CannotRead) as raised:
        powershell.answers()
    assert (raised.value.code, raised.value.status) == ("no_powershell", "unsupported")


@pytest.mark.parametrize("build", ["6002", "7601", "9200", "9600", "10239"])
def test_before_windows_10_it_is_never_started_whatever_is_installed(engine: dict[str, Any], build: str) -> None:
    engine.update(PowerShellVersion="5.1.14409.1005", CurrentBuild=build)
    with pytest.raises(CannotRead) as raised:
        powershell.answers()
    assert (raised.value.code, raised.value.status) == ("no_powershell", "unsupported")
    assert build in raised.value.detail


@pytest.mark.parametrize("build", ["", "unknown", 9600, "9999999"])
def test_on_a_windows_that_does_not_state_its_build_it_is_never_started(engine: dict[str, Any], build: Any) -> None:
    engine.update(PowerShellVersion="5.1.14409.1005", CurrentBuild=build)
    with pytest.raises(CannotRead, match="not_understood"):
        powershell.answers()


def test_switched_off_it_is_not_started(monkeypatch: pytest.MonkeyPatch, engine: dict[str, Any]) -> None:
    monkeypatch.setenv("MUSTER_NO_POWERSHELL", "1")
    engine["PowerShellVersion"] = "5.1.19041.1"
    with pytest.raises(CannotRead, match="powershell_off"):
        powershell.answers()


@pytest.mark.skipif(sys.platform == "win32", reason="where there is no Windows it cannot be started")
def test_it_is_asked_once_a_run_and_its_failure_is_the_same_each_time(engine: dict[str, Any]) -> None:
    engine["PowerShellVersion"] = "5.1.19041.1"
    with pytest.raises(CannotRead, match="not_on_this_system") as first:
        powershell.answers()
    engine.clear()
    with pytest.raises(CannotRead) as second:
        powershell.answers()
    assert second.value is first.value
