"""No file is reachable by an address (docs/threat-model.md, L18): what a page needs is named in the code."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

SERVER = Path(__file__).resolve().parents[3] / "server" / "muster_server"
OPEN_FILES = {"StaticFiles", "FileResponse", "Mount", "send_file", "SimpleHTTPRequestHandler"}
TRIED = (
    *("/static/", "/static/view.css", "/reports/styles/view.css", "/styles/view.css", "/view.css", "/favicon.ico"),
    *("/muster.yaml", "/server-key.pem", "/muster.db", "/policies/own.yaml", "/../muster.yaml", "/..%2fmuster.yaml"),
    *("/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/etc/passwd", "/pcs/../../muster.yaml", "/.git/config", "/tests/"),
    *(
        "/docs",
        "/redoc",
        "/openapi.json",
        "/debug",
        "/console",
        "/server-status",
        "/phpinfo.php",
        "/htmlawed/htmLawedTest.php",
    ),
)


@pytest.mark.parametrize("path", TRIED)
def test_L18_no_file_has_an_address(office: Any, path: str) -> None:
    stranger = office.client.ask("GET", path)
    assert stranger.status in (401, 403, 404)
    known = office.get(path)
    assert known.status in (403, 404), known.text[:200]
    for secret in ("PRIVATE KEY", "root:", "SQLite format", "target:"):
        assert secret not in known.text


def test_L18_files_are_read_by_names_that_stand_in_the_code() -> None:
    for path in [*(SERVER / "web").rglob("*.py"), *(SERVER / "receive").rglob("*.py"), SERVER / "application.py"]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            assert name not in OPEN_FILES, f"{path}:{node.lineno}"  # type: ignore[attr-defined]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
                if called in ("bundled", "joinpath", "get_template"):
                    literal = all(isinstance(one, ast.Constant) for one in node.args)
                    # Before it listens, the server loads every template its own folder holds.
                    assert literal or (path.name, called) == ("application.py", "get_template"), f"{path}:{node.lineno}"
