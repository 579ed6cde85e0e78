"""A deployment: the folder that holds everything one office's Muster knows.

muster.db         the database, unless the settings name a PostgreSQL
muster.yaml       the office's name, target and units, and where the database is (settings.py)
server-key.pem    the key receipts are signed with, readable by its owner alone
policies/         the office's own policies; while it is empty the shipped ones apply
tls/              the certificate authority and the server's certificate (tls/)
serve.lock        held by the running server
write.lock        held by whoever writes to muster.db at the moment
"""

from __future__ import annotations

import contextlib
import errno
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from muster_agent.sending.keys import SigningKey
from muster_server.access.roles import Role
from muster_server.acts.performing import perform
from muster_server.feeds import os_support
from muster_server.feeds.os_support import EndOfSupport
from muster_server.judge.policies import folder_in_force, load_policies
from muster_server.judge.policy import Policy
from muster_server.office import Office
from muster_server.resources import bundled
from muster_server.settings import FILE as SETTINGS
from muster_server.settings import Settings, load_settings
from muster_server.store.database import FILE, Database
from muster_server.words import Words

KEY = "server-key.pem"


@dataclass(frozen=True)
class Deployment:
    """The folder, and how each thing in it is opened."""

    path: Path

    @classmethod
    def create(cls, path: Path, name: str, words: Words, database: str | None = None) -> Deployment:
        """Make a new deployment, in a file of its own or in the PostgreSQL ``database``.

        Raises ``FileExistsError`` when there is one, ``OSError`` or ``DatabaseError`` when it cannot be made. Settings
        and a key that lie there already are kept. The database comes last: it is what makes a deployment, so an
        interrupted start can be made again.
        """
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = cls(path)
        if (path / FILE).exists():
            raise FileExistsError(errno.EEXIST, "", str(path / FILE))
        made.policy_folder.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileExistsError), (path / SETTINGS).open("x", encoding="utf-8") as file:
            if database is not None:
                file.write(f"database: {_quoted(database)}\n")
            file.write(words("office.file", name=_quoted(name)))
        with contextlib.suppress(FileExistsError):
            SigningKey.generate().save(str(path / KEY))
        Database.create(made.database_address()).close()
        return made

    def first_administrator(self, operator: str) -> str:
        """Give the deployment its first administrator; returns the credential, for the only time."""
        database = self.database()
        try:
            with database.write() as connection:
                asked = {"name": "administrator", "role": Role.ADMINISTRATOR.value}
                answer = perform(connection, "readers.add", asked, operator, datetime.now(UTC))
                return str(answer["credential"])
        finally:
            database.close()

    @property
    def policy_folder(self) -> Path:
        """The office's own policies."""
        return self.path / "policies"

    def database(self) -> Database:
        """The database. Raises ``DatabaseError``, and ``PolicyError`` when the settings cannot be read."""
        return Database.open(self.database_address())

    def database_address(self) -> Path | str:
        """Where the database is. Raises ``PolicyError`` when the settings cannot be read."""
        return self.settings().database or self.path / FILE

    def key(self) -> SigningKey:
        """The key receipts are signed with. Raises ``OSError`` or ``ValueError``."""
        return SigningKey.load(str(self.path / KEY))

    def settings(self) -> Settings:
        """The settings. Raises ``PolicyError``."""
        return load_settings(self.path / SETTINGS)

    def office(self) -> Office:
        """The office that is judged. Raises ``PolicyError``."""
        return self.settings().office

    def policies(self) -> list[Policy]:
        """The policies that judge. Raises ``PolicyError``."""
        return load_policies(folder_in_force(self.policy_folder, bundled("policies")))

    def end_of_support(self) -> EndOfSupport:
        """Until when systems are supported: the office's own file, else the shipped one. Raises ``PolicyError``."""
        own = self.policy_folder / os_support.FILE
        return os_support.load(own if own.is_file() else None)


def _quoted(text: str) -> str:
    """A text as YAML takes it for certain."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
