"""The targets of the fuzzer, without the fuzzer: each takes what it begins from and that with a few bytes changed, and
each finds a fault when there is one.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CHANGES = 12  # of each seed


@pytest.fixture(scope="module")
def fuzzing() -> Iterator[Any]:
    """The module with the targets."""
    sys.path.insert(0, str(HERE))
    try:
        import fuzz_targets

        yield fuzz_targets
    finally:
        sys.path.remove(str(HERE))


def changed(data: bytes, numbers: random.Random) -> bytes:
    """A few bytes put in, taken out or replaced."""
    made = bytearray(data)
    for _ in range(numbers.randint(1, 4)):
        at = numbers.randrange(len(made) + 1)
        made[at : at + numbers.randint(0, 3)] = numbers.randbytes(numbers.randint(0, 3))
    return bytes(made)


def test_what_a_stranger_sends_is_taken_or_refused_and_nothing_else(fuzzing: Any, tmp_path: Path) -> None:
    import fuzz_door

    targets = fuzzing.targets(tmp_path)
    assert tuple(targets) == fuzz_door.NAMES
    numbers = random.Random(4)
    for target in targets.values():
        for seed in (b"", *target.seeds):
            target.one(seed)
            for _ in range(CHANGES):
                target.one(changed(seed, numbers))


def test_a_fault_behind_the_door_is_a_finding(fuzzing: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = fuzzing.targets(tmp_path)

    def broken(*args: Any) -> Any:
        raise KeyError("x")

    behind = {"report": (fuzzing.door, "decode"), "rows": (fuzzing, "judge"), "policy": (fuzzing, "judge")}
    for name, (where, what) in {**behind, "acts": (fuzzing, "perform")}.items():
        with monkeypatch.context() as patched:
            patched.setattr(where, what, broken)
            with pytest.raises(KeyError):
                for seed in targets[name].seeds:
                    targets[name].one(seed)


def test_without_atheris_it_says_in_one_place_what_to_install() -> None:
    line = [sys.executable, str(HERE / "fuzz_door.py"), "policy", "--seconds", "1"]
    code = f"import sys; sys.modules['atheris'] = None; sys.argv = {line[1:]!r}; import runpy; "
    code += (
        f"import importlib.util as u; u.find_spec = lambda name: None; runpy.run_path({line[1]!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert "pip install atheris" in done.stderr and "Traceback" not in done.stderr
