"""
The filters of all pages: for times, sizes and lists of addresses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from flask import Flask

    from mailfailover._message.address import Address

WITHIN: Mapping[str, tuple[str, ...]] = {
    "page.mails": ("page.mail",),
    "mailbox.index": ("mailbox.mail",),
    "suppression_page.index": ("suppression_page.lift",),
}
"""The pages that belong to a section, by the endpoint of its first page."""

_KB = 1024
_FEW_SECONDS = 120


def set_up_templates(
    app: Flask, context: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
) -> None:
    """
    Teach the templates of *app* our filters, and give each page *context*.
    """
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        time=write_time, size=write_size, addresses=write_addresses, duration=write_duration
    )
    app.context_processor(
        lambda: {"within": WITHIN, **(context() if callable(context) else context)}
    )


def write_time(value: datetime) -> Markup:
    """
    Write a time for people and programs; the page's script shows it in their time zone.
    """
    plain = f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), plain)


def write_duration(seconds: float) -> str:
    """
    Write how long something takes, rounded: seconds, or minutes where there are many.
    """
    return f"{seconds:.0f} s" if seconds < _FEW_SECONDS else f"{seconds / 60:.0f} min"


def write_size(value: int) -> str:
    """
    Write a number of bytes, rounded.
    """
    if value < _KB:
        return f"{value} bytes"
    return f"{value / _KB:.1f} KB" if value < _KB * _KB else f"{value / _KB / _KB:.1f} MB"


def write_addresses(value: Iterable[Address]) -> str:
    """
    Write mailboxes as a header has them.
    """
    return ", ".join(map(str, value))
