"""
The system checks: what of the settings cannot work, told by ``manage.py check``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.checks import Error, Tags, Warning, register  # noqa: A004 -- Django's name
from django.urls import NoReverseMatch, reverse

from mailfailover.django.registry import mailer_of, outbox_of
from mailfailover.django.settings import BACKENDS, named_options
from mailfailover.errors import MailFailoverError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._mailer.mailer import Mailer

__all__ = ["check_deployment", "check_settings", "register_all"]

_DEVELOPMENT = ("memory", "console", "file", "preview", "null")


def register_all() -> None:
    """
    Let Django run the checks.
    """
    register(check_settings, Tags.compatibility)
    register(check_deployment, Tags.security, deploy=True)


def check_settings(**_: Any) -> list[Any]:
    """
    Find what cannot work.
    """
    return list(_found())


def _found() -> Iterator[Any]:
    try:
        mailers = named_options()
    except MailFailoverError as exc:
        yield Error(str(exc), id="mailfailover.E001")
        return
    if not mailers:
        yield Warning(
            "mailfailover.django is installed, but Django's mail does not go through it.",
            hint=f"Set EMAIL_BACKEND = {BACKENDS[0]!r}, or name it as BACKEND in MAILERS.",
            id="mailfailover.W001",
        )
    for alias, options in mailers.items():
        where = "MAILFAILOVER" if alias is None else f"MAILERS[{alias!r}]"
        try:
            outbox_of(options)
            mailer_of(options)
        except MailFailoverError as exc:
            yield Error(f"{where}: {exc}", id="mailfailover.E002")


def check_deployment(**_: Any) -> list[Any]:
    """
    Find what works, and should not be in production.
    """
    return list(_found_in_deployment())


def _found_in_deployment() -> Iterator[Any]:
    for options in _readable():
        mailer = mailer_of(options)
        keys = _development(mailer)
        if keys:
            yield Warning(
                f"mails can end at {', '.join(keys)}, which delivers nothing.",
                hint="Name only providers that send in the CHAIN of production.",
                id="mailfailover.W002",
            )
        if mailer.webhooks.keys and not _takes_webhooks(mailer.webhooks.keys[0]):
            yield Warning(
                "no URL takes webhooks, so bounces and complaints are never heard of.",
                hint='Add path("email/", include("mailfailover.django.urls")) to the URLs.',
                id="mailfailover.W003",
            )


def _readable() -> Iterator[dict[str, Any]]:
    try:
        for options in named_options().values():
            mailer_of(options)
            yield options
    except MailFailoverError:
        return  # told by the other check


def _development(mailer: Mailer) -> list[str]:
    links = mailer.chain.links
    return [one.key for one in links if getattr(one.provider, "name", "") in _DEVELOPMENT]


def _takes_webhooks(key: str) -> bool:
    try:
        reverse("mailfailover:webhook", args=[key])
    except NoReverseMatch:
        return False
    return True
