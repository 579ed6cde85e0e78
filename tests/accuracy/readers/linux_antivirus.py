"""What protection products on Linux print of themselves: glpi-agent, insights and the malice plugins recorded them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from antivirus_facts import Facts, Parser, by_kind, scored, told
from cases import Entry, Result

from muster_agent.collect.antivirus import clamav
from muster_agent.collect.antivirus.vendors import (
    avast,
    bitdefender,
    cortex,
    crowdstrike,
    drweb,
    escan,
    eset,
    fprot,
    kaspersky,
    mdatp,
    sentinelone,
    sophos,
    withsecure,
    zoner,
)

READS = {("linux", "antivirus")}
LICENCE = "a licence, for which there is no column"
SYSTEMCTL = "the agent reads systemd's control groups and not what systemctl prints"


def of_clamav(text: str) -> Facts:
    """``clamscan --version``."""
    version, signatures = clamav.parse_version(text)
    return {"version": version, **({"base_version": signatures} if signatures else {})}


def of_falconctl(text: str) -> Facts:
    """``falconctl -g``; insights writes "not set" for what is not, and rfm for rfm-state."""
    found: dict[str, Any] = {}
    for name, value in crowdstrike.settings(text).items():
        if name == "rfm-state":
            found["rfm"] = {"true": True, "false": False}.get(value or "")
        else:
            found[name] = "not set" if value is None else value
    return found


# Folder of the vendor, what its file's name or content looks like, and what reads it; the first that fits.
KINDS: tuple[tuple[str, str, Parser | str], ...] = (
    ("avast", r"vps|\A\s*[0-9]{8}\s*\Z", told(avast.parse_vps)),
    ("avast", r"", told(avast.parse_version)),
    ("bitdefender", r"", told(bitdefender.parse)),
    ("clamav", r"status|\.service - |Active: ", SYSTEMCTL),
    ("clamav", r"", of_clamav),
    ("comodo", r"", "cmdscan tells no version"),
    ("cortex", r"runtime", told(cortex.parse_runtime)),
    ("cortex", r"query|Content Version", told(cortex.parse_content)),
    ("cortex", r"", told(cortex.parse_info)),
    ("crowdstrike", r"", of_falconctl),
    ("drweb", r"baseinfo|Virus database", told(drweb.parse_bases)),
    ("drweb", r"", told(drweb.parse_version)),
    ("escan", r"", told(escan.parse)),
    ("eset", r"-lic|License Validity", LICENCE),
    ("eset", r"modules|EM00[0-9]", told(eset.parse_modules)),
    ("eset", r"", told(eset.parse_version)),
    ("fprot", r"", told(fprot.parse)),
    ("fsecure", r"", told(withsecure.parse)),
    ("kaspersky", r"license\.|License status:\s*$", LICENCE),
    ("kaspersky", r"", told(kaspersky.parse)),
    (
        "mdatp",
        r"mdatp_managed|exclusionSettings",
        "what an office excludes from scanning, for which there is no column",
    ),
    ("mdatp", r"", told(mdatp.parse)),
    ("sentinelone", r"", told(sentinelone.parse)),
    ("sophos", r"", told(sophos.parse)),
    ("zoner", r"", told(zoner.parse)),
)


def score(entries: Iterable[Entry]) -> Iterator[Result]:
    """A result for each raw file."""
    return scored(entries, by_kind(KINDS))
