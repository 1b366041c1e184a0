"""
Scrubbed exceptions: the text of an exception from a provider's code may quote a key.

Of an exception that is not ours it is its kind and its place. An error of ours keeps its text,
without addresses and without the provider's secrets.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from mailfailover._provider.classify import mask
from mailfailover._provider.provider_check import secret_texts
from mailfailover._values.interruption import interruption

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_SHORT = 8
"""A secret of fewer characters may be part of any word."""


class Cause(Exception):
    """
    The cause of an error as harmless text: the exception itself may hold secrets.
    """


def scrubbed(exc: BaseException | None) -> Cause | None:
    """
    Return *exc* in a form that an error of ours may hang on.
    """
    if exc is None or isinstance(exc, Cause):
        return exc
    words = getattr(exc, "strerror", None)  # the system's own words; str() adds file names
    text = f"{type(exc).__name__}{where(exc)}"
    return Cause(f"{text}: {words}" if isinstance(words, str) else text)


def hide(text: str, provider: object) -> str:
    """
    Return *text* without addresses and without the secrets of *provider*.
    """
    for secret in _secrets(provider):
        text = text.replace(secret, "<secret>")
    return mask(text) if "@" in text else text


def _secrets(provider: object) -> Iterator[str]:
    if dataclasses.is_dataclass(provider):
        yield from (text for _, text in secret_texts(provider) if len(text) >= _SHORT)


def where(exc: BaseException) -> str:
    """
    The function, file and line where *exc* was raised, "" if it never was.
    """
    frame = innermost(exc)
    if frame is None:
        return ""
    code = frame.tb_frame.f_code
    return f" in {code.co_name}, {code.co_filename.rpartition('/')[2]} line {frame.tb_lineno}"


def innermost(exc: BaseException) -> TracebackType | None:
    """
    The end of its traceback, where it was raised.
    """
    traceback = exc.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback


def is_time_limit(exc: BaseException) -> bool:
    """
    Whether *exc* is, or comes from, a time limit of the caller's.
    """
    return interruption(exc) is not None
