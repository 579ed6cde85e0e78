"""Evidence on Windows: what makes a product, what is only left of one, and what is unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from muster_agent import catalogue
from muster_agent.catalogue import Catalogue, Product
from muster_agent.evidence import unproven
from muster_agent.evidence.service_keys import KEY
from muster_agent.evidence.windows import Look, Shown, WindowsFinding
from muster_agent.evidence.windows_paths import Paths
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Denied, Listing, Process, Stat, Uname
from muster_agent.recording import RecordedMachine, Recording

PRODUCTS, REMOTE = catalogue.products(), catalogue.remote_access()
KNOWN = [product for known in (PRODUCTS, REMOTE) for product in known.on("windows")]
VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
TEN = {
    "CurrentBuild": "19045",
    "CurrentMajorVersionNumber": 10,
    "CurrentMinorVersionNumber": 0,
    "InstallationType": "Client",
    "SystemRoot": "C:\\Windows",
}
SERVICE = r"C:\Program Files\Huorong\Sysdiag\bin\HipsDaemon.exe"


def recording(
    services: dict[str, str] | None = None,
    programs: dict[str, dict[str, Any]] | None = None,
    processes: tuple[tuple[str, str | None], ...] = (),
    states: dict[str, str] | None = None,
    files: tuple[str, ...] = (),
) -> Recording:
    """A PC with these services (their ImagePath), uninstall entries, processes, states of services, and files."""
    services, programs = services or {}, programs or {}
    values: dict[str, Any] = {VERSION: TEN, **{f"{UNINSTALL}\\{name}": each for name, each in programs.items()}}
    values.update({f"{KEY}\\{name}": {"ImagePath": path} for name, path in services.items()})
    return Recording(
        "windows",
        Uname("Windows", "pc", "10", "AMD64"),
        True,
        stats={path: Stat(1, 0) for path in files},
        values=values,
        keys={KEY: tuple(services), UNINSTALL: tuple(programs), "HKU": ()},
        apis={("SystemDrive",): "C:", ("EnumServicesStatusEx",): states or {}},
        processes=Listing(tuple(Process(4 + n, *each) for n, each in enumerate(processes)), True),
    )


def search(said: Recording, known: Catalogue = PRODUCTS, **shown: Shown) -> tuple[list[WindowsFinding], list[Problem]]:
    """What is found there."""
    return Look(RecordedMachine(said, whole=True)).search(known, shown)


def only(said: Recording, known: Catalogue = PRODUCTS) -> WindowsFinding:
    """The one thing that is found there."""
    [found], notes = search(said, known)
    assert notes == []
    return found


# -- what is no product ----------------------------------------------------------------------------------------------


def test_process_names_alone_never_make_a_product() -> None:
    """Every name of both catalogues at once, wherever the programs lie."""
    names = {n for p in KNOWN if p.windows for n in (*p.windows.processes, *p.windows.companions)}
    for folder in ("C:\\Program Files\\Other\\", "C:\\Users\\someone\\Downloads\\", None):
        running = tuple((name, None if folder is None else folder + name) for name in sorted(names))
        for known in (PRODUCTS, REMOTE):
            assert search(recording(processes=running), known) == ([], [])


def test_a_service_of_another_program_is_not_the_products() -> None:
    path = r"C:\Program Files\Other\other.exe"
    services = {name: path for p in KNOWN if p.windows for name in p.windows.services if not name.endswith("*")}
    assert search(recording(services, files=(path,))) == ([], [])


def test_a_service_whose_program_is_gone_is_only_left_behind() -> None:
    assert search(recording({"HipsDaemon": f'"{SERVICE}"'})) == ([], [])


def test_a_driver_key_counts_with_its_own_file() -> None:
    drivers = r"C:\Windows\System32\drivers"
    assert search(recording({"sysdiag": r"System32\drivers\other.sys"}, files=(drivers + r"\other.sys",)))[0] == []
    assert search(recording({"sysdiag": r"System32\drivers\sysdiag.sys"}))[0] == []
    found = only(
        recording({"sysdiag": r"\SystemRoot\System32\drivers\sysdiag.sys"}, files=(drivers + r"\sysdiag.sys",))
    )
    assert (found.product.id, found.presence, found.running) == ("huorong", ("driver:sysdiag",), False)


@pytest.mark.parametrize("name", ["AgentService", "sfc", "cb", "hostguard2"])
def test_a_service_with_a_generic_program_counts_only_under_its_own_name(name: str) -> None:
    path = rf"C:\Program Files\Backup\{name}.exe"
    assert search(recording({name: path}, files=(path,)))[0] == []


def test_a_generic_program_counts_as_the_service_the_catalogue_names() -> None:
    path = r"C:\Windows\CarbonBlack\cb.exe"
    said = recording({"CarbonBlack": path}, states={"CarbonBlack": "RUNNING"}, files=(path,))
    assert (only(said).product.id, only(said).running) == ("carbonblack", True)


def test_an_uninstall_entry_whose_folder_is_gone_is_only_left_behind() -> None:
    entry = {"DisplayName": "金山毒霸", "InstallLocation": r"C:\Program Files (x86)\kingsoft\kingsoft antivirus"}
    assert search(recording(programs={"Kingsoft": entry})) == ([], [])


# -- one row a product -----------------------------------------------------------------------------------------------


def test_all_traces_of_one_product_are_one_finding() -> None:
    said = recording(
        {"HipsDaemon": f'"{SERVICE}"'},
        {"Huorong": {"DisplayName": "火绒安全软件", "DisplayVersion": "6.0.7", "InstallLocation": ""}},
        (("HipsDaemon.exe", SERVICE), ("HipsTray.exe", SERVICE.replace("Daemon", "Tray"))),
        {"HipsDaemon": "RUNNING"},
        (SERVICE,),
    )
    found = only(said)
    assert (found.product.id, found.running, found.version) == ("huorong", True, "6.0.7")
    assert found.basis == (
        f"service:HipsDaemon program:火绒安全软件 path:{SERVICE} running:HipsDaemon process:HipsDaemon.exe"
    )


def test_a_variant_is_there_in_place_of_what_it_is_made_of() -> None:
    programs = {"E": {"DisplayName": "火绒终端安全管理系统", "DisplayVersion": "2.0"}}
    said = recording({"HipsDaemon": SERVICE}, programs, states={"HipsDaemon": "RUNNING"}, files=(SERVICE,))
    found = only(said)
    assert (found.product.id, found.running, found.version) == ("huorong-esm", True, "2.0")


# -- running ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "running"),
    [
        (SERVICE, True),
        (SERVICE.lower(), True),
        (None, True),  # a protected process
        (r"C:\Users\someone\HipsDaemon.exe", False),
        (r"C:\Program Files\Other\HipsDaemon.exe", False),
    ],
)
def test_a_process_counts_in_the_products_own_folder(path: str | None, running: bool) -> None:
    said = recording({"HipsDaemon": SERVICE}, None, (("HipsDaemon.exe", path),), {"HipsDaemon": "STOPPED"}, (SERVICE,))
    assert only(said).running is running


def test_a_tray_is_no_protection() -> None:
    tray = (("HipsTray.exe", SERVICE.replace("Daemon", "Tray")),)
    assert only(recording({"HipsDaemon": SERVICE}, None, tray, {"HipsDaemon": "STOPPED"}, (SERVICE,))).running is False


def test_the_old_program_of_microsoft_does_not_run_because_the_new_one_does() -> None:
    old = r"c:\Program Files\Microsoft Security Client\MsMpEng.exe"
    new = r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18\MsMpEng.exe"
    said = recording({"MsMpSvc": old}, None, (("MsMpEng.exe", new),), {"MsMpSvc": "STOPPED"}, (old,))
    assert (only(said).product.id, only(said).running) == ("ms-mse", False)


def without_processes(said: Recording) -> Recording:
    """The same PC without psutil."""
    return replace(said, processes=CannotRead("no_psutil", "processes", "unsupported"))


@pytest.mark.parametrize(("state", "running"), [("RUNNING", True), ("STOPPED", False)])
def test_without_a_list_of_processes_the_services_tell(state: str, running: bool) -> None:
    said = recording({"HipsDaemon": SERVICE}, states={"HipsDaemon": state}, files=(SERVICE,))
    assert only(without_processes(said)).running is running


def test_without_processes_and_services_nothing_is_known() -> None:
    said = recording(programs={"D": {"DisplayName": "金山毒霸"}})
    found = only(without_processes(said))
    assert found.running is None
    assert found.doubt is not None and found.doubt.code == "no_psutil"


def test_without_the_states_of_services_the_processes_tell() -> None:
    said = recording({"HipsDaemon": SERVICE}, None, (("HipsDaemon.exe", SERVICE),), files=(SERVICE,))
    said.apis["EnumServicesStatusEx",] = Denied("EnumServicesStatusEx")
    assert only(said).running is True


def test_a_product_without_known_programs_is_known_by_its_folder() -> None:
    programs = {"N": {"DisplayName": "绿盟终端安全", "InstallLocation": r"D:\NSFOCUS\UES"}}
    files = (r"D:\NSFOCUS\UES",)
    inside = recording(programs=programs, processes=(("ues.exe", r"D:\NSFOCUS\UES\bin\ues.exe"),), files=files)
    assert only(inside).running is True
    elsewhere = recording(programs=programs, processes=(("System", None), ("x.exe", r"D:\x.exe")), files=files)
    assert only(elsewhere).running is False
    hidden = recording(programs=programs, processes=(("x.exe", None),), files=files)
    assert only(hidden).running is None


# -- what could not be seen ------------------------------------------------------------------------------------------


def test_services_that_may_not_be_listed_are_said() -> None:
    said = recording(programs={"D": {"DisplayName": "金山毒霸"}})
    said.keys[KEY] = Denied(KEY)
    found, notes = search(said)
    assert [finding.product.id for finding in found] == ["kingsoft-duba"]
    assert [(note.code, note.column) for note in notes] == [("denied", None)]


def test_programs_that_may_not_be_listed_are_said() -> None:
    said = recording({"HipsDaemon": SERVICE}, states={"HipsDaemon": "RUNNING"}, files=(SERVICE,))
    said.keys[UNINSTALL] = Denied(UNINSTALL)
    found, notes = search(said)
    assert [finding.product.id for finding in found] == ["huorong"]
    assert ("denied", UNINSTALL) in {(note.code, note.detail) for note in notes}


def test_what_may_not_be_looked_at_is_there() -> None:
    said = recording({"HipsDaemon": SERVICE}, states={"HipsDaemon": "RUNNING"})
    said.stats[SERVICE] = Denied(SERVICE)
    assert only(said).running is True


# -- a copy that was never installed ---------------------------------------------------------------------------------


def test_a_portable_remote_control_program_is_said() -> None:
    said = recording(processes=(("AnyDesk.exe", r"C:\Users\someone\Downloads\AnyDesk.exe"),))
    look = Look(RecordedMachine(said, whole=True))
    found, _ = look.search(REMOTE, {})
    notes = list(unproven(REMOTE, "windows", found, look.processes))
    assert (found, [(note.code, note.detail, note.column) for note in notes]) == (
        [],
        [("name_alone", "AnyDesk.exe", None)],
    )


# -- paths -----------------------------------------------------------------------------------------------------------


def paths(drive: str = "C:", root: str | None = "C:\\Windows") -> Paths:
    """The folders of a Windows."""
    said = recording()
    said.apis["SystemDrive",] = drive
    return Paths(RecordedMachine(said, whole=True), root)


def test_a_path_on_the_network_is_never_asked() -> None:
    assert paths().candidates(r"\\server\share\x.exe") == []
    assert paths().candidates("windowsdefender://") == []
    assert paths().candidates("x.exe") == []
    assert paths().there(r"\\server\share\x.exe") is None


def test_variables_stand_for_the_folders_of_this_windows() -> None:
    assert paths("D:").candidates(r"%ProgramFiles%\X") == [r"D:\Program Files\X", r"D:\Program Files (x86)\X"]
    assert paths(root="E:\\WINNT").candidates(r"%windir%\x.exe") == [r"E:\WINNT\x.exe"]
    assert paths().candidates(r"%UNKNOWN%\x.exe") == []


@pytest.mark.parametrize(
    "folder", ["C:\\", "C:\\Program Files", "c:\\program files (x86)\\", "C:\\Windows\\System32", "x"]
)
def test_a_folder_everybody_uses_is_nobodys_own(folder: str) -> None:
    assert paths().own(folder) is None


def product(name: str) -> Product:
    """One of the catalogue."""
    return next(entry for entry in PRODUCTS.products if entry.id == name)


def test_the_security_centre_shows_a_product_too() -> None:
    shown = Shown(("registration:奇安信无边界安全系统防护",), (r"d:\qax",))
    said = recording(processes=(("QaxTrust.exe", r"D:\QAX\QaxTrust.exe"),))
    [found], _ = search(said, PRODUCTS, **{"qax-wubianjie": shown})
    assert (found.product, found.running) == (product("qax-wubianjie"), True)
