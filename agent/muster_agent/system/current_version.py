r"""What Windows calls itself: the registry key ``Windows NT\CurrentVersion``, which every Windows since NT 4 has."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import registry_key

KEY = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
WINDOWS_10 = 10240  # first build of Windows 10
BUILD = re.compile(r"^[0-9]{1,6}$")
# BuildLabEx, e.g. 7601.24545.amd64fre.win7sp1_ldr_escrow.200102-1707
LABEL = re.compile(r"^([0-9]{1,6})\.([0-9]{1,6})\.")
NUMBERS = re.compile(r"^([0-9]{1,3})\.([0-9]{1,3})$")


@dataclass(frozen=True)
class CurrentVersion:
    """The version of a Windows, by the names of the key's values."""

    build: int  # CurrentBuild: names the release, e.g. 19045
    revision: int | None  # UBR: how far it is updated
    major: int
    minor: int
    product_name: str | None
    display_version: str | None  # DisplayVersion, or ReleaseId of the releases before 20H2
    service_pack: str | None  # CSDVersion, until Windows 7
    edition: str | None  # EditionID
    installation_type: str | None  # Client, Server, Server Core
    system_root: str | None

    @property
    def full_build(self) -> str:
        """19045.3570; the build alone where the revision is not stated."""
        return str(self.build) if self.revision is None else f"{self.build}.{self.revision}"

    @property
    def server(self) -> bool:
        """Whether it is a Windows Server."""
        return (self.installation_type or self.product_name or "").find("Server") >= 0


def read(machine: Machine) -> CurrentVersion:
    """The version of this Windows. Raises :class:`CannotRead` when the key does not state a build."""
    key = registry_key.opened(machine, KEY)
    text = key.text("CurrentBuild") or key.text("CurrentBuildNumber") or ""
    if not BUILD.match(text):
        raise CannotRead("not_understood", f"{KEY}: CurrentBuild")
    build, revision = int(text), key.number("UBR")
    label = LABEL.match(key.text("BuildLabEx") or "")
    # Windows 7 and 8 have no UBR: there the label of the kernel's build is renewed by updates. On Windows 10 it is not.
    if revision is None and build < WINDOWS_10 and label and int(label.group(1)) == build:
        revision = int(label.group(2))
    major, minor = key.number("CurrentMajorVersionNumber"), key.number("CurrentMinorVersionNumber")
    if major is None or minor is None:  # before Windows 10
        numbers = NUMBERS.match(key.text("CurrentVersion") or "")
        if numbers is None:
            raise CannotRead("not_understood", f"{KEY}: CurrentVersion")
        major, minor = int(numbers.group(1)), int(numbers.group(2))
    release = key.text("ReleaseId")
    if release == "2009" and build != 19042:  # frozen there: the releases after 20H2 have their own name elsewhere
        release = None
    return CurrentVersion(
        build,
        revision,
        major,
        minor,
        product_name=key.text("ProductName"),
        display_version=key.text("DisplayVersion") or release,
        service_pack=key.text("CSDVersion"),
        edition=key.text("EditionID"),
        installation_type=key.text("InstallationType"),
        system_root=key.text("SystemRoot"),
    )
