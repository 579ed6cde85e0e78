"""Checks many signatures, on every core: they are what a check of a whole database spends its time on."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from muster_agent.sending.keys import verify

CHUNK = 500  # signatures handed over at once
FEW = 4000  # below so many the processes would cost more than they save
WAITING = 8  # chunks under way for each process


@dataclass(frozen=True)
class Claim:
    """What is to be true: ``data`` was signed with the key. ``of`` says whose, when it is not."""

    public_key: bytes
    signature: bytes
    data: bytes
    of: dict[str, Any]


def false_ones(claims: list[Claim]) -> list[dict[str, Any]]:
    """Of which claims it is not true."""
    return [one.of for one in claims if not verify(one.public_key, one.signature, one.data)]


class Signatures:
    """Takes claims and tells ``wrong`` of those that are not true, at the latest at the end of the block."""

    def __init__(self, expected: int, wrong: Callable[[dict[str, Any]], None], processes: int | None = None) -> None:
        self._wrong = wrong
        count = processes if processes is not None else (os.cpu_count() or 1) if expected >= FEW else 1
        self._most = count * WAITING
        self._pool: ProcessPoolExecutor | None = None
        if count > 1:
            # Not forked from this process: it holds connections to the database.
            self._pool = ProcessPoolExecutor(count, multiprocessing.get_context("forkserver"))
        self._chunk: list[Claim] = []
        self._under_way: deque[Future[list[dict[str, Any]]]] = deque()

    def __enter__(self) -> Signatures:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._hand_over()
                self._collect(0)
        finally:
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)

    def check(self, claim: Claim) -> None:
        """Check one more."""
        self._chunk.append(claim)
        if len(self._chunk) >= CHUNK:
            self._hand_over()

    def _hand_over(self) -> None:
        chunk, self._chunk = self._chunk, []
        if self._pool is None:
            for one in false_ones(chunk):
                self._wrong(one)
            return
        self._under_way.append(self._pool.submit(false_ones, chunk))
        self._collect(self._most)

    def _collect(self, leave: int) -> None:
        while len(self._under_way) > leave:
            for one in self._under_way.popleft().result():
                self._wrong(one)
