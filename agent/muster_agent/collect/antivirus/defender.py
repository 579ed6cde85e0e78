"""Windows's own antivirus: Defender, and its predecessor on Windows 7 (Security Essentials, SCEP).

PowerShell tells what it does now; the registry tells how old its signatures are and what switched it off.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from muster_agent.collect.antivirus.vendors import Told, version_in
from muster_agent.evidence.service_keys import ServiceKey
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import filetime, registry_key

# Product: (its own settings, those of the office's policy).
KEYS = {
    "ms-defender": (r"HKLM\SOFTWARE\Microsoft\Windows Defender", r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender"),
    "ms-mse": (
        r"HKLM\SOFTWARE\Microsoft\Microsoft Antimalware",
        r"HKLM\SOFTWARE\Policies\Microsoft\Microsoft Antimalware",
    ),
}
PASSIVE_POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows Advanced Threat Protection"
ONBOARDING = r"HKLM\SOFTWARE\Microsoft\Windows Advanced Threat Protection\Status"
PRESENT = ("AMRunningMode", "AntivirusEnabled", "RealTimeProtectionEnabled")
NORMAL = "normal"  # the one AMRunningMode in which it acts; the others are passive modes, EDR block mode, not running
CONTRADICTED = "settings_contradict_center"
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
PLATFORM = re.compile(r"\\Platform\\([0-9]{1,3}(?:\.[0-9]{1,6}){1,3})(?:-[0-9]+)?\\", re.IGNORECASE)


def signatures(machine: Machine, product_id: str) -> Told:
    """Version and age of the signatures. Raises :class:`CannotRead`.

    AVSignatureApplied is the FILETIME at which they were made. The name of the key has a blank.
    """
    key = registry_key.opened(machine, KEYS[product_id][0] + r"\Signature Updates")
    values = machine.registry_values(key.path)
    applied = next((value for name, value in values.items() if name.lower() == "avsignatureapplied"), None)
    if applied is not None and not isinstance(applied, bytes):
        raise CannotRead("not_understood", f"{key.path}: AVSignatureApplied")
    made = filetime.moment(filetime.of_bytes(applied, "AVSignatureApplied"), "AVSignatureApplied") if applied else None
    return Told(
        signatures_version=version_in(key.text("AVSignatureVersion")),
        signatures_date=made,
        basis=("registry:AVSignatureApplied",) if made else (),
    )


def switched_off(machine: Machine, product_id: str) -> str | None:
    """The setting that switches it off, or leaves it passive beside another product; None when there is none.

    Raises :class:`CannotRead`.
    """
    own, policy = KEYS[product_id]
    for key, name in (
        (policy, "DisableAntiSpyware"),
        (policy, "DisableAntiVirus"),
        (policy + r"\Real-Time Protection", "DisableRealtimeMonitoring"),
        (own, "DisableAntiSpyware"),
        (own, "DisableAntiVirus"),
        (own + r"\Real-Time Protection", "DisableRealtimeMonitoring"),
        (own, "PassiveMode"),
        (PASSIVE_POLICY, "ForceDefenderPassiveMode"),
    ):
        if registry_key.optional(machine, key).number(name):
            return ("policy:" if "Policies" in key else "setting:") + name
    return None


def platform_version(services: tuple[ServiceKey, ...]) -> str | None:
    r"""The version in the folder of its program: …\Platform\4.18.24050.7-0\MsMpEng.exe. The program that came with
    Windows lies elsewhere and has none."""
    found = next((match for match in (PLATFORM.search(key.path) for key in services) if match), None)
    return found.group(1) if found else None


def parse(detail: Any) -> Told:
    """What MSFT_MpComputerStatus says. Raises ``not_understood`` when it is not that."""
    if not isinstance(detail, dict) or not any(isinstance(detail.get(name), (str, bool)) for name in PRESENT):
        raise CannotRead("not_understood", "MSFT_MpComputerStatus")
    mode, enabled, realtime = (detail.get(name) for name in PRESENT)
    outdated = detail.get("DefenderSignaturesOutOfDate")
    acts = realtime if isinstance(realtime, bool) else None
    if enabled is False or (isinstance(mode, str) and mode and mode.lower() != NORMAL):
        acts = False
    made = detail.get("AntivirusSignatureLastUpdated")
    version, signatures_version = detail.get("AMProductVersion"), detail.get("AntivirusSignatureVersion")
    return Told(
        version=version_in(version) if isinstance(version, str) else None,
        realtime=acts,
        signatures_version=version_in(signatures_version) if isinstance(signatures_version, str) else None,
        signatures_date=made if isinstance(made, str) and MOMENT.fullmatch(made) else None,
        signatures_current=(not outdated) if isinstance(outdated, bool) else None,
        basis=("powershell:" + (mode if isinstance(mode, str) and mode.isprintable() else "MSFT_MpComputerStatus"),),
    )


def detail(machine: Machine) -> Told:
    """Ask PowerShell, which is asked once a run whoever wants it. Only while the service runs: else the question can
    hang. Raises :class:`CannotRead`."""
    answer = machine.api("PowerShell")
    said = answer.get("defender") if isinstance(answer, dict) else None
    if isinstance(said, dict) and "error" in said:
        raise CannotRead("powershell_failed", str(said["error"])[:200])
    return parse(said)


def told(
    machine: Machine, product_id: str, running: bool | None, services: tuple[ServiceKey, ...], on: bool | None
) -> Told:
    """Everything it tells, the present before the settings; ``realtime`` stays None when neither says.

    ``on``: what the security centre says. Many versions ignore the settings that once switched it off: against a
    product that runs and is called on, they are a contradiction (:data:`CONTRADICTED`) and no answer.
    """
    found = Told(version=platform_version(services))
    now = Told()
    if running and product_id == "ms-defender":
        try:
            now = detail(machine)
        except CannotRead as error:
            now = Told(notes=(error.problem("realtime"),))
    realtime = now.realtime
    basis: tuple[str, ...] = now.basis
    notes = list(now.notes)
    if running is False:
        realtime = False
    elif realtime is None:
        try:
            off = switched_off(machine, product_id)
            if off and on:
                notes.append(Problem("error", CONTRADICTED, off, "realtime"))
            realtime, basis = (None if on else False, (*basis, off)) if off else (None, basis)
        except CannotRead as error:
            notes.append(error.problem("realtime"))
    try:
        files = signatures(machine, product_id)
    except CannotRead as error:
        files = Told()
        if now.signatures_date is None:
            notes += [error.problem(column) for column in ("signatures_date", "signatures_version")]
    return replace(
        found,
        version=found.version or now.version,
        realtime=realtime,
        signatures_version=files.signatures_version or now.signatures_version,
        signatures_date=files.signatures_date or now.signatures_date,
        signatures_current=now.signatures_current,
        basis=(*basis, *files.basis),
        notes=tuple(notes),
    )


def onboarded(machine: Machine) -> bool:
    """Whether the PC reports to Defender for Endpoint. Every Windows 10 and 11 has its service, most of them idle.

    Raises :class:`CannotRead`.
    """
    return registry_key.optional(machine, ONBOARDING).number("OnboardingState") == 1
