"""
The face of a class: the module that users import it from.

Pickles, reprs and pages of the documentation name that module, so a class can move between
rooms of the package while no user notices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

C = TypeVar("C", bound=type)


def published_in(face: str) -> Callable[[C], C]:
    """
    Decorate a class that users import from *face*.

    It goes above all other decorators: ``dataclass`` looks its annotations up in the module
    that a class says to be of.
    """

    def publish(cls: C) -> C:
        cls.__module__ = face
        return cls

    return publish
