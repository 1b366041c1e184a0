"""
Frozen values that are made quickly.

The ``__init__`` of a frozen dataclass asks ``object.__setattr__`` for each field, which takes
six times as long as plain assignments do. A send makes values of seventy fields. So a value's
fields are assigned while it is still a draft: an object of a class with the same slots that is
not frozen. Then it becomes what it is.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_SOURCE = """
def fill(self, {parameters}):
    if self.__class__ is not final:  # a subclass may have other slots
        for name, value in zip(names, ({values},)):
            set_slowly(self, name, value)
        return
    become(self, draft)
    {assignments}
    become(self, final)
"""


def filler(cls: type) -> Callable[..., None]:
    """
    Return what sets all fields of a frozen slotted dataclass, given in their order.
    """
    return _compile(cls, tuple(field.name for field in fields(cls)))


def quick_init(cls: type[T]) -> type[T]:
    """
    Give a frozen slotted dataclass an ``__init__`` that does the same in a sixth of the time.
    """
    slow: Any = cls.__init__
    init: Any = _compile(cls, slow.__code__.co_varnames[1 : slow.__code__.co_argcount])
    for name in ("__defaults__", "__annotations__", "__name__", "__qualname__"):
        setattr(init, name, getattr(slow, name))
    cls.__init__ = init  # type: ignore[method-assign]  # the decorator is there to replace it
    return cls


def _compile(cls: type, names: tuple[str, ...]) -> Callable[..., None]:
    known: dict[str, Any] = {
        "become": object.__dict__["__class__"].__set__,
        "draft": type(cls.__name__, (), {"__slots__": names}),
        "final": cls,
        "names": names,
        "set_slowly": object.__setattr__,
    }
    source = _SOURCE.format(
        parameters=", ".join(names),
        values=", ".join(names),
        assignments="; ".join(f"self.{name} = {name}" for name in names),
    )
    exec(source, known)  # noqa: S102 -- of the names of fields, as dataclasses does it
    made: Callable[..., None] = known["fill"]
    return made
