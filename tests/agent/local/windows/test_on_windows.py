"""The agent on Windows, or in a Windows Python under wine (MUSTER_WINDOWS_PYTHON names it; bed.py makes one).

wine is no Windows: it lacks some functions and answers others with little. But it is another hand that laid out the
same structures, runs the same calling conventions and raises the same errors, and what it tells of this PC's network
and memory can be compared with what Linux tells.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from muster_agent.facts import TABLES
from muster_agent.local.windows.api import FUNCTIONS

AGENT = Path(__file__).resolve().parents[4] / "agent"
PYTHON = os.environ.get("MUSTER_WINDOWS_PYTHON", sys.executable)
WINE = sys.platform != "win32"
SERVER = shutil.which("wineserver") or "/usr/lib/wine/wineserver64"  # Debian leaves it out of the PATH
wine_only = pytest.mark.skipif(not WINE, reason="compares wine with the Linux below it")

PRELUDE = """
import json, os, subprocess, sys, time, winreg
sys.path.insert(0, AGENT)
from muster_agent.local import LocalMachine
from muster_agent.machine import CannotRead
from muster_agent.local.windows import powershell

machine = LocalMachine()
CMD = os.path.join(os.environ["SystemRoot"], "System32", "cmd.exe")

def outcome(ask):
    begun = time.monotonic()
    try:
        said = {"answer": ask()}
    except CannotRead as error:
        said = {"code": error.code, "detail": error.detail, "status": error.status}
    said["seconds"] = time.monotonic() - begun
    return said
"""

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Ask = Callable[[str], Any]


def in_windows(path: Path) -> str:
    """A path of this PC as the Windows Python says it."""
    return "Z:" + str(path).replace("/", "\\") if WINE else str(path)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs the Windows Python with arguments."""
    # Compiled once, and not into anybody's source tree.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": in_windows(tmp_path_factory.mktemp("compiled"))}
    command = [PYTHON]
    if WINE:
        environment.update(
            WINEPREFIX=str(tmp_path_factory.mktemp("wine") / "prefix"), WINEARCH="win64", WINEDEBUG="-all"
        )
        environment["WINEDLLOVERRIDES"] = "mscoree,mshtml="  # it would offer to download them
        command = ["wine", PYTHON]
        # -p: else it ends when nobody runs, and every test waits for it to start again.
        subprocess.run([SERVER, "-p"], env=environment, capture_output=True, timeout=60, check=False)
        subprocess.run(["wine", "wineboot", "-i"], env=environment, capture_output=True, timeout=300, check=False)

    def started(*arguments: str, **more: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**environment, **more},
            timeout=300,
            check=False,
        )

    yield started
    if WINE:
        subprocess.run([SERVER, "-k"], env=environment, capture_output=True, timeout=60, check=False)


@pytest.fixture(scope="session")
def ask(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Runs a piece of code that leaves its answer in ``said``, and brings that here."""
    folder = tmp_path_factory.mktemp("asked")

    def asked(code: str) -> Any:
        script = folder / "asked.py"
        text = f"AGENT = {in_windows(AGENT)!r}\n{PRELUDE}\n{textwrap.dedent(code)}\nprint(json.dumps(said))\n"
        script.write_text(text, "utf-8")
        done = run(in_windows(script))
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return json.loads(done.stdout)

    return asked


# -- the whole agent -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def check(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], dict[str, Any]]:
    """What ``muster-agent check --json`` says there."""
    script = tmp_path_factory.mktemp("agent") / "agent.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {in_windows(AGENT)!r})\n"
        "from muster_agent.cli import main\nsys.exit(main(['check', '--json']))\n"
    )

    def checked() -> dict[str, Any]:
        done = run(in_windows(script), MUSTER_NO_POWERSHELL="1")
        assert done.stderr == b""
        assert done.returncode in (0, 3)
        tables: dict[str, Any] = json.loads(done.stdout)["tables"]
        return tables

    return checked


def test_every_table_is_read_or_says_why_not_and_no_collector_breaks(check: Callable[[], dict[str, Any]]) -> None:
    tables = check()
    assert list(tables) == list(TABLES)
    for name, table in tables.items():
        assert (table["rows"] is None) == (table["problem"] is not None), name
        codes = {note["code"] for note in table["notes"]} | ({table["problem"]["code"]} if table["problem"] else set())
        assert "collector_failed" not in codes, (name, table)
        assert not {code for code in codes if code.startswith("not_built")}, name
    [version] = tables["os_version"]["rows"]
    assert version["platform"] == "windows"
    [boot] = tables["boot"]["rows"]
    assert boot["boot_time"].endswith(":00Z")


def test_an_unchanged_pc_says_the_same_twice(check: Callable[[], dict[str, Any]]) -> None:
    assert any(check() == check() for _ in range(3))


# -- functions -------------------------------------------------------------------------------------------------------


def test_every_function_answers_or_says_why_not(ask: Ask) -> None:
    said = ask(
        """
        from muster_agent.local.windows.api import FUNCTIONS
        ARGUMENTS = {"NetLocalGroupGetMembers": ["S-1-5-32-544"], "NetUserModalsGet": ["3"],
                     "WscGetSecurityProviderHealth": ["4"], "GetOldestEventLogRecord": ["System"]}
        said = {name: outcome(lambda: machine.api(name, *ARGUMENTS.get(name, []))) for name in FUNCTIONS
                if name != "PowerShell"}
        """
    )
    assert set(said) == set(FUNCTIONS) - {"PowerShell"}
    for name, outcome in said.items():
        codes = ("api_failed", "not_on_this_system", "denied", "needs_64_bit")
        assert "answer" in outcome or outcome["code"] in codes, (name, outcome)
    assert said["GetFirmwareType"]["answer"] in (1, 2)
    assert said["SystemDrive"]["answer"] in said["FixedDrives"]["answer"]
    assert said["BootTime"]["answer"] % 60 == 0
    assert 0 < said["BootTime"]["answer"] <= said["GetSystemTimeAsFileTime"]["answer"] + 60
    assert "RUNNING" in said["EnumServicesStatusEx"]["answer"].values()
    assert said["GetLogicalProcessorInformation"]["answer"] <= said["GetNativeSystemInfo"]["answer"]["processors"]
    assert set(said["GetSystemFirmwareTable"]["answer"]) == {"uuid", "serial", "manufacturer", "product"}


@wine_only
def test_processors_and_memory_are_those_of_this_pc(ask: Ask) -> None:
    said = ask("said = [machine.api('GetNativeSystemInfo'), machine.api('GlobalMemoryStatusEx')]")
    assert said[0] == {"architecture": "AMD64", "processors": os.cpu_count()}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert abs(said[1] - memory) < memory / 50


@wine_only
@pytest.mark.skipif(shutil.which("ip") is None, reason="needs ip (iproute2), the truth this test compares with")
def test_addresses_and_routes_are_those_linux_shows(ask: Ask) -> None:
    def ip(*arguments: str) -> Any:
        return json.loads(subprocess.run(["ip", "-j", *arguments], stdout=subprocess.PIPE, check=True).stdout)

    adapters, routes = ask("said = [machine.api('GetAdaptersAddresses'), machine.api('GetIpForwardTable2')]")
    found = {(a["name"], e["address"], e["prefix"]) for a in adapters for e in a["addresses"]}
    truth = {(a["ifname"], e["local"], e["prefixlen"]) for a in ip("addr") for e in a["addr_info"]}
    assert found == truth
    cards = {a["name"]: a["mac"] for a in adapters if a["mac"]}
    assert cards == {a["ifname"]: a["address"] for a in ip("addr") if a["link_type"] == "ether"}
    ways = {(r["gateway"], r["interface"]) for r in routes if r["prefix"] == 0 and ":" not in r["destination"]}
    assert ways == {(r.get("gateway"), r["dev"]) for r in ip("route") if r["dst"] == "default"}


def test_who_this_is_stands_in_uname(ask: Ask) -> None:
    said = ask("said = [list(vars(machine.uname()).values()), machine.privileged(), machine.platform]")
    [system, node, release, architecture], privileged, platform = said
    assert (system, architecture, platform) == ("Windows", "AMD64", "windows")
    assert node
    assert release.count(".") == 2
    assert isinstance(privileged, bool)


def test_an_error_opens_no_window(ask: Ask) -> None:
    assert ask("import ctypes; said = ctypes.WinDLL('kernel32').GetErrorMode()") & 0x8003 == 0x8003


# -- the registry ----------------------------------------------------------------------------------------------------


@wine_only
def test_values_of_every_type_and_names_in_every_language_are_read(ask: Ask) -> None:
    """Written through winreg; on a real PC this test would leave something behind."""
    said = ask(
        r"""
        access = winreg.KEY_WRITE | winreg.KEY_WOW64_64KEY
        key = winreg.CreateKeyEx(winreg.HKEY_LOCAL_MACHINE, "SOFTWARE\\Muster 测试", 0, access)
        for name, kind, data in [
            ("", 1, "default"), ("文本", 1, "奇安信"), ("path", 2, "%SystemRoot%\\x"), ("dword", 4, 0xFFFFFFFF),
            ("qword", 11, 2**40), ("multi", 7, ["a", "二"]), ("binary", 3, b"\0\1"), ("none", 0, None),
            ("big", 5, b"\0\0\0\7"), ("empty", 3, b""),
        ]:
            winreg.SetValueEx(key, name, 0, kind, data)
        for name in ("b", "A", "子键"):
            winreg.CreateKey(key, name)
        values = machine.registry_values("HKLM\\SOFTWARE\\Muster 测试")
        said = [{name: repr(value) for name, value in values.items()},
                machine.registry_keys("HKLM\\SOFTWARE\\Muster 测试"),
                machine.registry_value("HKLM\\SOFTWARE\\Muster 测试", "DWORD"),
                outcome(lambda: machine.registry_values("HKLM\\SOFTWARE\\Muster nope")),
                machine.subkeys("HKLM\\SOFTWARE\\Muster nope"),
                bool([name for name in machine.registry_keys("HKU") if name.startswith("S-1-5-")])]
        """
    )
    values, keys, dword, missing, none, users = said
    assert values == {
        "": "'default'",
        "文本": "'奇安信'",
        "path": r"'%SystemRoot%\\x'",
        "dword": "4294967295",
        "qword": "1099511627776",
        "multi": "('a', '二')",
        "binary": r"b'\x00\x01'",
        "none": "b''",
        "big": r"b'\x00\x00\x00\x07'",
        "empty": "b''",
    }
    assert keys == ["A", "b", "子键"]
    assert dword == 4294967295
    assert missing["code"] == "not_found"
    assert none == []
    assert users


# -- files -----------------------------------------------------------------------------------------------------------


def test_files_are_read_and_what_cannot_be_read_says_why(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_bytes(b"a\r\nb\x1ac")
    (tmp_path / "held.txt").write_bytes(b"")
    folder = in_windows(tmp_path)
    said = ask(
        rf"""
        folder = {folder!r}
        import ctypes
        create = ctypes.WinDLL("kernel32").CreateFileW
        create.restype = ctypes.c_void_p
        number, pointer = ctypes.c_uint32, ctypes.c_void_p
        create.argtypes = [ctypes.c_wchar_p, number, number, pointer, number, number, pointer]
        held = create(folder + "\\held.txt", 0xC0000000, 0, None, 3, 0, None)
        deep = folder + "\\" + "a long name of a folder\\" * 14
        os.makedirs("\\\\?\\" + deep)
        with open("\\\\?\\" + deep + "文件.txt", "wb") as file:
            file.write(b"deep")
        said = {{
            "whole": outcome(lambda: list(machine.read(folder + "\\file.txt"))),
            "start": outcome(lambda: list(machine.read_start(folder + "/file.txt", 2))),
            "short": outcome(lambda: machine.read(folder + "\\file.txt", 3)),
            "size": outcome(lambda: machine.stat(folder + "\\file.txt").size),
            "names": outcome(lambda: machine.listdir(folder)),
            "folder": outcome(lambda: machine.read(folder)),
            "missing": outcome(lambda: machine.read(folder + "\\none\\file")),
            "device": outcome(lambda: machine.read(folder + "\\nul")),
            "nul": outcome(lambda: machine.stat(folder + "\\a\0b")),
            "elsewhere": outcome(lambda: machine.stat("\\\\192.0.2.1\\share\\file")),
            "held": outcome(lambda: machine.read(folder + "\\held.txt")),
            "deep": outcome(lambda: list(machine.read(deep + "文件.txt"))),
            "deep names": outcome(lambda: machine.listdir(deep)),
        }}
        """
    )
    assert said["whole"]["answer"] == list(b"a\r\nb\x1ac")
    assert said["start"]["answer"] == list(b"a\r")
    assert said["size"]["answer"] == 6
    assert {"file.txt", "held.txt"} <= set(said["names"]["answer"])
    assert (said["deep"]["answer"], said["deep names"]["answer"]) == (list(b"deep"), ["文件.txt"])
    codes = {name: outcome["code"] for name, outcome in said.items() if "code" in outcome}
    assert codes.pop("device") in ("not_regular_file", "system_error")  # Python 3.7 cannot ask what it is
    assert codes == {
        "short": "too_large",
        "folder": "not_regular_file",
        "missing": "not_found",
        "nul": "not_found",
        "elsewhere": "not_on_this_pc",
        "held": "in_use",
    }
    assert all(outcome["seconds"] < 3 for outcome in said.values())


# -- programs --------------------------------------------------------------------------------------------------------


def test_a_program_prints_ends_and_is_ended(ask: Ask) -> None:
    said = ask(
        r"""
        def run(code, **more):
            output = machine.run([sys.executable, "-c", code], **more)
            return [output.status, len(output.stdout), len(output.stderr), output.stdout[:40].decode().strip()]

        said = {
            "status": outcome(lambda: run("import sys; print('好'.encode()); sys.stderr.write('bad'); sys.exit(3)")),
            "arguments": outcome(lambda: machine.run([sys.executable, "-c", "import sys; print(sys.argv[1:])",
                                                      'a "b" c\\', "%PATH%", "& calc"]).stdout.decode().strip()),
            "large": outcome(lambda: run("import sys; print('x' * 3000000); sys.stderr.write('y' * 1000000)")),
            "hangs": outcome(lambda: run("import time; time.sleep(60)", timeout=2)),
            "loud": outcome(lambda: len(list(machine.run_chunks(
                [sys.executable, "-c", "while 1: print('x' * 1000)"], timeout=30, limit=2**20)))),
            "loud errors": outcome(lambda: run("import sys\nwhile 1: sys.stderr.write('x' * 1000)", timeout=2)),
            "half": outcome(lambda: len(next(machine.run_chunks([sys.executable, "-c", "while 1: print('x' * 9)"])))),
            "missing": outcome(lambda: machine.run(["C:\\no such program.exe"])),
            "environment": outcome(lambda: sorted(line.partition("=")[0] for line in
                                                  machine.run([CMD, "/c", "set"]).stdout.decode("mbcs").splitlines())),
        }
        """
    )
    assert said["status"]["answer"][0] == 3
    assert said["status"]["answer"][2] == 3
    assert said["arguments"]["answer"] == str(['a "b" c\\', "%PATH%", "& calc"])
    assert said["large"]["answer"][:3] == [0, 3_000_002, 64 * 1024]
    assert (said["hangs"]["code"], said["loud"]["code"]) == ("timed_out", "too_large")
    assert (said["loud errors"]["code"], said["missing"]["code"]) == ("timed_out", "not_found")
    assert said["half"]["answer"] > 0
    assert all(outcome["seconds"] < 10 for outcome in said.values())
    names = {name.upper() for name in said["environment"]["answer"]} - {"COMSPEC", "PROMPT", "PATHEXT"}
    assert {"SYSTEMROOT", "PATH", "TEMP", "PSMODULEPATH"} <= names
    assert not {"USERPROFILE", "APPDATA", "HOMEPATH", "PYTHONPATH", "MUSTER_WINDOWS_PYTHON"} & names


def test_what_a_program_started_ends_with_it(ask: Ask, tmp_path: Path) -> None:
    """The grandchild would write a file after some seconds, if it lived."""
    said = ask(
        rf"""
        late = {in_windows(tmp_path / "late.txt")!r}
        begun = {in_windows(tmp_path / "begun.txt")!r}
        grandchild = "import time; open(%r, 'w'); time.sleep(6); open(%r, 'w')" % (begun, late)
        child = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', %r]); print('done')" % grandchild
        program = [sys.executable, "-c", child + "; import time; time.sleep(2)"]
        said = outcome(lambda: machine.run(program, timeout=20).stdout.decode().strip())
        time.sleep(8)
        said["begun"], said["late"] = os.path.exists(begun), os.path.exists(late)
        """
    )
    assert said["answer"] == "done"
    assert said["begun"] is True
    assert said["late"] is False


@wine_only
def test_powershell_is_started_where_the_registry_has_it_and_its_silence_is_a_failure(ask: Ask) -> None:
    """wine's powershell.exe does nothing at all."""
    said = ask(
        r"""
        from muster_agent.system import current_version
        version = winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, current_version.KEY[5:], 0, winreg.KEY_ALL_ACCESS)
        stated = winreg.QueryValueEx(version, "CurrentBuild")[0]
        def on(build):
            winreg.SetValueEx(version, "CurrentBuild", 0, 1, build)
            powershell._outcome.clear()
            return outcome(lambda: machine.api("PowerShell"))
        before = on("19045")
        key = winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, powershell.ENGINE[5:])
        winreg.SetValueEx(key, "PowerShellVersion", 0, 1, "5.1.1")
        again = outcome(lambda: machine.api("PowerShell"))
        said = [before, again, on("19045"), on("9600")]
        on(stated)
        winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, powershell.ENGINE[5:])
        """
    )
    assert [outcome["code"] for outcome in said] == [
        "no_powershell",
        "no_powershell",
        "powershell_failed",
        "no_powershell",
    ]


# -- whom it trusts --------------------------------------------------------------------------------------------------


def test_it_takes_a_deployments_own_certificate_and_none_of_the_bad_ones(
    ask: Ask, bad_tls: Any, tmp_path: Path
) -> None:
    from muster_server.tls import acts

    made = acts.make(tmp_path, "某局", ("127.0.0.1",), datetime.now(UTC)).after.files
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server, made.server_key)
    bench = bad_tls.bench(tmp_path)
    with contextlib.ExitStack() as running:
        own = running.enter_context(bad_tls.Server("own", context).running())
        bad = {server.kind: running.enter_context(server.running()).url for server in bench.bad}
        said = ask(f"""
            from muster_agent.sending.http import Unreachable, post
            said = {{"own": post({own.url!r}, "/", b"", {{}}, {in_windows(made.ca)!r}).status}}
            for kind, url in {bad!r}.items():
                try:
                    said[kind] = post(url, "/", b"", {{}}, {in_windows(bench.ca)!r}).status
                except Unreachable as error:
                    said[kind] = error.code
        """)
    assert said.pop("own") == 202
    assert set(said) == set(bad)
    assert set(said.values()) <= {"not_trusted", "not_valid_now", "no_tls"}, said
    assert not any(server.requests for server in bench.bad)
