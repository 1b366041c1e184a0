"""
The admin's page of mails: what waits, what was sent, and what became of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.utils.html import format_html_join

from mailfailover.django.models import Mail
from mailfailover.django.registry import outbox_of
from mailfailover.django.settings import named_options, options_of

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from mailfailover.outbox import Outbox

__all__ = ["MailAdmin"]

_FIELDS = [
    *("id", "state", "reason", "sender", "recipients", "attempts", "created", "due", "tries"),
    *("finished", "provider", "provider_message_id", "possible_duplicate"),
]


@admin.register(Mail)
class MailAdmin(admin.ModelAdmin):
    """
    Shows mails without their texts, sends them again, and gives them up.

    .. versionadded:: 0.1.0
    """

    list_display: tuple[str, ...] = (
        "id",
        "state",
        "sender",
        "provider",
        "tries",
        "created",
        "due",
        "finished",
    )
    list_filter: tuple[str, ...] = ("state", "provider", "possible_duplicate")
    search_fields: tuple[str, ...] = ("=id", "=sender", "=provider_message_id")
    actions: tuple[str, ...] = ("send_now", "give_up")
    fields = _FIELDS
    readonly_fields = _FIELDS
    show_full_result_count = False
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mail]:
        """
        Look where the outbox is.
        """
        return super().get_queryset(request).using(_alias())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """
        Nobody adds a mail here.
        """
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """
        Nobody deletes one: the outbox forgets them in its time.
        """
        return False

    @admin.display(description="recipients")
    def recipients(self, mail: Mail) -> str:
        """
        The state of each recipient.
        """
        found = _outbox().get(mail.id)
        rows = [(one.email, one.status) for one in found.recipients] if found else []
        return format_html_join("", "<div>{}: {}</div>", rows)

    @admin.display(description="attempts")
    def attempts(self, mail: Mail) -> str:
        """
        Every call to a provider.
        """
        found = _outbox().get(mail.id)
        rows = [
            (f"{one.started:%Y-%m-%d %H:%M:%S}", one.provider, one.outcome, one.error)
            for one in (found.attempts if found else ())
        ]
        return format_html_join("", "<div>{} UTC, {}: {} {}</div>", rows)

    @admin.action(description="Send now", permissions=["change"])
    def send_now(self, request: HttpRequest, mails: QuerySet[Mail]) -> None:
        """
        Let mails be sent now that wait, are unknown or dead.
        """
        self._tell(request, "to be sent now", [_outbox().retry(mail.id) for mail in mails])

    @admin.action(description="Give up", permissions=["change"])
    def give_up(self, request: HttpRequest, mails: QuerySet[Mail]) -> None:
        """
        Hold back mails that are not sent yet.
        """
        self._tell(request, "given up", [_outbox().cancel(mail.id) for mail in mails])

    def _tell(self, request: HttpRequest, what: str, done: list[bool]) -> None:
        level = messages.SUCCESS if all(done) else messages.WARNING
        self.message_user(request, f"{sum(done)} of {len(done)} mails are {what}.", level)


def _options() -> dict[str, Any]:
    """
    The options of the first mailer with an outbox; without one the tables are the default's.
    """
    found = [*named_options().values(), options_of({})]
    return next((one for one in found if one.get("outbox")), {"outbox": True})


def _outbox() -> Outbox:
    found = outbox_of(_options())
    assert found is not None  # noqa: S101 -- the options have one
    return found


def _alias() -> str:
    where = _options()["outbox"]
    return "default" if where is True else str(where)
