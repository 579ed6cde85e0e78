"""What the numbers that Windows keeps of an account mean (lmaccess.h)."""

from __future__ import annotations

import re
import time

# Administrator and Guest are made by Windows, and for people. 502 is a domain's Kerberos key, 503 DefaultAccount, 504
# the account of Application Guard.
FOR_PEOPLE = (500, 501)
FIRST_OF_PEOPLE = 1000
# Accounts Windows makes for itself with a number of its people: HomeGroup (7 to 10), an unfinished setup, ASP.NET,
# the sign-in of web accounts (11). Not believed of an administrator: an intruder may choose such a name.
BY_WINDOWS = re.compile(r"homegroupuser\$|defaultuser[0-9]{1,9}|aspnet|wsiaccount", re.IGNORECASE)
UF_ACCOUNTDISABLE, UF_PASSWD_NOTREQD, UF_DONT_EXPIRE_PASSWD = 0x2, 0x20, 0x10000
TIMEQ_FOREVER = 0xFFFFFFFF
MINUTE = 60  # seconds
EARLIEST = 315_532_800  # 1980-01-01: FILETIME 0, "never", is told as an age since 1970 or before


def day(seconds: int) -> str:
    """The day (UTC) of a moment."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def changed(age: int, now: int) -> str | None:
    """The day a password was changed ``age`` seconds before ``now``; None when it never was.

    Windows keeps the moment of the change and subtracts it from its clock, so the difference to the same clock is that
    moment again: it stays where it is when the clock is set. Between the two questions a second may pass, so it is
    rounded to the minute, away from midnight, where most scripted changes fall; only a change within a second of half
    a minute before midnight could still be told as either day.
    """
    moment = (now - age + MINUTE // 2) // MINUTE * MINUTE
    return day(moment) if age > 0 and moment > EARLIEST else None


def is_person(rid: int, name: str, administrator: bool | None) -> bool | None:
    """Whether an account is for people, by its number and, of a few, its name; None when it bears such a name and
    nobody knows whether it is an administrator."""
    if rid < FIRST_OF_PEOPLE:
        return rid in FOR_PEOPLE
    if not BY_WINDOWS.fullmatch(name) or administrator:
        return True
    return None if administrator is None else False


def password_status(flags: int, shortest: int | None) -> str | None:
    """active or optional. ``shortest`` is the length the policy asks for, None when it could not be read.

    optional where the account, or the policy, lets it be empty: which it is, Windows tells nobody.
    """
    if flags & UF_PASSWD_NOTREQD or shortest == 0:
        return "optional"
    return None if shortest is None else "active"


def password_expires(flags: int, lifetime: int | None) -> bool | None:
    """Whether the password has to be changed one day. ``lifetime`` is the policy's, in seconds."""
    if flags & UF_DONT_EXPIRE_PASSWD:
        return False
    return None if lifetime is None else lifetime != TIMEQ_FOREVER
