"""
Mappings that cannot change, so that a message is the same for every attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FrozenDict(dict[K, V]):
    """
    A dict without its mutators: it is JSON-safe, pickles and, as far as its values do, hashes.
    """

    __slots__ = ()

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        message = "a message is immutable: use message.replace(...)"
        raise TypeError(message)

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]  # dict sets it to None
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


EMPTY: FrozenDict[Any, Any] = FrozenDict()


def freeze(value: Any) -> Any:
    """
    Copy JSON-like data with every dict frozen and every list made a tuple.

    Raises:
        TypeError: If a key is no str, which JSON would make another key.
    """
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            message = "JSON has no other keys than str"
            raise TypeError(message)
        return FrozenDict({key: freeze(item) for key, item in value.items()}) if value else EMPTY
    if isinstance(value, (list, tuple)):
        return tuple(map(freeze, value))
    return value


def thaw(value: Any) -> Any:
    """
    Undo :func:`freeze`: return plain dicts and lists, which the caller may change.
    """
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return list(map(thaw, value))
    return value
