"""The report in Chromium: opened as a file without network or script, on a phone's width, and printed on A4.

The browser is driven through its debugging pipe, so nothing but Chromium itself is needed. Without it the tests skip.
"""

from __future__ import annotations

import base64
import json
import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from muster_server.render.html import write
from muster_server.tally import Month
from muster_server.words import Words

NAMES = ("chromium", "chromium-browser", "google-chrome", "microsoft-edge")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
SECONDS = 60

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"no browser: none of {', '.join(NAMES)} is installed")


class Browser:
    """One Chromium with one page, asked over file descriptors 3 and 4: JSON messages that end with a zero byte."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        def place() -> None:
            # Through high numbers first, so that placing one pipe cannot overwrite the other.
            os.dup2(theirs_in, 103), os.dup2(theirs_out, 104)
            os.dup2(103, 3), os.dup2(104, 4)

        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            [CHROMIUM, *FLAGS, *sandbox, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=place,
            pass_fds=(3, 4),
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer = b""
        self._asked = 0
        self.events: list[dict[str, Any]] = []
        self._session: str | None = None
        target = next(one for one in self.ask("Target.getTargets")["targetInfos"] if one["type"] == "page")
        attached = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Log", "Runtime", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one command; events that come before it are kept."""
        self._asked += 1
        message: dict[str, Any] = {"id": self._asked, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._asked:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self.events.append(answer)

    def open(self, path: Path, width: int) -> None:
        """Open a file offline, without script, in a window of that width."""
        self.events.clear()
        self.ask("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        self.ask("Emulation.setScriptExecutionDisabled", value=True)
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        self.ask("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def close(self) -> None:
        """End the browser that was started here."""
        self._session = None
        try:
            self.ask("Browser.close")
        except (OSError, EOFError):
            self._process.kill()
        self._process.wait(SECONDS)
        os.close(self._in)
        os.close(self._out)

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + SECONDS
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(end - time.monotonic(), 0))
            if not ready:
                raise TimeoutError("the browser does not answer")
            part = os.read(self._in, 1 << 20)
            if not part:
                raise EOFError("the browser has gone")
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return dict(json.loads(message))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture
def report(make: Callable[..., Month], words: Words, tmp_path: Path) -> Path:
    path = tmp_path / "month.html"
    units = ["信息技术与数据资源管理科", "财务科", "办公室", "W" * 60]
    write(make(number=200, units=units, tags=("simulated",)), path, words)
    return path


def test_it_opens_without_network_or_script_and_without_a_complaint(browser: Browser, report: Path) -> None:
    browser.open(report, 1280)
    said = [event for event in browser.events if event["method"] in ("Log.entryAdded", "Runtime.consoleAPICalled")]
    assert said == []
    asked = [
        event["params"]["request"]["url"] for event in browser.events if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if url != "data:,"] == [report.as_uri()]
    # The style sheet applied: under a wrong hash the skip link would stand in the text and the page would be wider.
    root = browser.ask("DOM.getDocument")["root"]["nodeId"]
    skip = browser.ask("DOM.querySelector", nodeId=root, selector=".skip")["nodeId"]
    assert max(browser.ask("DOM.getBoxModel", nodeId=skip)["model"]["content"][0::2]) < 0


@pytest.mark.parametrize("width", [320, 480, 768, 1280, 1920])
def test_the_page_never_scrolls_sideways(browser: Browser, report: Path, width: int) -> None:
    browser.open(report, width)
    assert browser.ask("Page.getLayoutMetrics")["cssContentSize"]["width"] <= width


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext (poppler-utils) is not installed")
def test_it_prints_on_a4_with_heads_and_page_numbers(
    browser: Browser, report: Path, words: Words, tmp_path: Path
) -> None:
    browser.open(report, 1280)
    printed = browser.ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    paper = tmp_path / "month.pdf"
    paper.write_bytes(base64.b64decode(printed["data"]))
    sizes = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", paper.read_bytes())
    assert sizes
    assert all(abs(float(w) - 595.3) < 1 and abs(float(h) - 841.9) < 1 for w, h in sizes)
    said = subprocess.run(
        ["pdftotext", "-layout", str(paper), "-"], capture_output=True, check=True, timeout=SECONDS
    ).stdout.decode()
    pages = said.split("\f")[:-1]
    assert 3 <= len(pages) <= 12
    squeezed = ["".join(page.split()) for page in pages]
    month = "".join(words("month.title", month="2026年11月" if words.lang == "zh" else "November 2026").split())
    for number, page in enumerate(squeezed, start=1):
        assert f"—{number}/{len(pages)}—" in page
        assert month in page
        assert "".join(words("month.simulated.short").split()) in page
        assert "".join(words("month.draft").split()) in page
    assert "".join(words("month.signoff.approved").split()) in squeezed[-1]
    assert "".join(words("month.signoff.prepared").split()) in squeezed[-1]  # the block stays whole
    assert "".join(words("month.units").split()) in squeezed[1]  # the first page stands alone
