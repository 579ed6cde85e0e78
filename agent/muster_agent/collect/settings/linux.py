"""The security settings of a Linux PC. A setting that cannot be read is null and noted, and the rest goes on."""

from __future__ import annotations

from muster_agent.collect.settings import (
    linux_display,
    linux_firmware,
    linux_kysec,
    linux_lockout,
    linux_log_oldest,
    linux_logs,
    linux_password,
    linux_protection,
    linux_remote_desktop,
    linux_samba,
    linux_screen,
    linux_ssh,
    linux_usb,
)
from muster_agent.collect.settings.parts import Part, combined
from muster_agent.facts import Table
from muster_agent.machine import Machine

# Columns, and the function that returns their values, or raises. What Linux does not have (UAC, Gatekeeper, SIP,
# programs that start from a stick, Windows's word on blank passwords) stays null; so does the SMB client, whose
# version each mount chooses.
PARTS: tuple[Part, ...] = (
    (("password_min_length", "password_complexity"), linux_password.quality),
    (("password_max_age",), linux_password.max_age),
    (("password_history",), linux_password.history),
    (("lockout_threshold", "lockout_duration"), linux_lockout.lockout),
    (("screen_lock", "screen_lock_timeout"), linux_screen.screen_lock),
    (("autologin",), linux_display.autologin),
    (("guest_account",), linux_display.guest_account),
    (("smb1_server",), linux_samba.server),
    (("rdp",), linux_remote_desktop.rdp),
    (("rdp_nla",), linux_remote_desktop.nla),
    (("rdp_port",), linux_remote_desktop.port),
    (("ssh",), linux_ssh.server),
    (("ssh_root_login",), linux_ssh.root_login),
    (("ssh_password",), linux_ssh.password),
    (("ssh_empty_password",), linux_ssh.empty_password),
    (("ssh_max_tries",), linux_ssh.max_tries),
    (("usb_storage",), linux_usb.usb_storage),
    (("secure_boot",), linux_firmware.secure_boot),
    (("tpm",), linux_firmware.tpm),
    (("selinux",), linux_protection.selinux),
    (("apparmor",), linux_protection.apparmor),
    (("kysec", "kysec_exec_control"), linux_kysec.kysec),
    (("audit",), linux_logs.audit),
    (("log_max_size",), linux_logs.max_size),
    (("log_retention",), linux_logs.retention),
    (("log_oldest",), linux_log_oldest.oldest),
)


def collect(machine: Machine) -> Table:
    """The one row."""
    return combined(machine, PARTS)
