"""What error numbers of Windows mean, and what the whole package answers where there is no Windows."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from muster_agent.local.windows.api import FUNCTIONS, ask
from muster_agent.local.windows.libraries import failed, function
from muster_agent.machine import CannotRead, Denied

AGENT = Path(__file__).resolve().parents[4] / "agent"
ARGUMENTS = {
    "NetLocalGroupGetMembers": ("S-1-5-32-544",),
    "NetUserModalsGet": ("0",),
    "WscGetSecurityProviderHealth": ("4",),
    "GetOldestEventLogRecord": ("Security",),
}
elsewhere = pytest.mark.skipif(sys.platform == "win32", reason="what happens where there is no Windows")


@pytest.mark.parametrize("number", [5, 65, 1314, 0x80070005, -2147024891, 0xC0000022])
def test_a_refusal_is_denied(number: int) -> None:
    error = failed("NetUserEnum", number)
    assert isinstance(error, Denied)
    assert (error.status, error.detail) == ("denied", "NetUserEnum")


@pytest.mark.parametrize("number", [50, 120, 0x80004001])
def test_what_this_windows_does_not_have_is_unsupported_and_no_error(number: int) -> None:
    error = failed("GetFirmwareType", number)
    assert (error.status, error.code) == ("unsupported", "not_on_this_system")


@pytest.mark.parametrize(
    ("number", "said"),
    [(2245, "NetUserEnum: error 2245"), (1, "NetUserEnum: error 1"), (-2144845809, "NetUserEnum: error 0x8028400f")],
)
def test_any_other_error_keeps_its_number(number: int, said: str) -> None:
    error = failed("NetUserEnum", number)
    assert (error.status, error.code, error.detail) == ("error", "api_failed", said)


@elsewhere
@pytest.mark.parametrize("name", FUNCTIONS)
def test_without_windows_every_question_says_so(name: str) -> None:
    with pytest.raises(CannotRead) as raised:
        ask(name, *ARGUMENTS.get(name, ()))
    assert (raised.value.status, raised.value.code) == ("unsupported", "not_on_this_system")


@elsewhere
def test_a_function_is_looked_for_on_windows_only() -> None:
    with pytest.raises(CannotRead, match="not_on_this_system: GetTickCount"):
        function("kernel32", "GetTickCount", ctypes.c_uint32)


def test_a_question_that_is_none_is_a_mistake_and_not_an_answer() -> None:
    with pytest.raises(ValueError, match="NetUserDel"):
        ask("NetUserDel")
    with pytest.raises(ValueError, match="level"):
        ask("NetUserModalsGet", "2")
    with pytest.raises(ValueError, match="Setup"):
        ask("GetOldestEventLogRecord", "Setup")
    with pytest.raises(ValueError, match="4294967295"):
        ask("WscGetSecurityProviderHealth", "4294967295")


@pytest.mark.skipif(sys.platform != "linux", reason="of a run on Linux")
def test_a_run_on_linux_loads_nothing_of_other_systems() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from muster_agent.cli import main\n"
        "main(['check', '--json'])\n"
        "loaded = {'winreg', 'psutil', 'muster_agent.local.psutil_listing'} & set(sys.modules)\n"
        "others = ('muster_agent.local.windows', 'muster_agent.local.darwin')\n"
        "loaded |= {name for name in sys.modules if name.startswith(others)}\n"
        "print(sorted(loaded), file=sys.stderr)\n"
    )
    run = subprocess.run([sys.executable, "-I", "-S", "-B", "-c", code, str(AGENT)], capture_output=True, timeout=120)
    assert run.stderr.decode() == "[]\n"
