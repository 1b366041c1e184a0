"""
How vendors repeat their webhooks: for the terminal and the documentation.

Needs neither click nor rich, as the matrix of features.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from mailfailover._provider.webhook_retries import retries_of
from mailfailover._setup.registry import find, installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._provider.webhook_retries import WebhookRetries

__all__ = ["in_words", "retry_data", "retry_lines", "webhook_providers", "webhook_table"]

_HEAD = (
    "provider",
    "calls for one webhook",
    "within",
    "drops it at",
    "ends the webhook after",
    "a failure is answered with",
    "by",
)
_UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))
_FAILURES = (400, 403, 500)
_OURS = (400, 403, 500, 503)


def webhook_providers(*, builtin: bool = False) -> dict[str, WebhookRetries]:
    """
    Return how the vendors of all installed providers with webhooks repeat those, by scheme.

    Args:
        builtin: Whether those of other packages are left out.
    """
    infos = [one for one in installed() if not one.broken and (one.builtin or not builtin)]
    classes = {find(f"{one.distribution}:{one.scheme}"): one.scheme for one in infos}
    return {
        scheme: retries_of(provider)
        for provider, scheme in classes.items()
        if hasattr(provider, "verify_webhook")
    }


def webhook_table() -> str:
    """
    Return a Markdown table of the built-in providers that have webhooks.
    """
    rows = [_row(*one) for one in webhook_providers(builtin=True).items()]
    lines = [_HEAD, ("---",) * len(_HEAD), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def in_words(retries: WebhookRetries) -> Iterator[str]:
    """
    Yield what is known of *retries*, each fact in a few words.
    """
    if retries.attempts:
        yield f"{retries.attempts} calls for one webhook"
    if retries.span:
        yield f"repeated for {_duration(retries.span)}"
    if retries.given_up:
        yield f"dropped at {retries.given_up}"
    if retries.endangers:
        yield f"ended after {retries.endangers}"
    yield f"a failure is answered with {_answers(retries)}"


def retry_lines(scheme: str, retries: WebhookRetries) -> Iterator[str]:
    """
    Yield in words how the vendor of *scheme* repeats webhooks, and the page that says so.
    """
    yield scheme
    if not retries.page:
        yield "  its vendor does not say how it repeats a webhook"
    for fact in in_words(retries):
        yield f"  {fact}"
    if retries.page:
        yield f"  by {retries.page}"


def retry_data(retries: WebhookRetries) -> dict[str, Any]:
    """
    Return *retries* as JSON-safe data, with our statuses and those that are answered instead.
    """
    answers = {str(status): retries.statuses.get(status, status) for status in _OURS}
    fields = {one.name: getattr(retries, one.name) for one in dataclasses.fields(retries)}
    return fields | {"statuses": answers}


def _row(scheme: str, retries: WebhookRetries) -> tuple[str, ...]:
    url, _, date = retries.page.rpartition(" (")
    return (
        f"`{scheme}`",
        str(retries.attempts or "unknown"),
        _duration(retries.span) if retries.span else "unknown",
        retries.given_up or ("" if retries.page else "unknown"),
        retries.endangers,
        _answers(retries),
        f"[{date.rstrip(')')}]({url.partition(', ')[0]})" if retries.page else "",
    )


def _answers(retries: WebhookRetries) -> str:
    return ", ".join(
        map(str, sorted({retries.statuses.get(status, status) for status in _FAILURES}))
    )


def _duration(seconds: float) -> str:
    size, unit = next(one for one in _UNITS if seconds >= one[0] or one[0] == 1)
    return f"{seconds / size:.3g} {unit}"
