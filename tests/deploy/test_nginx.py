"""The nginx example, in a real nginx in front of a real server."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from muster_agent.cli import main
from muster_server.demo.running import server
from muster_server.deployment import Deployment
from muster_server.words import Words

ROOT = Path(__file__).resolve().parents[2]
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")

pytestmark = pytest.mark.skipif(
    NGINX is None or not shutil.which("openssl"), reason="nginx or openssl is not installed"
)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[tuple[Path, str, Path]]:
    """A deployment behind nginx: its folder, the address PCs use, and the authority of nginx's certificate."""
    data = tmp_path / "data"
    Deployment.create(data, "office", Words("en"))
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=muster"
    made += " -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(made.split(), cwd=tmp_path, check=True, capture_output=True)
    with server(data, 0) as behind:
        port = free_port()
        text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
        for old, new in {
            "server 127.0.0.1:8470;": f"server {behind.removeprefix('http://')};",
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "/etc/nginx/muster.pem": str(tmp_path / "cert.pem"),
            "/etc/nginx/muster-key.pem": str(tmp_path / "key.pem"),
            "/var/log/nginx/muster.log": str(tmp_path / "access.log"),
        }.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        places = "".join(
            f"    {kind}_temp_path {tmp_path / kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        text = text.replace("http {\n", "http {\n" + places)
        user = "user root;\n" if os.geteuid() == 0 else ""  # the test's folder is its owner's alone
        top = user + f"daemon off;\npid {tmp_path / 'pid'};\nerror_log {tmp_path / 'error.log'};\n"
        (tmp_path / "nginx.conf").write_text(top + text, "utf-8")
        line = [str(NGINX), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
        assert subprocess.run([*line, "-t"], capture_output=True, timeout=30).returncode == 0
        running = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            address = f"https://127.0.0.1:{port}"
            wait_for(address, tmp_path / "cert.pem")
            yield data, address, tmp_path / "cert.pem"
        finally:
            running.terminate()
            running.wait(20)


def wait_for(address: str, authority: Path) -> None:
    """Until nginx answers."""
    context = ssl.create_default_context(cafile=str(authority))
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(address + "/healthz", context=context, timeout=5):
                return
        except urllib.error.URLError:
            assert time.monotonic() < deadline, "nginx does not answer"
            time.sleep(0.1)


def test_a_pc_enrols_and_reports_through_nginx(proxied: tuple[Path, str, Path], tmp_path: Path) -> None:
    from muster_server.cli.token import issue

    data, address, authority = proxied
    (tmp_path / "token").write_text(issue(Deployment(data), "IT", 1, 1))
    home = ["--home", str(tmp_path / "home")]
    given = ["--token-file", str(tmp_path / "token"), "--ca", str(authority)]
    assert main(["enrol", address, *given, *home]) == 0
    assert main(["run", *home]) == 0
    database = Deployment(data).database()
    try:
        with database.read() as connection:
            assert connection.exec_driver_sql("SELECT last_seq FROM agents").scalar() == 1
    finally:
        database.close()
    log = (tmp_path / "access.log").read_text()
    assert "POST /v1/reports" in log
    assert (tmp_path / "token").read_text() not in log


def test_a_body_beyond_the_limit_ends_at_nginx(proxied: tuple[Path, str, Path]) -> None:
    _, address, authority = proxied
    context = ssl.create_default_context(cafile=str(authority))
    asked = urllib.request.Request(address + "/v1/reports", data=bytes(3 * 1024 * 1024), method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, context=context, timeout=20)
    assert refused.value.code == 413
    refused.value.close()


def test_the_lines_for_servers_on_other_machines_are_understood(tmp_path: Path) -> None:
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=muster"
    made += " -keyout muster-key.pem -out muster.pem"
    subprocess.run(made.split(), cwd=tmp_path, check=True, capture_output=True)
    shutil.copy(tmp_path / "muster.pem", tmp_path / "muster-ca.pem")
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    for line in ("server 192.0.2.11:8470;", "server 192.0.2.12:8470;", "proxy_pass https://muster;"):
        assert f"# {line}" in text
    text = re.sub("# (server 192|proxy_pass https|proxy_ssl_)", r"\1", text)
    text = text.replace("proxy_pass http://muster;", "").replace("listen 443 ssl;", "listen 127.0.0.1:8470 ssl;")
    text = text.replace("/etc/nginx/", f"{tmp_path}/").replace("/var/log/nginx/", f"{tmp_path}/")
    places = "".join(
        f"    {kind}_temp_path {tmp_path / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = f"pid {tmp_path / 'pid'};\nerror_log {tmp_path / 'error.log'};\n" + text
    (tmp_path / "nginx.conf").write_text(text.replace("http {\n", "http {\n" + places), "utf-8")
    line_given = [str(NGINX), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-t"]
    done = subprocess.run(line_given, capture_output=True, text=True, timeout=30)
    assert "syntax is ok" in done.stderr, done.stderr
