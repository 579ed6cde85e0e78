"""What the programs that set a firewall say of it: ufw, firewalld, the Kylin security centre, services that load rules.

Each gives its rows. What root sees of the kernel's rules (``rules``) goes before what a setting says; without it the
settings speak, as far as they say what is and not only what was wanted.
"""

from __future__ import annotations

from muster_agent.collect.firewall import linux_units
from muster_agent.collect.firewall.linux_rules import ORIGINS, Rules
from muster_agent.facts import Firewall, Problem
from muster_agent.machine import CannotRead, Listing, Machine, NotFound, program_failed
from muster_agent.system import programs
from muster_agent.system.firewall import firewalld, ksc_defender, ufw

# Services that load rules and end. That they have done so does not say that the rules filter anything.
LOADERS = ("nftables", "iptables", "ip6tables", "netfilter-persistent")
FIREWALLD = "/usr/sbin/firewalld"


def settled(name: str, profile: str | None, inbound: str | None, notes: list[Problem]) -> Firewall:
    """The row of a firewall that filters, by the rules themselves."""
    if inbound is None:
        notes.append(Problem("unsupported", "inbound_depends", " ".join(filter(None, (name, profile))), "inbound"))
    return Firewall(name, profile, True, inbound, "rules")


def of_ufw(machine: Machine, rules: Rules | None, notes: list[Problem]) -> list[Firewall]:
    """ufw, where it is installed. A row that is off lets everything pass."""
    try:
        switched = ufw.enabled(machine.text(ufw.SWITCH))
    except NotFound:
        return []
    if rules is not None:
        if rules.reaches(ufw.CHAIN):
            return [settled("ufw", None, rules.inbound(), notes)]
        return [Firewall("ufw", None, False, "allow", "rules")]
    if not switched:
        return [Firewall("ufw", None, False, "allow", "settings")]
    if machine.privileged():  # the rules themselves could not be read
        said = ufw.status(programs.text(machine, "ufw", "status", "verbose"))
        return [Firewall("ufw", None, said.active, said.inbound if said.active else "allow", "status")]
    enabled, inbound = None, None
    try:
        enabled = linux_units.active(machine, "ufw.service") or None
        if enabled is None:  # switched on, and not loaded at start: somebody may have loaded it by hand
            notes.append(Problem("unsupported", "firewall_not_started", "ufw.service", "enabled"))
    except CannotRead as error:
        notes.append(error.problem("enabled"))
    try:
        inbound = ufw.inbound(machine.text(ufw.DEFAULTS))
    except CannotRead as error:
        notes.append(error.problem("inbound"))
    return [Firewall("ufw", None, enabled, inbound, "settings service" if enabled else "settings")]


def _runs(machine: Machine, listing: Listing, program: str, unit: str) -> bool:
    """Whether a daemon runs. Raises :class:`CannotRead` when it cannot be seen."""
    if any(process.name == program for process in listing.rows):
        return True
    if listing.complete:
        return False
    return linux_units.active(machine, unit)


def _zone(machine: Machine, name: str) -> tuple[str, bool]:
    """(what happens there to what no rule speaks of, whether something is bound to it), by the zone's file."""
    for folder in firewalld.ZONES:
        path = f"{folder}/{name}.xml"
        try:
            return firewalld.zone(machine.text(path), path)
        except NotFound:
            continue
    raise NotFound(f"{firewalld.ZONES[0]}/{name}.xml")


def _of_settings(machine: Machine, notes: list[Problem]) -> list[Firewall]:
    """firewalld's zones as they are laid down: the default zone, and those something is bound to."""
    try:
        default = firewalld.default_zone(machine.text(firewalld.CONF))
        own = [name[:-4] for name in machine.names(firewalld.ZONES[0]) if name.endswith(".xml")]
    except CannotRead as error:
        notes += [error.problem(column) for column in ("inbound", "profile")]
        return [Firewall("firewalld", None, True, None, "service")]
    rows = []
    for name in sorted({default, *own}):
        try:
            inbound, bound = _zone(machine, name)
        except CannotRead as error:
            notes.append(error.problem("inbound"))
            rows.append(Firewall("firewalld", name, True, None, "service"))
            continue
        if bound or name == default:
            rows.append(Firewall("firewalld", name, True, inbound, "service settings"))
    return rows


def of_firewalld(machine: Machine, rules: Rules | None, notes: list[Problem]) -> list[Firewall]:
    """firewalld, a row for each zone in force."""
    listing = machine.processes()
    installed = machine.exists(FIREWALLD)
    try:
        running = _runs(machine, listing, "firewalld", "firewalld.service")
    except CannotRead as error:
        if not installed:
            return []
        notes.append(error.problem("enabled"))
        return [Firewall("firewalld", None, None, None, "")]
    if not running:
        return [Firewall("firewalld", None, False, "allow", "service")] if installed else []
    zones = rules.zones() if rules is not None else {}
    if zones:
        return [settled("firewalld", zone, inbound, notes) for zone, inbound in sorted(zones.items())]
    if rules is not None and not any(map(rules.filters, ORIGINS)):
        return [Firewall("firewalld", None, False, "allow", "rules")]  # it runs, and somebody took its rules away
    if machine.privileged():
        listed = firewalld.list_all_zones(programs.text(machine, "firewall-cmd", "--list-all-zones"))
        return [Firewall("firewalld", zone.name, True, zone.inbound, "status") for zone in listed if zone.active]
    return _of_settings(machine, notes)


def of_ksc_defender(machine: Machine, rules: Rules | None, notes: list[Problem]) -> list[Firewall]:
    """The firewall of the Kylin security centre, asked where its rules cannot be seen."""
    if rules is not None or not machine.exists(ksc_defender.PROGRAM):
        return []
    argv = [ksc_defender.PROGRAM, *ksc_defender.ARGUMENTS]
    output = machine.run(argv, 10.0)
    if output.status < 0:  # killed, and perhaps in the middle of a line
        raise program_failed(argv, output.status, output.stderr)
    on, policy = ksc_defender.status(output.stdout.decode("utf-8", "replace"))
    if not on:
        return [Firewall("ksc-defender", None, False, "allow", "status")]
    notes.append(Problem("denied", "rules_not_checked", "ksc-defender", "inbound"))
    return [Firewall("ksc-defender", policy, True, None, "status")]


def of_loaders(machine: Machine, rules: Rules | None, notes: list[Problem]) -> list[Firewall]:
    """Services that load rules, where the rules cannot be seen."""
    if rules is not None:
        return []
    rows = []
    for name in LOADERS:
        try:
            if linux_units.active(machine, f"{name}.service"):
                rows.append(Firewall(name, None, None, None, "service"))
        except NotFound:
            return rows  # not started by systemd
    if rows:
        notes += [Problem("denied", "rules_not_checked", "nft", column) for column in ("enabled", "inbound")]
    return rows
