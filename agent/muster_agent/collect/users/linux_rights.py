"""Which accounts of a Linux PC have, or may take, administrator rights."""

from __future__ import annotations

from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.accounts import sudoers
from muster_agent.system.accounts.passwd import Account, Groups

# The groups whose members sudo or polkit lets do everything: Debian's family, Red Hat's, Ubuntu's before 2012. Being in
# the group root grants no such right.
GROUPS = ("sudo", "wheel", "admin")
SUDOERS = "/etc/sudoers"  # 0440 root everywhere


class Rights:
    """Answers for every account; ``notes`` says what could not be seen."""

    def __init__(self, machine: Machine, groups: Groups, accounts: tuple[Account, ...]) -> None:
        self.notes: list[Problem] = []
        self._groups, self._accounts = groups, accounts
        self._members = groups.members(GROUPS, accounts)
        self._rules: sudoers.Rules | None = sudoers.Rules()
        try:
            self._rules = sudoers.parse(machine.text(SUDOERS), machine.text, machine.listdir)
        except NotFound as error:
            if (
                error.detail != SUDOERS
            ):  # without sudo there are no other administrators; without a part of it, there may be
                self._unknown(error)
        except CannotRead as error:
            self._unknown(error)
        for line in self._rules.strange if self._rules else ():
            self.notes.append(Problem("error", "sudoers_not_simple", line[:200], "administrator"))

    def _unknown(self, error: CannotRead) -> None:
        self._rules = None
        self.notes.append(error.problem("administrator"))

    def administrator(self, account: Account) -> bool | None:
        """Whether ``account`` has or may take administrator rights; None when a rule could not be read."""
        if account.uid == 0 or account.name in self._members:
            return True
        if self._rules is None:
            return None
        names = {"ALL", account.name, f"#{account.uid}"}
        names |= {
            name
            for group in self._groups.groups
            if account.gid == group.gid or account.name in group.members
            for name in (f"%{group.name}", f"%#{group.gid}")
        }
        if names & self._rules.administrators:
            return True
        return None if names & self._rules.doubtful else False
