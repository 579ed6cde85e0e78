"""The row of the table ``settings``: what the system itself is set to allow. A part of the contract (facts.py)."""

from __future__ import annotations

from muster_agent.columns import BOOLEAN, INTEGER, MOMENT, TEXT, column
from muster_agent.dataclass import dataclass


@dataclass(frozen=True)
class Settings:
    """The security settings (one row). Null where the system has no such setting, or a note says why it is unread."""

    password_min_length: int | None = column(INTEGER, "Shortest password the system accepts; 0 is any.")
    password_complexity: bool | None = column(BOOLEAN, "A new password must mix several kinds of characters.")
    password_max_age: int | None = column(INTEGER, "Days after which a new account's password has expired; 0 is never.")
    password_history: int | None = column(INTEGER, "Former passwords that may not be used again.")
    lockout_threshold: int | None = column(INTEGER, "Wrong passwords after which an account is locked; 0 is never.")
    lockout_duration: int | None = column(INTEGER, "Seconds it stays locked; 0 is until an administrator unlocks it.")
    blank_password_network: bool | None = column(BOOLEAN, "An account without password may log in over the network.")
    screen_lock: bool | None = column(
        BOOLEAN, "An unattended screen locks itself for every user seen, and asks for the password."
    )
    screen_lock_timeout: int | None = column(
        INTEGER, "Seconds without use until it does, the longest of any user seen."
    )
    autologin: bool | None = column(BOOLEAN, "Somebody is logged in at start without a password.")
    guest_account: bool | None = column(BOOLEAN, "A guest may log in.")
    uac: bool | None = column(BOOLEAN, "Windows asks before a program takes administrator rights (EnableLUA).")
    uac_prompt: bool | None = column(BOOLEAN, "It asks administrators too, and does so on the secure desktop.")
    smb1_server: bool | None = column(BOOLEAN, "This PC offers files by SMB version 1.")
    smb1_client: bool | None = column(BOOLEAN, "This PC opens files of others by SMB version 1.")
    rdp: bool | None = column(BOOLEAN, "Remote Desktop is on; on Linux xrdp, on macOS screen sharing.")
    rdp_nla: bool | None = column(BOOLEAN, "Remote Desktop asks who one is before it shows a screen (NLA).")
    rdp_port: int | None = column(INTEGER, "Port of Remote Desktop.")
    ssh: bool | None = column(BOOLEAN, "An SSH server is set to run.")
    ssh_root_login: str | None = column(
        TEXT, "PermitRootLogin of the SSH server.", ("yes", "no", "prohibit-password", "forced-commands-only")
    )
    ssh_password: bool | None = column(BOOLEAN, "The SSH server accepts passwords.")
    ssh_empty_password: bool | None = column(BOOLEAN, "The SSH server accepts empty passwords.")
    ssh_max_tries: int | None = column(INTEGER, "Passwords one connection to the SSH server may try.")
    autorun: bool | None = column(BOOLEAN, "Programs on a stick or disc start by themselves.")
    usb_storage: bool | None = column(
        BOOLEAN, "USB sticks can be used, as far as the system itself decides; an EDR may forbid it all the same."
    )
    secure_boot: bool | None = column(BOOLEAN, "Only signed systems start; false on a PC without UEFI.")
    tpm: str | None = column(TEXT, "Version of the security chip, e.g. 2.0; none when there is none.")
    selinux: str | None = column(TEXT, "SELinux.", ("enforcing", "permissive", "disabled"))
    apparmor: bool | None = column(BOOLEAN, "AppArmor is on.")
    kysec: str | None = column(TEXT, "Kylin's KYSEC as a whole.", ("enabled", "softmode", "disabled"))
    kysec_exec_control: str | None = column(TEXT, "What KYSEC does with unknown programs.", ("on", "warning", "off"))
    gatekeeper: bool | None = column(BOOLEAN, "macOS opens programs of known developers only.")
    sip: bool | None = column(BOOLEAN, "macOS protects its own files (System Integrity Protection).")
    audit: bool | None = column(BOOLEAN, "Security events are recorded: the event log, auditd.")
    log_max_size: int | None = column(INTEGER, "Bytes the security log may take before the oldest is overwritten.")
    log_retention: int | None = column(
        INTEGER, "Days the system is set to keep its logs; null when size alone decides."
    )
    log_oldest: str | None = column(
        MOMENT,
        "Logs reach back at least to this Monday: the first one after the oldest record, so that it holds still.",
    )
