"""The security settings of a Windows PC. A setting that cannot be read is null and noted, and the rest goes on."""

from __future__ import annotations

from muster_agent.collect.settings import (
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
from muster_agent.collect.settings.parts import Part, combined
from muster_agent.facts import Table
from muster_agent.machine import Machine

# Columns, and the function that returns the values of all of them, or raises. What Windows does not have (SELinux,
# AppArmor, KYSEC, Gatekeeper, SIP) stays null, and so does what root may do over SSH: there is no root.
PARTS: tuple[Part, ...] = (
    (("password_min_length", "password_max_age", "password_history"), windows_password.passwords),
    (("password_complexity",), windows_password.complexity),
    (("lockout_threshold", "lockout_duration"), windows_password.lockout),
    (("blank_password_network",), windows_password.blank_passwords),
    (("screen_lock", "screen_lock_timeout"), windows_screen_lock.screen_lock),
    (("autologin",), windows_logon.autologin),
    (("guest_account",), windows_logon.guest_account),
    (("uac",), windows_logon.uac),
    (("uac_prompt",), windows_logon.uac_prompt),
    (("smb1_server",), windows_smb.server),
    (("smb1_client",), windows_smb.client),
    (("rdp",), windows_remote_desktop.rdp),
    (("rdp_nla",), windows_remote_desktop.nla),
    (("rdp_port",), windows_remote_desktop.port),
    (("ssh",), windows_ssh.server),
    (("ssh_password", "ssh_empty_password", "ssh_max_tries"), windows_ssh.configuration),
    (("autorun",), windows_removable.autorun),
    (("usb_storage",), windows_removable.usb_storage),
    (("secure_boot",), windows_firmware.secure_boot),
    (("tpm",), windows_firmware.tpm),
    (("audit",), windows_logs.audit),
    (("log_max_size",), windows_logs.max_size),
    (("log_retention",), windows_logs.retention),
    (("log_oldest",), windows_logs.oldest),
)


def collect(machine: Machine) -> Table:
    """The one row."""
    return combined(machine, PARTS)
