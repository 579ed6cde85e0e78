"""Kaspersky Endpoint Security for Linux (``kesl-control --app-info``) and Anti-Virus for Linux File Server 8
(``kav4fs-control --app-info``): names and values, in English or in Russian by a setting of the product.

Not every field is there in every version, and a stopped task is still listed.
"""

from __future__ import annotations

from muster_agent.collect.antivirus.vendors import Told, day_in, output, pairs, version_in
from muster_agent.machine import CannotRead, Machine

ANSWERS = ("version", "realtime", "signatures_date")
PROGRAMS = (
    "/opt/kaspersky/kesl/bin/kesl-control",
    "/usr/bin/kesl-control",
    "/opt/kaspersky/kav4fs/bin/kav4fs-control",
)
NAME = ("Name", "Название")
VERSION = ("Version", "Версия")
# Version 10 and the versions after it.
FILES = ("File Threat Protection", "File monitoring", "Защита от файловых угроз", "Мониторинг файлов")
DATE = ("Last release date of databases", "Дата последнего выпуска баз приложения", "Дата последнего выпуска баз")
LOADED = ("Application databases loaded", "Anti-virus databases loaded", "Базы программы загружены")
RUNNING = ("available and running", "доступно и запущено", "доступен и запущен", "доступна и запущена")
STOPPED = ("stopped", "unavailable", "not available", "остановлен", "недоступ", "not running")


def _first(found: dict[str, str], names: tuple[str, ...]) -> str:
    return next((found[name] for name in names if name in found), "")


def _realtime(said: str) -> bool | None:
    said = said.lower()
    if said in RUNNING:
        return True
    return False if any(word in said for word in STOPPED) else None


def parse(text: str) -> Told:
    """What it says of itself. Databases of 1970 are none: the product has not loaded any."""
    found = pairs(text)
    version = version_in(_first(found, VERSION))
    if version is None or "kaspersky" not in _first(found, NAME).lower():
        raise CannotRead("not_understood", "kesl-control --app-info")
    loaded = _first(found, LOADED).lower() not in ("no", "нет")
    return Told(
        version=version,
        realtime=_realtime(_first(found, FILES)) if loaded else False,
        signatures_date=day_in(_first(found, DATE)) if loaded else None,
        basis=("asked:kesl-control",),
    )


def ask(machine: Machine) -> Told:
    """Ask it. Raises :class:`CannotRead`."""
    return parse(output(machine, PROGRAMS, "--app-info"))
