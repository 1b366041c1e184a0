"""
The app, as ``INSTALLED_APPS`` names it.
"""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["MailFailoverConfig"]


class MailFailoverConfig(AppConfig):
    """
    The app ``mailfailover``.
    """

    name = "mailfailover.django"
    label = "mailfailover"
    verbose_name = "Mail"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """
        Add the system checks.
        """
        from mailfailover.django import checks

        checks.register_all()
