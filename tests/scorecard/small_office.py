"""A small office with the real application on it: two units, every kind of credential, names that mean harm.

What tests and scorecard figures of the readers' side ask.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asgi_client import Client

from muster_agent.facts import Antivirus, ListeningPort, OsVersion, SystemInfo, Table, Tables
from muster_agent.sending.home import State
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import sign
from muster_server.application import Application, application
from muster_server.assessment import assessor_of, sweep
from muster_server.deployment import Deployment
from muster_server.receive.app import Receiver
from muster_server.receive.door import check_report
from muster_server.store import agents, keys, readers, reports, tokens
from muster_server.store.database import Database
from muster_server.store.tokens import Terms
from muster_server.words import Words

UNITS = ("信息科", "财务科")
POLICY = """
policy: own
title: {zh: 测试策略, en: A policy of the test}
version: "1"
rules:
  AV-001:
    title: {zh: 防病毒软件正在运行, en: An antivirus runs}
    severity: high
    any: antivirus
    where: {type: [av, edr]}
    pass_if: {running: true}
    evidence: [name, vendor, version]
    fix: {zh: 启动防病毒软件。, en: Start it.}
  NET-001:
    title: {zh: 不开放远程桌面, en: No remote desktop}
    severity: medium
    each: listening_ports
    where: {scope: network}
    pass_if: {port: [22]}
    evidence: [protocol, address, port, path]
    fix: {zh: 关闭端口。, en: Close the port.}
  UP-001:
    title: {zh: 没有待装的安全更新, en: No security update is pending}
    severity: high
    none: updates
    where: {security: true}
    evidence: [name]
    fix: {zh: 安装更新。, en: Install them.}
"""


@dataclass
class Office:
    """A deployment, its application and whoever may ask it."""

    path: Path
    deployment: Deployment
    database: Database
    receiver: Receiver
    application: Application
    client: Client
    credentials: dict[str, str] = field(default_factory=dict)  # by name, see make()
    pcs: dict[str, str] = field(default_factory=dict)  # id by name
    token: str = ""  # an enrolment token that is still good

    def bearer(self, name: str) -> dict[str, str]:
        """The headers of somebody."""
        return {"Authorization": f"Bearer {self.credentials[name]}"}

    def get(self, path: str, who: str = "administrator", **headers: str) -> Any:
        """GET as somebody."""
        return self.client.ask("GET", path, {**self.bearer(who), **headers})

    def act(self, name: str, asked: bytes, who: str = "administrator", **headers: str) -> Any:
        """Ask for an act as somebody."""
        given = {**self.bearer(who), "Content-Type": "application/json", **headers}
        return self.client.ask("POST", f"/v1/acts/{name}", given, asked)

    def add_pc(self, name: str, unit: str, tables: Tables, days_ago: Sequence[int] = (0,)) -> str:
        """Enrol a PC, and take in a report of it on each of those days."""
        now, key, server = datetime.now(UTC), SigningKey.generate(), self.deployment.key()
        start = now - timedelta(days=max(days_ago, default=0), hours=2)
        with self.database.write() as connection:
            token = tokens.issue(connection, Terms(unit), "os:test", start, start + timedelta(days=1))
            asked = agents.Request(key.public, tokens.token_hash(token), name, None, None, b"{}", bytes(64))
            agent = agents.enrol(connection, asked, start)
            assert agent is not None
            last = State()
            for ago in days_ago:
                at = now - timedelta(days=ago, hours=1)
                number, signed = sign(tables, agent.id, key, last, at.strftime("%Y-%m-%dT%H:%M:%SZ"))
                incoming = check_report(signed, lambda who, name: keys.find(connection, who, name))
                assert reports.accept(connection, incoming, at, server.sign).outcome is reports.Outcome.ACCEPTED
                last = dataclasses.replace(last, seq=number)
        self.pcs[name] = agent.id
        return agent.id

    def sweep(self) -> None:
        """Remember findings, as the server does once it has taken in reports."""
        sweep(self.database, assessor_of(self.deployment), lambda job: self.receiver.writer.submit(job).result())

    def close(self) -> None:
        """Stop everything."""
        self.client.close()
        self.application.close()
        self.receiver.close()
        self.database.close()


def facts(text: str, running: bool = False, port: int = 3389) -> Tables:
    """What a PC says of itself, with ``text`` wherever a text may stand."""
    return {
        "os_version": Table((OsVersion(name=text, version=text, platform=text[:60], major=12),)),
        "system_info": Table((SystemInfo(hostname=text[:200], hardware_model=text),)),
        "antivirus": Table((Antivirus(name=text, type="av", vendor=text, version=None, running=running),)),
        "listening_ports": Table(
            (ListeningPort(protocol="tcp", address="0.0.0.0", port=port, path=text, scope="network"),)
        ),
    }


def make(folder: Path, names: Sequence[str] = ("PC-0001",), other: Sequence[str] = ("PC-9001",)) -> Office:
    """The office: ``names`` are PCs of the first unit, ``other`` of the second."""
    deployment = Deployment.create(folder, "测试局", Words("zh"))
    (folder / "policies" / "own.yaml").write_text(POLICY, "utf-8")
    database = deployment.database()
    receiver = Receiver(database, deployment.key(), lambda pc: None)
    app = application(deployment, database, receiver)
    office = Office(folder, deployment, database, receiver, app, Client(app))
    for unit, those in zip(UNITS, (names, other), strict=True):
        for name in those:
            office.add_pc(name, unit, facts(name))
    office.sweep()
    now = datetime.now(UTC)
    with database.write() as connection:

        def add(name: str, role: str, unit: str | None = None, days: float = 1) -> None:
            given = readers.add(connection, name, role, unit, "os:test", now, now + timedelta(days=days))
            assert given is not None
            office.credentials[name] = given

        add("administrator", "administrator")
        add("auditor", "auditor")
        add("viewer", "viewer", UNITS[0])
        add("other viewer", "viewer", UNITS[1])
        add("monitor", "monitor")
        add("expired", "administrator", days=-1)
        add("revoked", "administrator")
        readers.revoke(connection, "revoked", now)
        office.token = tokens.issue(connection, Terms(UNITS[0], 1000), "os:test", now, now + timedelta(days=1))
    return office


def this_month() -> str:
    """The month that runs, as the server names it."""
    return datetime.now().astimezone().strftime("%Y-%m")
