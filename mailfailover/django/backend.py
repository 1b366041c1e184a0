"""
:class:`EmailBackend`: what sends Django's mail.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.core.mail.backends.base import BaseEmailBackend

from mailfailover._message.message import Message
from mailfailover._values.face import published_in
from mailfailover.django.anymail_status import AnymailStatus, status_in_outbox, status_of
from mailfailover.django.email_message import message_fields
from mailfailover.django.settings import OPTIONS, options_of
from mailfailover.errors import MailFailoverError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.core.mail import EmailMessage

    from mailfailover._mailer.mailer import Mailer
    from mailfailover.outbox import Outbox

__all__ = ["EmailBackend"]


@published_in("mailfailover.django")
class EmailBackend(BaseEmailBackend):
    """
    Sends Django's mail through a chain of providers, or adds it to the outbox.

    For ``EMAIL_BACKEND``, where the setting ``MAILFAILOVER`` says how, and for the ``MAILERS``
    of Django 6, whose ``OPTIONS`` take precedence over it. Connections and what is known of the
    providers' health are kept between messages, however many backends are made.

    Args:
        fail_silently: Whether errors of sending are swallowed.

        options: See :class:`MailFailoverSettings`, in lower case; the rest is Django's.

    .. versionadded:: 0.1.0
    """

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:  # noqa: FBT001, FBT002 -- Django's own
        own = {name: options.pop(name) for name in OPTIONS if name in options}
        super().__init__(**options)
        self.fail_silently = fail_silently
        self.options: dict[str, Any] = options_of(own)

    @cached_property
    def mailer(self) -> Mailer:
        """
        The mailer and outbox behind a backend.
        """
        from mailfailover.django.registry import mailer_of

        return mailer_of(self.options)

    @cached_property
    def outbox(self) -> Outbox | None:
        """
        Where mails wait for a worker, None where they are sent at once.
        """
        from mailfailover.django.registry import outbox_of

        return outbox_of(self.options)

    def send_messages(self, email_messages: Iterable[EmailMessage]) -> int:
        """
        Send messages one after the other, and return how many were.

        With an outbox all of them are added by few statements, or none; with *fail_silently*,
        all that can be.

        Raises:
            MailFailoverError: As :meth:`mailfailover.Mailer.send`, unless *fail_silently*.
        """
        messages = list(email_messages or ())
        if self.outbox is not None:
            return self._add(self.outbox, messages)
        return sum(self._send(message) for message in messages)

    def _send(self, message: EmailMessage) -> bool:
        mail = self._prepared(message)
        if mail is None:
            return False
        try:
            message.anymail_status = status_of(self.mailer.send(mail))
        except MailFailoverError:
            if self.fail_silently:
                return False
            raise
        return True

    def _add(self, outbox: Outbox, messages: Iterable[EmailMessage]) -> int:
        found = [(message, mail) for message in messages if (mail := self._prepared(message))]
        ids = outbox.add_many(mail for _, mail in found)
        for (message, mail), mail_id in zip(found, ids, strict=True):
            emails = dict.fromkeys(address.email for address in mail.recipients)
            message.anymail_status = status_in_outbox(mail_id, emails)
        return len(found)

    def _prepared(self, message: EmailMessage) -> Message | None:
        """
        Return *message* as it is sent, None where it has no recipient or fails silently.
        """
        message.anymail_status = AnymailStatus()
        if not message.recipients():
            return None
        defaults = self.options.get("send_defaults", {})
        try:
            mail = Message(**message_fields(message, defaults, self.mailer.chain.keys[0]))
            return self.mailer.prepare(mail)
        except MailFailoverError:
            if self.fail_silently:
                return None
            raise
