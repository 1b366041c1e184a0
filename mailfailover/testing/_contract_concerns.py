"""
Which providers a claim concerns: those over SMTP, those that merge, and so on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mailfailover._values.wire import SMTPResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.testing._contract_subject import Subject

__all__ = [
    "has_batch",
    "has_keys",
    "has_partial",
    "has_ping_answers",
    "has_requests",
    "is_http",
    "is_simple",
    "is_smtp",
    "where",
]

Test = TypeVar("Test", bound="Callable[..., None]")


def is_simple(contract: type[Subject]) -> bool:
    return not hasattr(contract.provider, "build_request")


def has_requests(contract: type[Subject]) -> bool:
    return not is_simple(contract)


def is_smtp(contract: type[Subject]) -> bool:
    return has_requests(contract) and isinstance(contract.accepted, SMTPResponse)


def is_http(contract: type[Subject]) -> bool:
    return has_requests(contract) and not is_smtp(contract)


def has_batch(contract: type[Subject]) -> bool:
    return hasattr(contract.provider, "build_batch")


def has_keys(contract: type[Subject]) -> bool:
    return hasattr(contract.provider, "idempotency_ttl")


def has_ping_answers(contract: type[Subject]) -> bool:
    return hasattr(contract.provider, "parse_ping")


def has_partial(contract: type[Subject]) -> bool:
    return bool(contract.partial)


def where(concerned: Callable[[type[Subject]], bool]) -> Callable[[Test], Test]:
    """
    Mark a claim that concerns some providers only; others do not even collect it.
    """

    def mark(test: Test) -> Test:
        test.concerned = concerned  # type: ignore[attr-defined]  # read by __init_subclass__
        return test

    return mark
