"""The program in a service's command line, and the name in a reference to a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.collect.services.windows import display_name
from muster_agent.system.image_path import program


@pytest.mark.parametrize(
    ("image_path", "path"),
    [
        (r"%SystemRoot%\system32\svchost.exe -k netsvcs -p", r"C:\Windows\system32\svchost.exe"),
        (r"%WINDIR%\System32\vds.exe", r"C:\Windows\System32\vds.exe"),
        (r"\SystemRoot\System32\spoolsv.exe", r"C:\Windows\System32\spoolsv.exe"),
        (r"System32\spoolsv.exe", r"C:\Windows\System32\spoolsv.exe"),
        (r'"C:\Program Files\A B\a.exe" --service', r"C:\Program Files\A B\a.exe"),
        (r'"C:\Program Files\A B\a" --service', r"C:\Program Files\A B\a"),
        (r"C:\Program Files\A B\a.exe --config C:\other.exe", r"C:\Program Files\A B\a.exe"),
        (r"C:\Program Files (x86)\A.exe.config\a.exe", r"C:\Program Files (x86)\A.exe.config\a.exe"),
        (r"\??\C:\Windows\a.exe", r"C:\Windows\a.exe"),
        (r"\\?\C:\Windows\a.exe", r"C:\Windows\a.exe"),
        (r'"\??\C:\Program Files\a.exe" -x', r"C:\Program Files\a.exe"),
        (r"C:\PROGRA~1\A.EXE", r"C:\PROGRA~1\A.EXE"),
        (r"C:\srv\daemon", r"C:\srv\daemon"),
        (r"  C:\a.exe  ", r"C:\a.exe"),
        (r"%ProgramFiles%\A\a.exe -k", r"%ProgramFiles%\A\a.exe"),
        (r"C:\火绒\火绒.exe /svc", r"C:\火绒\火绒.exe"),
        (r"C:\Program Files\A\daemon -k", None),
        ('""', None),
        (r'"C:\unended\a.exe', None),
    ],
)
def test_the_program_of_a_command_line(image_path: str, path: str | None) -> None:
    assert program(image_path, r"C:\Windows") == path


def test_without_the_folder_of_windows_its_variable_stays() -> None:
    assert program(r"%SystemRoot%\a.exe -k", None) == r"%SystemRoot%\a.exe"


@given(st.text(max_size=200))
def test_any_text_gives_a_program_or_none(image_path: str) -> None:
    found = program(image_path, r"C:\Windows")
    assert found is None or isinstance(found, str)


def test_a_long_text_takes_no_long_time() -> None:
    assert program("a.exe" * 200_000 + " ", None) is not None
    assert program(" " * 1_000_000, None) is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (None, None),
        ("ToDesk Service", "ToDesk Service"),
        (r"@%SystemRoot%\system32\audiosrv.dll,-204", None),
        ("@oem5.inf,%igfxcui.svcdesc%;Intel(R) Graphics", "Intel(R) Graphics"),
        ("@oem5.inf,%x%; ", None),
    ],
)
def test_a_reference_to_a_text_is_no_name(said: str | None, shown: str | None) -> None:
    assert display_name(said) == shown
