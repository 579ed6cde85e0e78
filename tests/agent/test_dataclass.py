"""A class made without the compiler behaves as the standard library's own, which stands beside it here."""

from __future__ import annotations

import dataclasses
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from typing import Any

import pytest

from muster_agent import dataclass as ours


def _both(frozen: bool) -> list[Any]:
    """The same class, made by each of the two."""
    made = []
    for maker in (dataclasses.dataclass, ours.dataclass):

        class Point:
            """A class with every kind of field the agent uses."""

            x: int
            y: int = field(metadata={"kind": "integer"})
            name: str | None = None
            tags: list[str] = field(default_factory=list)
            KIND = "point"

            @property
            def sum(self) -> int:
                """Both together."""
                return self.x + self.y

        made.append(maker(frozen=frozen)(Point))
    return made


FROZEN, CHANGEABLE = _both(True), _both(False)


@pytest.mark.parametrize("point", [*FROZEN, *CHANGEABLE])
def test_fields_are_given_by_place_by_name_or_not_at_all(point: Any) -> None:
    one = point(1, y=2)
    assert (one.x, one.y, one.name, one.tags, one.sum, one.KIND) == (1, 2, None, [], 3, "point")
    assert list(vars(one)) == ["x", "y", "name", "tags"]
    assert vars(point(1, 2, "a", ["b"])) == {"x": 1, "y": 2, "name": "a", "tags": ["b"]}
    assert vars(point(tags=["b"], y=2, x=1)) == {"x": 1, "y": 2, "name": None, "tags": ["b"]}
    assert point(1, 2).tags is not point(1, 2).tags


@pytest.mark.parametrize("point", [*FROZEN, *CHANGEABLE])
@pytest.mark.parametrize(
    ("values", "named"),
    [((1,), {}), ((), {"y": 1}), ((1, 2, "a", [], 5), {}), ((1, 2), {"x": 1}), ((1, 2), {"z": 1}), ((), {})],
)
def test_what_does_not_fit_the_fields_is_refused(point: Any, values: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        point(*values, **named)


@pytest.mark.parametrize("point", [*FROZEN, *CHANGEABLE])
def test_two_are_equal_when_class_and_values_are(point: Any) -> None:
    assert point(1, 2) == point(x=1, y=2)
    assert point(1, 2) != point(1, 3)
    assert point(1, 2) != (1, 2, None, [])
    assert repr(point(1, 2)) == "_both.<locals>.Point(x=1, y=2, name=None, tags=[])"


def test_classes_of_equal_fields_are_not_equal() -> None:
    assert FROZEN[1](1, 2) != CHANGEABLE[1](1, 2)


@pytest.mark.parametrize("point", FROZEN)
def test_a_frozen_one_is_hashed_by_value_and_never_changed(point: Any) -> None:
    one = point(1, 2, "a", ())
    assert hash(one) == hash(point(1, 2, "a", ()))
    assert len({one, point(1, 2, "a", ()), point(1, 3, "a", ())}) == 2
    with pytest.raises(FrozenInstanceError):
        one.x = 5
    with pytest.raises(FrozenInstanceError):
        one.other = 5
    with pytest.raises(FrozenInstanceError):
        del one.x
    assert one.x == 1


@pytest.mark.parametrize("point", CHANGEABLE)
def test_one_that_is_not_frozen_can_be_changed_and_not_be_hashed(point: Any) -> None:
    one = point(1, 2)
    one.x = 5
    assert one == point(5, 2)
    with pytest.raises(TypeError):
        hash(one)


@pytest.mark.parametrize("point", [*FROZEN, *CHANGEABLE])
def test_the_functions_of_the_standard_library_know_it(point: Any) -> None:
    one = point(1, 2)
    assert replace(one, x=7) == point(7, 2)
    assert asdict(one) == {"x": 1, "y": 2, "name": None, "tags": []}
    assert [(one.name, dict(one.metadata)) for one in fields(point)] == [
        ("x", {}),
        ("y", {"kind": "integer"}),
        ("name", {}),
        ("tags", {}),
    ]
    assert dataclasses.is_dataclass(point)
