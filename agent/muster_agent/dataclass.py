"""The standard library's ``dataclass``, without the compiler.

``dataclasses.dataclass`` writes the methods of every class as text and compiles it, each time the program starts: a
tenth of a whole run, for its 70 classes. Here it finds the fields, so that ``fields``, ``replace`` and ``asdict`` know
the class as ever, and the methods are these ready-made ones. They do the same.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: Any = None, *, frozen: bool = False) -> Any:
        """Make a dataclass of ``cls``: compared by value, and with ``frozen`` unchangeable and hashable."""
        return _made(cls, frozen) if cls is not None else lambda one: _made(one, frozen)


_MISSING: Any = dataclasses.MISSING
_set = object.__setattr__


def _made(cls: Any, frozen: bool) -> Any:
    if not cls.__doc__:
        cls.__doc__ = cls.__name__  # or the signature of the class would be parsed to make one
    cls = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    found = dataclasses.fields(cls)
    cls._defaults_by_name = {field.name: field.default for field in found}
    cls._factories = {field.name: field.default_factory for field in found if field.default_factory is not _MISSING}
    cls.__init__, cls.__repr__, cls.__eq__ = _init, _repr, _eq
    cls.__hash__ = _hash if frozen else None
    if frozen:
        cls.__setattr__, cls.__delattr__ = _refuse, _refuse
    return cls


def _init(self: Any, *values: Any, **named: Any) -> None:
    defaults = self._defaults_by_name
    if values:
        if len(values) > len(defaults):
            raise TypeError(f"{type(self).__name__} has {len(defaults)} fields, not {len(values)}")
        for name, value in zip(defaults, values):
            if name in named:
                raise TypeError(f"{type(self).__name__}: {name} is given twice")
            named[name] = value
    for name, default in defaults.items():
        value = named.pop(name, default)
        if value is _MISSING:
            if name not in self._factories:
                raise TypeError(f"{type(self).__name__}: {name} is not given")
            value = self._factories[name]()
        _set(self, name, value)
    if named:
        raise TypeError(f"{type(self).__name__} has no field {', '.join(named)}")


def _values(one: Any) -> tuple[Any, ...]:
    return tuple([getattr(one, name) for name in one._defaults_by_name])


def _repr(self: Any) -> str:
    said = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._defaults_by_name)
    return f"{type(self).__qualname__}({said})"


def _eq(self: Any, other: Any) -> Any:
    return _values(self) == _values(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _refuse(self: Any, name: str, *value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot change field {name!r}")
