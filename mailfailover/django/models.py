"""
The mails of the outbox, for the admin's lists. The library makes and writes the table.
"""

from __future__ import annotations

from typing import Any

from django.db import models

__all__ = ["Mail"]

_STATES = [(name, name) for name in ("pending", "leased", "sending", "sent", "unknown", "dead")]


class Mail(models.Model):
    """
    A mail of the outbox and its state.

    .. versionadded:: 0.1.0
    """

    number: Any = models.BigAutoField(primary_key=True)
    id: Any = models.CharField(max_length=64, unique=True)
    state: Any = models.CharField(max_length=8, choices=_STATES)
    sender: Any = models.CharField(max_length=320)
    created: Any = models.DateTimeField()
    due: Any = models.DateTimeField(null=True)
    tries: Any = models.IntegerField()
    provider: Any = models.CharField(max_length=255)
    provider_message_id: Any = models.TextField("id at the provider")
    reason: Any = models.TextField()
    possible_duplicate: Any = models.BooleanField("possibly sent twice")
    finished: Any = models.DateTimeField(null=True)

    class Meta:
        """
        The table is the outbox's.
        """

        managed = False
        db_table = "outbox_mails"
        default_permissions: tuple[str, ...] = ("view", "change")
        ordering: tuple[str, ...] = ("-number",)
        verbose_name = "mail"
        verbose_name_plural = "mails"

    def __str__(self) -> str:
        return str(self.id)
