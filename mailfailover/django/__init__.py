"""
Mail of a Django project, through whichever provider is up.

::

    INSTALLED_APPS = [..., "mailfailover.django"]
    EMAIL_BACKEND = "mailfailover.django.EmailBackend"
    MAILFAILOVER = {"CHAIN": "failover(mailgun://KEY:DOMAIN@default smtp://relay.example.com)"}

``send_mail``, password resets and ``mail_admins`` then fail over. How the rooms hang together:
``backend`` reads Django's message (``email_message``, ``extra_attributes``), sends it through
the mailer of its settings (``registry``) or adds it to the outbox in Django's own transaction
(``joined_engine``), and writes what became of it onto the message (``anymail_status``).
``urls`` takes webhooks and ``signals`` tells of them; ``checks``, ``admin`` and the command
``mailfailover_worker`` are for operators of the project. It needs the extra ``django``.
"""

from __future__ import annotations

from mailfailover._setup.extras import extra

with extra("django"):
    from mailfailover.django.backend import EmailBackend
    from mailfailover.django.registry import get_mailer, get_outbox
    from mailfailover.django.settings import MailFailoverSettings
    from mailfailover.django.worker import get_worker

__all__ = ["EmailBackend", "MailFailoverSettings", "get_mailer", "get_outbox", "get_worker"]
