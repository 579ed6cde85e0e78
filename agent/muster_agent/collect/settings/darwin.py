"""The security settings of a Mac. A setting that cannot be read is null and noted, and the rest goes on."""

from __future__ import annotations

from muster_agent.collect.settings import darwin_login, darwin_password, darwin_protection, darwin_sharing
from muster_agent.collect.settings.parts import Part, combined
from muster_agent.facts import Table
from muster_agent.machine import Machine

# What macOS does not have stays null: UAC, SMB version 1 (macOS speaks 2 and 3 since 10.13 unless told otherwise by
# hand), NLA, autorun, a switch for USB sticks, a TPM (its Secure Enclave is another thing), SELinux and its kin.
PARTS: tuple[Part, ...] = (
    (("password_min_length", "password_max_age", "password_history"), darwin_password.policy),
    (("password_complexity",), darwin_password.mixed),
    (("lockout_threshold",), darwin_password.lockout),
    (("screen_lock", "screen_lock_timeout"), darwin_login.screen_lock),
    (("autologin",), darwin_login.autologin),
    (("guest_account",), darwin_login.guest_account),
    (("rdp",), darwin_sharing.screen_sharing),
    (("ssh",), darwin_sharing.remote_login),
    (("ssh_root_login", "ssh_password", "ssh_empty_password", "ssh_max_tries"), darwin_sharing.ssh_server),
    (("secure_boot",), darwin_protection.secure_boot),
    (("gatekeeper",), darwin_protection.gatekeeper),
    (("sip",), darwin_protection.integrity),
    (("log_oldest",), darwin_protection.oldest_log),
)


def collect(machine: Machine) -> Table:
    """The one row."""
    return combined(machine, PARTS)
