"""Windows's settings: what each value means, whose decides, and what an absent one does not prove."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from muster_agent.collect.settings import (
    windows,
    windows_firmware,
    windows_logon,
    windows_logs,
    windows_password,
    windows_remote_desktop,
    windows_removable,
    windows_screen_lock,
    windows_smb,
    windows_ssh,
)
from muster_agent.machine import CannotRead, Denied, Listing, Machine, Socket, Uname
from muster_agent.recording import RecordedMachine, Recording
from muster_agent.settings import Settings
from muster_agent.system.current_version import KEY as VERSION
from muster_agent.system.registry_setting import SERVICES

Part = Callable[[Machine], "tuple[Any, ...]"]


def machine(
    values: dict[str, Any], apis: dict[Any, Any] | None = None, files: Any = None, sockets: Any = None
) -> RecordedMachine:
    """A PC of which this is all there is. ``apis`` by name, or by name and arguments."""
    keys: dict[str, set[str]] = {}
    for key in values:
        parent, _, name = key.rpartition("\\")
        while parent:
            keys.setdefault(parent, set()).add(name)
            parent, _, name = parent.rpartition("\\")
    asked = {name if isinstance(name, tuple) else (name,): answer for name, answer in (apis or {}).items()}
    recording = Recording(
        "windows",
        Uname("Windows", "pc", "10", "AMD64"),
        True,
        values=values,
        keys={key: tuple(sorted(names)) for key, names in keys.items()},
        apis=asked,
        files=files or {},
        sockets=sockets,
    )
    return RecordedMachine(recording, whole=True)


def version(build: int, edition: str = "Professional") -> dict[str, Any]:
    """What Windows calls itself."""
    return {VERSION: {"CurrentBuild": str(build), "CurrentVersion": "6.1", "EditionID": edition}}


def refused(part: Part, said: Machine) -> str:
    """The code by which ``part`` says that it cannot tell."""
    with pytest.raises(CannotRead) as caught:
        part(said)
    return caught.value.code


# -- passwords -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "days"), [(3_628_800, 42), (0xFFFFFFFF, 0), (86_400, 1), (1, 1), (86_401, 2), (7_776_000, 90)]
)
def test_the_age_of_a_password_is_in_days_and_0_is_never(seconds: int, days: int) -> None:
    modals = {"min_passwd_len": 10, "max_passwd_age": seconds, "password_hist_len": 24}
    assert windows_password.passwords(machine({}, {("NetUserModalsGet", "0"): modals})) == (10, days, 24)


@pytest.mark.parametrize(("seconds", "expected"), [(1800, 1800), (0, 0), (0xFFFFFFFF, 0)])
def test_a_lock_without_end_is_0(seconds: int, expected: int) -> None:
    modals = {"lockout_duration": seconds, "lockout_observation_window": 1800, "lockout_threshold": 5}
    assert windows_password.lockout(machine({}, {("NetUserModalsGet", "3"): modals})) == (5, expected)


@pytest.mark.parametrize(("said", "expected"), [(True, True), (False, False)])
def test_complexity_is_what_the_profile_says(said: bool, expected: bool) -> None:
    profile = {"SceGetSecurityProfileInfo": {"password_complexity": said}}
    assert windows_password.complexity(machine({}, profile)) == (expected,)


@pytest.mark.parametrize("said", [None, 1, "yes"])
def test_complexity_of_another_shape_is_unknown(said: Any) -> None:
    profile = {"SceGetSecurityProfileInfo": {"password_complexity": said}}
    assert refused(windows_password.complexity, machine({}, profile)) == "not_understood"


@pytest.mark.parametrize(("value", "expected"), [(1, False), (0, True)])
def test_empty_passwords_from_the_network(value: int, expected: bool) -> None:
    said = machine({windows_password.LSA: {"LimitBlankPasswordUse": value}})
    assert windows_password.blank_passwords(said) == (expected,)


def test_an_absent_limit_on_empty_passwords_is_no_limit_and_no_permission() -> None:
    assert refused(windows_password.blank_passwords, machine({windows_password.LSA: {}})) == "setting_absent"


# -- the screen ------------------------------------------------------------------------------------------------------

ONE, TWO = "S-1-5-21-1-2-3-1001", "S-1-12-1-1-2-3-4"
LOCKS = {"ScreenSaveActive": "1", "ScreenSaverIsSecure": "1", "ScreenSaveTimeOut": "600", "SCRNSAVE.EXE": "a.scr"}


def desktop(user: str, own: Any = None, policy: dict[str, Any] | None = None) -> dict[str, Any]:
    """A loaded user."""
    said: dict[str, Any] = {f"HKU\\{user}\\{windows_screen_lock.OWN}": own or {}, f"HKU\\{user}_Classes\\x": {}}
    if policy is not None:
        said[f"HKU\\{user}\\{windows_screen_lock.POLICY}"] = policy
    return said


def screen(*users: dict[str, Any], limit: Any = None, build: int = 19045) -> RecordedMachine:
    """A PC with these users."""
    said: dict[str, Any] = {**version(build), "HKU\\S-1-5-18\\x": {}, "HKU\\.DEFAULT\\x": {}}
    for user in users:
        said.update(user)
    if limit is not None:
        said[windows_screen_lock.SYSTEM] = {windows_screen_lock.LIMIT: limit}
    return machine(said)


@pytest.mark.parametrize(
    ("own", "policy", "expected"),
    [
        (LOCKS, None, (True, 600)),
        ({**LOCKS, "ScreenSaverIsSecure": "0"}, None, (False, None)),
        ({**LOCKS, "ScreenSaveActive": "0"}, None, (False, None)),
        ({**LOCKS, "ScreenSaveTimeOut": "0"}, None, (False, None)),
        ({"ScreenSaveActive": "1"}, None, (False, None)),
        ({}, None, (False, None)),
        # The policy decides value by value.
        ({**LOCKS, "ScreenSaverIsSecure": "0"}, {"ScreenSaverIsSecure": "1"}, (True, 600)),
        (LOCKS, {"ScreenSaverIsSecure": "0"}, (False, None)),
        (LOCKS, {"ScreenSaveTimeOut": "300"}, (True, 300)),
        ({**LOCKS, "SCRNSAVE.EXE": ""}, {"SCRNSAVE.EXE": "b.scr"}, (True, 600)),
        ({}, LOCKS, (True, 600)),
    ],
)
def test_a_screen_locks_by_its_users_screen_saver(own: Any, policy: Any, expected: Any) -> None:
    assert windows_screen_lock.screen_lock(screen(desktop(ONE, own, policy))) == expected


@pytest.mark.parametrize(
    ("own", "code"),
    [
        ({**LOCKS, "SCRNSAVE.EXE": ""}, "no_screen_saver"),
        ({name: value for name, value in LOCKS.items() if name != "SCRNSAVE.EXE"}, "no_screen_saver"),
        ({name: value for name, value in LOCKS.items() if name != "ScreenSaveTimeOut"}, "setting_absent"),
        ({name: value for name, value in LOCKS.items() if name != "ScreenSaveActive"}, "setting_absent"),
        ({**LOCKS, "ScreenSaveTimeOut": "soon"}, "not_understood"),
        (Denied("HKU"), "denied"),
    ],
)
def test_what_may_or_may_not_lock_is_unknown(own: Any, code: str) -> None:
    assert refused(windows_screen_lock.screen_lock, screen(desktop(ONE, own))) == code


def test_the_weakest_user_decides_and_the_longest_time() -> None:
    slow = {**LOCKS, "ScreenSaveTimeOut": "1200"}
    assert windows_screen_lock.screen_lock(screen(desktop(ONE, LOCKS), desktop(TWO, slow))) == (True, 1200)
    assert windows_screen_lock.screen_lock(screen(desktop(ONE, LOCKS), desktop(TWO))) == (False, None)
    # One who never locks decides, whatever of another could not be read.
    open_and_hidden = screen(desktop(ONE, Denied("HKU")), desktop(TWO))
    assert windows_screen_lock.screen_lock(open_and_hidden) == (False, None)


def test_the_limit_of_the_pc_locks_for_everybody() -> None:
    assert windows_screen_lock.screen_lock(screen(limit=900)) == (True, 900)
    assert windows_screen_lock.screen_lock(screen(desktop(ONE), limit=900)) == (True, 900)
    assert windows_screen_lock.screen_lock(screen(desktop(ONE, LOCKS), limit=900)) == (True, 600)
    assert windows_screen_lock.screen_lock(screen(desktop(ONE, LOCKS), limit=300)) == (True, 300)
    assert windows_screen_lock.screen_lock(screen(desktop(ONE, LOCKS), desktop(TWO), limit=900)) == (True, 900)
    assert windows_screen_lock.screen_lock(screen(desktop(ONE, Denied("HKU")), limit=900)) == (True, 900)


def test_windows_7_does_not_heed_the_limit() -> None:
    assert windows_screen_lock.screen_lock(screen(desktop(ONE), limit=900, build=7601)) == (False, None)
    assert windows_screen_lock.screen_lock(screen(desktop(ONE), limit=0)) == (False, None)


def test_with_nobody_logged_in_it_is_unknown() -> None:
    assert refused(windows_screen_lock.screen_lock, screen()) == "nobody_logged_in"


# -- logging in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"AutoAdminLogon": "1", "DefaultUserName": "someone"}, True),
        ({"AutoAdminLogon": "1", "DefaultUserName": "someone", "DefaultPassword": "x"}, True),
        ({"AutoAdminLogon": 1, "DefaultUserName": "someone"}, True),
        ({"AutoAdminLogon": "0", "DefaultUserName": "someone"}, False),
        ({"DefaultUserName": "someone"}, False),
    ],
)
def test_somebody_is_logged_in_at_start(values: dict[str, Any], expected: bool) -> None:
    """The password for it may lie in the LSA's secrets, which nobody but Windows reads."""
    assert windows_logon.autologin(machine({windows_logon.WINLOGON: values})) == (expected,)


def test_a_login_at_start_of_nobody_is_unknown() -> None:
    said = machine({windows_logon.WINLOGON: {"AutoAdminLogon": "1", "DefaultUserName": " "}})
    assert refused(windows_logon.autologin, said) == "setting_absent"


@pytest.mark.parametrize(("flags", "expected"), [(0x10223, False), (0x10221, True)])
def test_the_guest_is_number_501_whatever_it_is_called(flags: int, expected: bool) -> None:
    users = [{"rid": 1001, "name": "Guest", "flags": 0x201}, {"rid": 501, "name": "来宾", "flags": flags}]
    assert windows_logon.guest_account(machine({}, {"NetUserEnum": users})) == (expected,)


def test_without_a_guest_in_the_list_it_is_unknown() -> None:
    said = machine({}, {"NetUserEnum": [{"rid": 500, "flags": 0x201}]})
    assert refused(windows_logon.guest_account, said) == "not_understood"


@pytest.mark.parametrize(
    ("lua", "behaviour", "secure", "uac", "prompt"),
    [
        (1, 5, 1, True, True),
        (1, 5, 0, True, False),
        (1, 2, 0, True, True),
        (1, 1, 0, True, True),
        (1, 3, 1, True, True),
        (1, 4, 0, True, False),
        (1, 0, 1, True, False),
        (0, 2, 1, False, False),
    ],
)
def test_uac_asks_on_the_secure_desktop(lua: int, behaviour: int, secure: int, uac: bool, prompt: bool) -> None:
    values = {"EnableLUA": lua, "ConsentPromptBehaviorAdmin": behaviour, "PromptOnSecureDesktop": secure}
    said = machine({windows_logon.SYSTEM: values})
    assert (windows_logon.uac(said), windows_logon.uac_prompt(said)) == ((uac,), (prompt,))


def test_absent_values_of_uac_are_unknown() -> None:
    assert refused(windows_logon.uac, machine({windows_logon.SYSTEM: {}})) == "setting_absent"
    said = machine({windows_logon.SYSTEM: {"EnableLUA": 1}})
    assert refused(windows_logon.uac_prompt, said) == "setting_absent"
    said = machine({windows_logon.SYSTEM: {"EnableLUA": 1, "ConsentPromptBehaviorAdmin": 9}})
    assert refused(windows_logon.uac_prompt, said) == "not_understood"


# -- SMB 1, Remote Desktop, SSH --------------------------------------------------------------------------------------


def services(**starts: int | None) -> dict[str, Any]:
    """Services and drivers with their Start; None for a key without a driver."""
    return {
        f"{SERVICES}\\{name}": {"Start": 2} if start is None else {"Type": 32, "Start": start}
        for name, start in starts.items()
    }


@pytest.mark.parametrize(
    ("there", "value", "expected"),
    [
        ({"LanmanServer": 2, "srv": 3}, None, True),
        ({"LanmanServer": 2, "srv": 3}, 1, True),
        ({"LanmanServer": 2, "srv": 3}, 0, False),
        ({"LanmanServer": 2, "srv": 4}, None, False),
        ({"LanmanServer": 4, "srv": 3}, None, False),
        # Since Windows 10 1709: no driver, and an absent value says nothing.
        ({"LanmanServer": 2}, None, False),
        ({"LanmanServer": 2}, 1, False),
    ],
)
def test_files_are_offered_by_smb_1(there: dict[str, Any], value: int | None, expected: bool) -> None:
    values = services(**there)
    values[windows_smb.PARAMETERS] = {} if value is None else {"SMB1": value}
    assert windows_smb.server(machine(values)) == (expected,)


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({"LanmanWorkstation": 2, "mrxsmb10": 2}, True),
        ({"LanmanWorkstation": 2, "mrxsmb10": 3}, True),
        ({"LanmanWorkstation": 2, "mrxsmb10": 4}, False),
        ({"LanmanWorkstation": 2}, False),
        ({"LanmanWorkstation": 2, "mrxsmb10": None}, False),
        ({"LanmanWorkstation": 4, "mrxsmb10": 2}, False),
    ],
)
def test_files_of_others_are_opened_by_smb_1(there: dict[str, Any], expected: bool) -> None:
    assert windows_smb.client(machine(services(**there))) == (expected,)


def remote_desktop(
    policy: dict[str, Any],
    own: dict[str, Any],
    listener: dict[str, Any],
    start: int = 3,
    edition: str = "Professional",
    sockets: Listing | CannotRead | None = None,
) -> RecordedMachine:
    """A PC with these settings of Remote Desktop."""
    keys = (windows_remote_desktop.POLICY, windows_remote_desktop.SERVER, windows_remote_desktop.LISTENER)
    return machine(
        {
            **version(19045, edition),
            **services(TermService=start),
            **dict(zip(keys, (policy, own, listener), strict=True)),
        },
        sockets=sockets,
    )


@pytest.mark.parametrize(
    ("policy", "own", "start", "expected"),
    [
        ({}, 1, 3, False),
        ({}, 0, 3, True),
        ({"fDenyTSConnections": 0}, 1, 3, True),
        ({"fDenyTSConnections": 1}, 0, 3, False),
        ({}, 0, 4, False),
    ],
)
def test_remote_desktop_is_on(policy: dict[str, Any], own: int, start: int, expected: bool) -> None:
    said = remote_desktop(policy, {"fDenyTSConnections": own}, {}, start)
    assert windows_remote_desktop.rdp(said) == (expected,)


HOME_EDITIONS = ["Core", "CoreCountrySpecific", "CoreSingleLanguage", "Starter", "HomeBasicN", "HomePremium"]


def home(edition: str, sockets: Listing | CannotRead, setting: int = 0) -> RecordedMachine:
    """A PC with a Home edition that has Remote Desktop set to on, and these sockets."""
    return remote_desktop({}, {"fDenyTSConnections": setting}, {"PortNumber": 3390}, edition=edition, sockets=sockets)


def listening(port: int, protocol: str = "tcp") -> Listing:
    return Listing((Socket(protocol, "ipv4", "0.0.0.0", port, None, None),), complete=False)


@pytest.mark.parametrize("edition", HOME_EDITIONS)
def test_a_home_edition_does_not_serve_remote_desktop_whatever_is_set(edition: str) -> None:
    for sockets in (Listing((), True), listening(3389), listening(3390, "udp")):
        assert windows_remote_desktop.rdp(home(edition, sockets)) == (False,)
    assert windows_remote_desktop.rdp(home(edition, Denied("sockets"), setting=1)) == (False,)


@pytest.mark.parametrize("edition", HOME_EDITIONS)
def test_a_home_edition_on_whose_port_something_listens_may_be_patched(edition: str) -> None:
    assert refused(windows_remote_desktop.rdp, home(edition, listening(3390))) == "edition_without_rdp"


def test_a_home_edition_whose_sockets_cannot_be_seen_is_unknown() -> None:
    assert refused(windows_remote_desktop.rdp, home("HomePremium", Denied("sockets"))) == "denied"


def test_an_absent_setting_of_remote_desktop_is_unknown() -> None:
    assert refused(windows_remote_desktop.rdp, remote_desktop({}, {}, {})) == "setting_absent"
    assert refused(windows_remote_desktop.nla, remote_desktop({}, {}, {})) == "setting_absent"
    assert refused(windows_remote_desktop.port, remote_desktop({}, {}, {})) == "setting_absent"


@pytest.mark.parametrize(
    ("policy", "listener", "expected"),
    [
        ({}, {"UserAuthentication": 1, "SecurityLayer": 2}, True),
        ({}, {"UserAuthentication": 1}, True),
        ({}, {"UserAuthentication": 0, "SecurityLayer": 0}, False),
        ({"UserAuthentication": 1}, {"UserAuthentication": 0, "SecurityLayer": 1}, True),
        ({"UserAuthentication": 0}, {"UserAuthentication": 1, "SecurityLayer": 2}, False),
        ({"SecurityLayer": 2}, {"UserAuthentication": 1, "SecurityLayer": 0}, True),
    ],
)
def test_remote_desktop_asks_who_one_is(policy: dict[str, Any], listener: dict[str, Any], expected: bool) -> None:
    assert windows_remote_desktop.nla(remote_desktop(policy, {}, listener)) == (expected,)


def test_asking_first_with_a_layer_that_cannot_is_a_contradiction() -> None:
    said = remote_desktop({"SecurityLayer": 0}, {}, {"UserAuthentication": 1, "SecurityLayer": 2})
    assert refused(windows_remote_desktop.nla, said) == "settings_contradict"


@pytest.mark.parametrize(
    ("start", "state", "expected"),
    [(2, "STOPPED", True), (3, "RUNNING", True), (3, "STOPPED", False), (4, "RUNNING", False), (None, None, False)],
)
def test_an_ssh_server_is_set_to_run(start: int | None, state: str | None, expected: bool) -> None:
    values = {} if start is None else services(sshd=start)
    states = {} if state is None else {"sshd": state}
    assert windows_ssh.server(machine(values, {"EnumServicesStatusEx": states})) == (expected,)


def ssh(text: str) -> RecordedMachine:
    """A PC whose SSH server is set by ``text``."""
    files = {r"C:\ProgramData\ssh\sshd_config": text.encode()}
    return machine(services(sshd=2), {"SystemDrive": "C:"}, files)


def test_what_an_ssh_server_accepts() -> None:
    assert windows_ssh.configuration(ssh("#PasswordAuthentication yes\r\n")) == (True, False, 6)
    text = "PasswordAuthentication no\r\nMaxAuthTries 3\r\nMatch Group administrators\r\n AuthorizedKeysFile x\r\n"
    assert windows_ssh.configuration(ssh(text)) == (False, False, 3)
    assert windows_ssh.configuration(ssh("PermitEmptyPasswords yes")) == (True, True, 6)


def test_without_an_ssh_server_it_has_no_settings() -> None:
    assert windows_ssh.configuration(machine({})) == (None, None, None)


def test_an_ssh_server_whose_settings_lie_elsewhere_is_unknown() -> None:
    assert refused(windows_ssh.configuration, ssh("Include other.conf")) == "not_understood"
    said = machine(services(sshd=2), {"SystemDrive": "C:"})
    assert refused(windows_ssh.configuration, said) == "not_found"


# -- sticks and discs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"NoDriveTypeAutoRun": 255}, False),
        ({"NoDriveTypeAutoRun": b"\xff\0\0\0"}, False),
        ({"NoDriveTypeAutoRun": 0xB5}, False),
        ({"NoAutorun": 1}, False),
        ({"NoAutorun": 1, "NoDriveTypeAutoRun": 0x91}, False),
        ({"NoAutorun": 2, "NoDriveTypeAutoRun": 255}, False),
        ({"NoAutorun": 2}, True),
    ],
)
def test_programs_start_by_themselves(values: dict[str, Any], expected: bool) -> None:
    assert windows_removable.autorun(machine({windows_removable.EXPLORER: values})) == (expected,)


@pytest.mark.parametrize("values", [{}, {"NoDriveTypeAutoRun": 0x91}, {"NoDriveTypeAutoRun": 0x04}, {"NoAutorun": 0}])
def test_what_no_policy_forbids_is_left_to_users(values: dict[str, Any]) -> None:
    said = machine({windows_removable.EXPLORER: values})
    assert refused(windows_removable.autorun, said) == "autorun_left_to_users"


def sticks(**values: Any) -> RecordedMachine:
    """A PC with the driver for sticks, and these restrictions."""
    return machine({**services(USBSTOR=3), windows_removable.RESTRICTIONS: {}, **values})


RESTRICTIONS, LIST = windows_removable.RESTRICTIONS, windows_removable.RESTRICTIONS + r"\DenyDeviceClasses"
DISKS = {"1": "{4D36E967-E325-11CE-BFC1-08002BE10318}"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, True),
        (services(USBSTOR=4), False),
        ({windows_removable.DENIED_ALL: {"Deny_All": 1}}, False),
        ({windows_removable.DENIED_ALL: {"Deny_All": 0}}, True),
        ({windows_removable.STICKS: {"Deny_Read": 1, "Deny_Write": 1}}, False),
        ({windows_removable.STICKS: {"Deny_Write": 1}}, True),
        ({RESTRICTIONS: {"DenyDeviceClasses": 1, "DenyDeviceClassesRetroactive": 1}, LIST: DISKS}, False),
        ({RESTRICTIONS: {"DenyDeviceClasses": 0}, LIST: DISKS}, True),
        ({RESTRICTIONS: {"DenyDeviceClasses": 1}, LIST: {"1": "{other}"}}, True),
        ({RESTRICTIONS: {"DenyDeviceClasses": 1}}, True),
        ({RESTRICTIONS: {"DenyUnspecified": 0}}, True),
    ],
)
def test_sticks_can_be_used(values: dict[str, Any], expected: bool) -> None:
    assert windows_removable.usb_storage(sticks(**values)) == (expected,)


@pytest.mark.parametrize(
    "values",
    [
        {RESTRICTIONS: {"DenyRemovableDevices": 1}},
        {RESTRICTIONS: {"DenyDeviceClasses": 1, "DenyDeviceClassesRetroactive": 0}, LIST: DISKS},
        {RESTRICTIONS: {"DenyDeviceIDs": 1}, RESTRICTIONS + r"\DenyDeviceIDs": {"1": r"USBSTOR\Disk"}},
        {RESTRICTIONS: {"DenyUnspecified": 1}},
        {
            RESTRICTIONS: {"DenyUnspecified": 1, "AllowDeviceIDs": 1},
            RESTRICTIONS + r"\AllowDeviceIDs": {"1": r"USBSTOR\DiskGeneric"},
        },
    ],
)
def test_what_keeps_new_sticks_out_keeps_no_old_ones_out(values: dict[str, Any]) -> None:
    assert refused(windows_removable.usb_storage, sticks(**values)) == "sticks_partly_denied"


def test_without_its_driver_it_is_unknown_whether_sticks_can_be_used() -> None:
    assert refused(windows_removable.usb_storage, machine({})) == "setting_absent"


# -- firmware and logs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "build", "firmware", "expected"),
    [
        ({windows_firmware.STATE: {"UEFISecureBootEnabled": 1}}, 22631, 2, True),
        ({windows_firmware.STATE: {"UEFISecureBootEnabled": 0}}, 22631, 2, False),
        ({}, 19045, 1, False),
        ({}, 7601, CannotRead("not_on_this_system", "GetFirmwareType", "unsupported"), False),
    ],
)
def test_only_signed_systems_start(values: dict[str, Any], build: int, firmware: Any, expected: bool) -> None:
    said = machine({**version(build), **values}, {"GetFirmwareType": firmware})
    assert windows_firmware.secure_boot(said) == (expected,)


def test_a_uefi_that_does_not_say_is_unknown() -> None:
    assert refused(windows_firmware.secure_boot, machine(version(19045), {"GetFirmwareType": 2})) == "setting_absent"


@pytest.mark.parametrize(
    ("said", "expected"), [(None, "none"), ({"tpm_version": 1}, "1.2"), ({"tpm_version": 2}, "2.0")]
)
def test_the_security_chip(said: Any, expected: str) -> None:
    assert windows_firmware.tpm(machine({}, {"Tbsi_GetDeviceInfo": said})) == (expected,)


@pytest.mark.parametrize("said", [{"tpm_version": 0}, {"tpm_version": 3}, {}, [], "2.0"])
def test_a_security_chip_of_no_known_version_is_unknown(said: Any) -> None:
    assert refused(windows_firmware.tpm, machine({}, {"Tbsi_GetDeviceInfo": said})) == "not_understood"


@pytest.mark.parametrize(
    ("start", "state", "expected"),
    [(2, "RUNNING", True), (2, "STOPPED", False), (4, "RUNNING", False), (4, "STOPPED", False)],
)
def test_events_are_recorded_while_the_log_runs(start: int, state: str, expected: bool) -> None:
    said = machine(services(EventLog=start), {"EnumServicesStatusEx": {"EventLog": state}})
    assert windows_logs.audit(said) == (expected,)


@pytest.mark.parametrize(
    ("policy", "own", "expected"),
    [
        ({}, 20_971_520, 20_971_520),
        ({"MaxSize": 196_608}, 20_971_520, 201_326_592),
        ({"MaxSize": "1024"}, 1, 1_048_576),
    ],
)
def test_the_policy_counts_in_kibibytes_and_the_log_in_bytes(policy: dict[str, Any], own: int, expected: int) -> None:
    said = machine({windows_logs.POLICY: policy, windows_logs.LOG: {"MaxSize": own}})
    assert windows_logs.max_size(said) == (expected,)


@pytest.mark.parametrize(
    ("policy", "own", "code"),
    [
        ({}, {"Retention": 0}, None),
        ({}, {}, None),
        ({"Retention": "0"}, {"Retention": 0xFFFFFFFF}, None),
        ({}, {"Retention": 0xFFFFFFFF}, "log_stops_when_full"),
        ({"Retention": "1"}, {"Retention": 0}, "log_stops_when_full"),
        ({"Retention": "1", "AutoBackupLogFiles": "1"}, {"Retention": 0}, "log_saved_aside"),
        ({}, {"Retention": 0xFFFFFFFF, "AutoBackupLogFiles": 1}, "log_saved_aside"),
    ],
)
def test_windows_knows_no_days_of_retention(policy: dict[str, Any], own: dict[str, Any], code: str | None) -> None:
    said = machine({windows_logs.POLICY: policy, windows_logs.LOG: own})
    if code is None:
        assert windows_logs.retention(said) == (None,)
    else:
        assert refused(windows_logs.retention, said) == code


def test_the_log_reaches_back_to_a_monday() -> None:
    key = (windows_logs.OLDEST, "Security")
    assert windows_logs.oldest(machine({}, {key: 1_795_392_000})) == ("2026-11-23",)
    assert refused(windows_logs.oldest, machine({}, {key: None})) == "log_empty"
    assert refused(windows_logs.oldest, machine({}, {key: Denied("GetOldestEventLogRecord")})) == "denied"
    for said in ("yesterday", 10**20):
        assert refused(windows_logs.oldest, machine({}, {key: said})) == "not_understood"


# -- together --------------------------------------------------------------------------------------------------------


def test_every_column_of_windows_has_one_part_and_the_others_are_of_other_systems() -> None:
    columns = [column for names, _ in windows.PARTS for column in names]
    assert len(columns) == len(set(columns))
    elsewhere = {"selinux", "apparmor", "kysec", "kysec_exec_control", "gatekeeper", "sip", "ssh_root_login"}
    assert set(Settings.__dataclass_fields__) - set(columns) == elsewhere


def test_a_part_that_breaks_costs_its_own_columns_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Machine) -> tuple[Any, ...]:
        raise RuntimeError("no")

    monkeypatch.setattr(windows, "PARTS", ((("tpm",), broken), (("uac",), windows_logon.uac)))
    table = windows.collect(machine({windows_logon.SYSTEM: {"EnableLUA": 1}}))
    assert table.rows == (Settings(uac=True),)
    assert [(note.code, note.detail, note.column) for note in table.notes] == [
        ("collector_failed", "RuntimeError: no", "tpm")
    ]


def test_on_a_pc_that_refuses_everything_every_column_is_null_and_noted() -> None:
    class Refusing(RecordedMachine):
        def _answer(self, question: str, key: Any) -> Any:
            raise Denied(str(key))

    said = Recording("windows", Uname("Windows", "pc", "10", "AMD64"), False)
    table = windows.collect(Refusing(said))
    assert table.rows == (Settings(),)
    assert [note.column for note in table.notes] == [column for names, _ in windows.PARTS for column in names]
    assert {note.code for note in table.notes} == {"denied"}
