"""muster-agent enrol: make this PC's key and bind it to a server with an enrolment token."""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

from muster_agent import __version__
from muster_agent.canonical import canonical, digest
from muster_agent.collect import collect_table
from muster_agent.commands.failure import Failure
from muster_agent.commands.identity import another_machine, told
from muster_agent.local import LocalMachine
from muster_agent.machine import Machine
from muster_agent.sending import conf, fingerprint
from muster_agent.sending.envelope import ENROL
from muster_agent.sending.home import FIELDS_OF_ENROLMENT, FIELDS_OF_STATE, Enrolment, Home, State, Unusable
from muster_agent.sending.http import Answer, BadAddress, Unreachable, check_address, post
from muster_agent.sending.owners import must_be_ours
from muster_agent.sending.places import default_home
from muster_agent.words import Words

PATH = "/v1/enrol"
REFUSALS = {400: "enrolment_refused", 401: "bad_token", 403: "bad_token", 422: "enrolment_refused", 503: "busy"}


def add_arguments(parser: argparse.ArgumentParser, words: Words) -> None:
    """What the command takes."""
    parser.add_argument("server", metavar="SERVER", nargs="?", help=words("enrol.server"))
    parser.add_argument("--token-file", metavar="FILE", help=words("enrol.token_file"))
    parser.add_argument("--ca", metavar="FILE", help=words("enrol.ca"))
    parser.add_argument("--to", metavar="FILE", help=words("offline.to"))
    parser.add_argument("--answer", metavar="FILE", help=words("offline.answer"))
    parser.add_argument("--anew", action="store_true", help=words("enrol.anew"))
    parser.add_argument("--home", metavar="DIR", default=None, help=words("send.home"))


def read_token(path: str | None, words: Words) -> str:
    """The token from a file, a prompt or a pipe: never from the arguments, where every user of the PC can read it."""
    try:
        if path is not None:
            with open(path, encoding="ascii") as file:
                return file.read(conf.TOKEN_LIMIT).strip()
        if sys.stdin.isatty():
            import getpass  # the settings of terminals: a run of the system has none

            return getpass.getpass(words("enrol.prompt")).strip()
        return sys.stdin.readline(conf.TOKEN_LIMIT).strip()
    except (OSError, ValueError) as error:
        raise Failure("token_unreadable", str(error), 2) from None


def hints(machine: Machine) -> dict[str, str]:
    """What helps a person to recognise the PC. It proves nothing."""
    rows = collect_table(machine, "system_info").rows
    found = {name: getattr(rows[0], name) for name in ("hostname", "uuid", "hardware_serial")} if rows else {}
    return {name: value for name, value in found.items() if value is not None}


def request(home: Home, token: str, machine: Machine) -> tuple[bytes, bytes]:
    """The request to be taken in, and its signature with this PC's key, which is made where there is none."""
    from muster_agent.sending.keys import SigningKey  # needs cryptography; --help and check do without

    if home.key.exists():
        try:
            key = SigningKey.load(home.private_key())
        except (OSError, ValueError) as error:
            raise Unusable("key_unreadable", f"{home.key}: {error}") from None
    else:
        key = SigningKey.generate()
        key.save(str(home.key))
    # The server keeps the signed body as evidence; the token itself travels beside it and is not kept.
    body = canonical(
        {
            "agent_version": __version__,
            "hints": hints(machine),
            "public_key": key.public.hex(),
            "token": digest(token.encode("utf-8")),
        }
    )
    return body, key.sign(ENROL + body)


def enrol(
    home: Home, server: str, token: str, ca: str | None, machine: Machine, server_key: str | None = None
) -> Enrolment:
    """Enrol the PC and remember it. Asking again with the same key after a lost answer is harmless.

    With ``server_key`` only the server that has that key will do.
    """
    body, signed = request(home, token, machine)
    signature = base64.b64encode(signed).decode("ascii")
    answer = post(server, PATH, body, {"Authorization": "Bearer " + token, "Muster-Signature": signature}, ca)
    if answer.status not in (200, 201):
        raise Failure(REFUSALS.get(answer.status, "not_muster"), answer.text("detail") or server)
    enrolment, last = _understood(answer, server, ca)
    if server_key not in (None, enrolment.server_key):
        raise Failure("other_server", server)
    home.enrol(enrolment, last)
    return enrolment


def _understood(answer: Answer, server: str, ca: str | None) -> tuple[Enrolment, State]:
    """Who this PC is, and the last report the server has of it: a PC that lost its state goes on with its chain."""
    agent, unit, server_key = (answer.text(name) for name in ("agent", "unit", "server_key"))
    seq: Any = answer.content.get("seq")
    last = answer.text("digest")
    said = {"agent": agent, "unit": unit, "server_key": server_key, "seq": seq, "digest": last}
    kept = {**FIELDS_OF_ENROLMENT, **FIELDS_OF_STATE}  # what could not be read back is not taken from anybody
    if not all(kept[name].fullmatch(json.dumps(value)) for name, value in said.items()):
        raise Failure("not_muster", server)
    ca = None if ca is None else os.path.abspath(ca)  # the system will run the agent from another folder
    awaiting = answer.content.get("approved") is False
    return Enrolment(server, agent, unit, server_key, ca, awaiting), State(seq, last)


def enrolled_as(home: Home) -> Enrolment | None:
    """Who this PC is, or None when it must enrol: it never did, or its files are lost or damaged."""
    try:
        home.state()
        return home.enrolment()
    except Unusable:
        return None


def bind(
    home: Home, server: str, token: str, ca: str | None, anew: bool = False, key: str | None = None
) -> tuple[Enrolment, Path | None]:
    """Enrol this PC in ``home``; returns who it is, and the folder that keeps what belonged to a former identity."""
    # A new key is a new identity; nothing of the former one may be counted as its own.
    former = home.put_aside() if anew or not home.key.exists() else None
    try:
        done = enrol(home, server, token, ca, LocalMachine(), key)
    except BaseException:
        if former is not None and anew:
            home.put_back(former)  # the identity it has is better than none
        raise
    conf.forget_token(home)
    fingerprint.remember(home, fingerprint.read(LocalMachine()))
    return done, former


def said(done: Enrolment, former: Path | None, words: Words) -> list[str]:
    """What a person is told of it."""
    lines = [] if former is None else [words("enrol.former", folder=former)]
    lines.append(words("enrol.done", server=done.server, unit=done.unit, agent=done.agent))
    return [*lines, words("identity.awaiting")] if done.awaiting else lines


def main(arguments: argparse.Namespace, words: Words) -> int:
    """Run the command."""
    from muster_agent.commands.offline import ask, finish  # it needs this module

    address = arguments.server
    try:
        must_be_ours(arguments.home or default_home())
        if address is not None:
            check_address(address)
        home = Home(arguments.home or default_home())
        with home.lock():
            if arguments.answer is not None:
                return finish(home, arguments.answer, words)
            provided = conf.load(home) if address is None else None
            address = provided.server if provided is not None else address
            if address is None:
                raise Failure("no_server", "", 2)
            server = check_address(address)
            known = enrolled_as(home)
            copied = another_machine(home, LocalMachine())
            if copied:
                print(words("identity.copied", what=told(copied, words)))
            anew = arguments.anew or bool(copied)
            if known is not None and not anew:
                raise Failure("already_enrolled", f"{known.server} ({home.path})", 2)
            given = conf.token(home) if provided is not None and arguments.token_file is None else None
            token = given or read_token(arguments.token_file, words)
            if not token:
                raise Failure("no_token", "", 2)
            if not token.isascii() or not token.isprintable():
                raise Failure("bad_token", "", 5)  # it could not travel in a header
            ca = arguments.ca or (provided.ca if provided is not None else None)
            key = provided.server_key if provided is not None else None
            if arguments.to is not None:
                if anew or not home.key.exists():
                    home.put_aside()
                pending = {"server": server, "ca": None if ca is None else os.path.abspath(ca), "server_key": key}
                return ask(home, Path(arguments.to), pending, token, LocalMachine(), words)
            done, former = bind(home, server, token, ca, anew, key)
    except BadAddress as error:
        return Failure(str(error), address, 2).show(words)
    except (Unusable, Unreachable) as error:
        return Failure(error.code, error.detail).show(words)
    except ImportError:
        return Failure("no_cryptography").show(words)
    except Failure as failure:
        return failure.show(words)
    for line in said(done, former, words):
        print(line)
    print(words("enrol.next"))
    return 0
