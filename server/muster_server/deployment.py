"""A deployment: the folder that holds everything one office's Muster knows.

muster.db         the database
muster.yaml       the office's name, target and units (office.py)
server-key.pem    the key receipts are signed with, readable by its owner alone
policies/         the office's own policies; while it is empty the shipped ones apply
serve.lock        held by the running server
"""

from __future__ import annotations

import contextlib
import errno
from dataclasses import dataclass
from pathlib import Path

from muster_agent.keys import SigningKey
from muster_server import office
from muster_server.feeds import os_support
from muster_server.feeds.os_support import EndOfSupport
from muster_server.judge.policies import folder_in_force, load_policies
from muster_server.judge.policy import Policy
from muster_server.office import Office, load_office
from muster_server.resources import bundled
from muster_server.store.database import FILE, Database
from muster_server.words import Words

KEY = "server-key.pem"


@dataclass(frozen=True)
class Deployment:
    """The folder, and how each thing in it is opened."""

    path: Path

    @classmethod
    def create(cls, path: Path, name: str, words: Words) -> Deployment:
        """Make a new deployment. Raises ``FileExistsError`` when there is one, ``OSError`` when it cannot be made.

        Settings and a key that lie there already are kept. The database comes last: it is what makes a deployment,
        so an interrupted start can be made again.
        """
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = cls(path)
        if (path / FILE).exists():
            raise FileExistsError(errno.EEXIST, "", str(path / FILE))
        made.policy_folder.mkdir(mode=0o700, exist_ok=True)
        quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        with contextlib.suppress(FileExistsError), (path / office.FILE).open("x", encoding="utf-8") as file:
            file.write(words("office.file", name=quoted))
        with contextlib.suppress(FileExistsError):
            SigningKey.generate().save(str(path / KEY))
        Database.create(path / FILE).close()
        return made

    @property
    def policy_folder(self) -> Path:
        """The office's own policies."""
        return self.path / "policies"

    def database(self) -> Database:
        """The database. Raises ``DatabaseError``."""
        return Database.open(self.path / FILE)

    def key(self) -> SigningKey:
        """The key receipts are signed with. Raises ``OSError`` or ``ValueError``."""
        return SigningKey.load(str(self.path / KEY))

    def office(self) -> Office:
        """The office's settings. Raises ``PolicyError``."""
        return load_office(self.path / office.FILE)

    def policies(self) -> list[Policy]:
        """The policies that judge. Raises ``PolicyError``."""
        return load_policies(folder_in_force(self.policy_folder, bundled("policies")))

    def end_of_support(self) -> EndOfSupport:
        """Until when systems are supported: the office's own file, else the shipped one. Raises ``PolicyError``."""
        own = self.policy_folder / os_support.FILE
        return os_support.load(own if own.is_file() else None)
