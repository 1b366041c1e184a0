"""
The mails of the outbox, for the admin's lists. The library makes and writes the table.
"""

from __future__ import annotations

from django.db import models

__all__ = ["Mail"]

_STATES = [(name, name) for name in ("pending", "leased", "sending", "sent", "unknown", "dead")]


class Mail(models.Model):
    """
    One mail of the outbox, as it stands.

    .. versionadded:: 0.1.0
    """

    number = models.BigAutoField(primary_key=True)
    id = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=8, choices=_STATES)
    sender = models.CharField(max_length=320)
    created = models.DateTimeField()
    due = models.DateTimeField(null=True)
    tries = models.IntegerField()
    provider = models.CharField(max_length=255)
    provider_message_id = models.TextField("id at the provider")
    reason = models.TextField()
    possible_duplicate = models.BooleanField("possibly sent twice")
    finished = models.DateTimeField(null=True)

    class Meta:
        """
        The table is the outbox's.
        """

        managed = False
        db_table = "outbox_mails"
        default_permissions = ("view", "change")
        ordering = ("-number",)
        verbose_name = "mail"
        verbose_name_plural = "mails"

    def __str__(self) -> str:
        return str(self.id)
