"""Where the two data folders are: policies/ (what must hold) and reports/ (how it looks)."""

from __future__ import annotations

from pathlib import Path


def bundled(name: str) -> Path:
    """The folder ``name``: beside this package in an installed wheel, at the top of a checkout otherwise.

    Raises ``FileNotFoundError`` naming both places: a wheel built without its data must not look like an empty policy.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / name, here.parents[1] / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"{name}/ is neither in {here} nor in {here.parents[1]}")
