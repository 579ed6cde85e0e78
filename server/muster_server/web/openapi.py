"""The OpenAPI document of the server: what stands under /v1, and the health routes.

It is made from the declarations the routes are built from, so that it cannot say anything else. ``python -m
muster_server.web.openapi docs`` writes docs/openapi.json; `make docs` does that, and a test fails while it is stale.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from muster_agent import __version__
from muster_server.access.roles import GRANTED, Need
from muster_server.web.acting import acts
from muster_server.web.declared import Answer, Declared, Parameter
from muster_server.web.schemas import ANYTHING, COMPONENTS, Schema, closed, named

FILE = "openapi.json"
SIGNED = ("Muster-Envelope", "Muster-Signature", "Muster-Predecessor-Signature")
SCHEMES: Schema = {
    "reader": {"type": "http", "scheme": "bearer", "description": "A credential of `muster access add`."},
    "browser": {"type": "http", "scheme": "basic", "description": "The same credential as the password of any name."},
    "token": {"type": "http", "scheme": "bearer", "description": "An enrolment token of `muster token`."},
    "agent": {
        "type": "apiKey",
        "in": "header",
        "name": "Muster-Signature",
        "description": "Ed25519 over the bytes of Muster-Envelope, which names the body by its digest.",
    },
}
_ERROR = {"application/json": named("Error")}
_BASE64: Schema = {"type": "string", "contentEncoding": "base64", "maxLength": 4096}
_REFUSED = {
    401: Answer("The credential does not hold.", _ERROR),
    403: Answer("It does not suffice, or is of another kind.", _ERROR),
}
_GZIP: Schema = {"type": "string", "contentMediaType": "application/gzip"}


def openapi(routes: Iterable[Declared]) -> Schema:
    """The document. The acts' own structs say what each takes."""
    structs = {name: importlib.import_module(f"muster_server.acts.{module}").Asked for name, module in acts().items()}
    schemas, components = msgspec.json.schema_components(
        list(structs.values()), ref_template="#/components/schemas/{name}"
    )
    taken, renamed = _apart(dict(zip(structs, schemas, strict=True)), components)
    paths: dict[str, dict[str, Any]] = {}
    for one in routes:
        if one.path == "/v1/acts/{act}":
            for name, schema in taken.items():
                paths[f"/v1/acts/{name}"] = {"post": _operation(one, name, schema)}
        elif one.path.startswith("/v1/") or one.path == "/metrics":
            paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    paths.update(_doors())
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Muster",
            "version": __version__,
            "description": "Does every PC pass muster? Agents report, readers read, administrators act.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": {**COMPONENTS, **renamed}, "securitySchemes": SCHEMES},
    }


def written(routes: Iterable[Declared]) -> str:
    """The document as it is checked in."""
    return json.dumps(openapi(routes), ensure_ascii=False, indent=1) + "\n"


def _apart(schemas: Mapping[str, Any], components: Mapping[str, Any]) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Every act's struct is called Asked; here each is put where it is used, and no component is left over."""

    def put(value: Any) -> Any:
        if isinstance(value, dict) and "$ref" in value:
            return put(components[value["$ref"].rpartition("/")[2]])
        if isinstance(value, dict):
            return {key: put(item) for key, item in value.items() if key not in ("title",) or not isinstance(item, str)}
        return [put(item) for item in value] if isinstance(value, list) else value

    return {name: put(schema) for name, schema in schemas.items()}, {}


def _operation(one: Declared, act: str = "", body: Schema | None = None) -> Schema:
    roles = sorted(role.value for role, needs in GRANTED.items() if one.need in needs)
    answers = {**one.answers, **_REFUSED}
    schemes: list[Schema] = [{"reader": []}] if one.need is Need.ACT else [{"reader": []}, {"browser": []}]
    operation: Schema = {
        "operationId": _name(one.path, one.method, act),
        "summary": f"The act {act}." if act else one.about,
        "description": "For " + ", ".join(roles) + ".",
        "tags": [one.tag],
        "security": schemes,
        "parameters": [_parameter(each) for each in one.parameters if not (act and each.place == "path")],
        "responses": _responses(answers),
    }
    if one.body is not None:
        content = {"application/json": {"schema": body or one.body}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameter(one: Parameter) -> Schema:
    required = {"required": True} if one.place == "path" else {}
    return {"name": one.name, "in": one.place, "description": one.about, **required, "schema": dict(one.schema)}


def _responses(answers: Mapping[int, Answer]) -> Schema:
    return {
        str(status): {
            "description": answer.about,
            **(
                {"content": {media: {"schema": dict(schema)} for media, schema in answer.content.items()}}
                if answer.content
                else {}
            ),
        }
        for status, answer in sorted(answers.items())
    }


def _name(path: str, method: str, act: str) -> str:
    parts = [part.strip("{}").replace(".", "_") for part in path.removeprefix("/v1").split("/") if part]
    return "_".join([method.lower(), *parts[:1], act.replace(".", "_")] if act else [method.lower(), *parts])


def _doors() -> Schema:
    """The routes of PCs, and the two that need no credential."""
    envelope, signature, predecessor = (
        {"name": name, "in": "header", "required": True, "description": "Base64.", "schema": _BASE64} for name in SIGNED
    )
    refusals = {
        400: Answer("Something of it is damaged.", _ERROR),
        408: Answer("The body did not arrive in time.", _ERROR),
        413: Answer("The body is too large.", _ERROR),
        415: Answer("The body is not gzip.", _ERROR),
        422: Answer("It is not what the contract asks for.", _ERROR),
        503: Answer("Not now; Retry-After says when.", _ERROR),
        507: Answer("No space is left.", _ERROR),
        **_REFUSED,
    }
    done = {"application/json": ANYTHING}
    enrolment = closed(
        agent_version={"type": "string"},
        hints={"type": "object", "additionalProperties": {"type": "string"}},
        public_key={"type": "string", "pattern": "^[0-9a-f]{64}$"},
        token={"type": "string"},
    )
    rotation = closed(
        agent={"type": "string", "format": "uuid"},
        predecessor={"type": "string", "pattern": "^[0-9a-f]{16}$"},
        public_key={"type": "string", "pattern": "^[0-9a-f]{64}$"},
    )
    refused = Answer("It cannot be done; nothing was changed.", _ERROR)
    status = {200: Answer("Yes.", {"application/json": named("Status")})}
    return {
        "/healthz": {"get": _door("health", "The process lives.", [], status, "operation")},
        "/readyz": {
            "get": _door(
                "ready",
                "Reports can be stored: it writes, and waits until that is committed.",
                [],
                {**status, 503: refusals[503], 507: refusals[507]},
                "operation",
            )
        },
        "/v1/enrol": {
            "post": {
                **_door(
                    "enrol",
                    "Binds a PC's key to the unit of a token.",
                    [{"token": []}],
                    {200: Answer("Known already.", done), 201: Answer("Taken in.", done), **refusals},
                ),
                "parameters": [signature],
                "requestBody": {"required": True, "content": {"application/json": {"schema": enrolment}}},
            }
        },
        "/v1/reports": {
            "post": {
                **_door(
                    "report",
                    "Takes in a signed report.",
                    [{"agent": []}],
                    {
                        200: Answer("Seen before; the same receipt.", done),
                        202: Answer("Stored; a signed receipt.", done),
                        409: Answer("The number was used by another report.", _ERROR),
                        **refusals,
                    },
                ),
                "parameters": [envelope, signature],
                "requestBody": {"required": True, "content": {"application/gzip": {"schema": _GZIP}}},
            }
        },
        "/v1/keys": {
            "post": {
                **_door(
                    "rekey",
                    "Changes a PC's key; the old key and the new one both sign.",
                    [{"agent": []}],
                    {200: Answer("Known already.", done), 201: Answer("Changed.", done), 409: refused, **refusals},
                ),
                "parameters": [signature, predecessor],
                "requestBody": {"required": True, "content": {"application/json": {"schema": rotation}}},
            }
        },
    }


def _door(name: str, about: str, security: list[Schema], answers: Mapping[int, Answer], tag: str = "agents") -> Schema:
    return {
        "operationId": name,
        "summary": about,
        "tags": [tag],
        "security": security,
        "parameters": [],
        "responses": _responses(answers),
    }


def main() -> None:
    """Write the document into the folder named on the command line."""
    from muster_server.application import readers_routes

    Path(sys.argv[1], FILE).write_text(written(readers_routes()), "utf-8")


if __name__ == "__main__":
    main()
