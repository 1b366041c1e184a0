"""
The few lines that ``mailfailover init --framework`` writes for each framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FRAMEWORKS", "Lines"]


class Lines(NamedTuple):
    """
    A file for a framework.

    Attributes:
        filename: Where it is written, unless told otherwise.

        text: Its content.

        next: The steps that are left to do.
    """

    filename: str
    text: str
    next: str


_DJANGO = '''\
"""
The mail of this project. At the end of settings.py: `from mail_settings import *`, and add
"mailfailover.django" to INSTALLED_APPS. The variable MAILFAILOVER_DSN names the providers.
"""

import django

_BACKEND = "mailfailover.django.EmailBackend"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": _BACKEND}}
else:
    EMAIL_BACKEND = _BACKEND
MAILFAILOVER = {
    "TIMEOUT": 20,
    # Mails wait in the default database, in the transaction that is open, for
    # `manage.py mailfailover_worker`.
    # "OUTBOX": True,
}
'''
_FLASK = '''\
"""
The mail of this application: `from mail import mail`, `mail.init_app(app)`, `mail.send(...)`.
The variable MAILFAILOVER_DSN names the providers.
"""

from mailfailover.flask import MailFailover

mail = MailFailover(from_email="My App <app@example.com>", timeout=20)


@mail.on_event
def on_event(event):
    print(f"mail {event.mail_id}: {event.type}")
'''
_ASGI = '''\
"""
The mail of this application: `from mail import {name}, mail_lifespan, mail_webhooks`, then
{how}
The variable MAILFAILOVER_DSN names the providers.
"""

from mailfailover.{framework} import {name}, lifespan, webhooks


def on_event(event):
    print(f"mail {{event.mail_id}}: {{event.type}}")


mail_lifespan = lifespan(
    from_email="My App <app@example.com>", timeout=20, on_event=[on_event]
)
mail_webhooks = webhooks()

__all__ = ["{name}", "mail_lifespan", "mail_webhooks"]
'''
_PROVIDERS = "set MAILFAILOVER_DSN, to console:// while you develop"

FRAMEWORKS: Mapping[str, Lines] = {
    "django": Lines(
        "mail_settings.py",
        _DJANGO,
        "At the end of settings.py, write `from mail_settings import *` and add "
        f'"mailfailover.django" to INSTALLED_APPS; then {_PROVIDERS}.',
    ),
    "flask": Lines(
        "mail.py",
        _FLASK,
        f"Call `mail.init_app(app)` where you make your application; then {_PROVIDERS}.",
    ),
    "fastapi": Lines(
        "mail.py",
        _ASGI.format(
            framework="fastapi",
            name="MailerDependency",
            how='`FastAPI(lifespan=mail_lifespan)`, `app.mount("/email", mail_webhooks)`.',
        ),
        f"Make your application with `FastAPI(lifespan=mail_lifespan)`; then {_PROVIDERS}.",
    ),
    "starlette": Lines(
        "mail.py",
        _ASGI.format(
            framework="starlette",
            name="get_mailer",
            how='`Starlette(lifespan=mail_lifespan, routes=[Mount("/email", mail_webhooks)])`.',
        ),
        f"Make your application with `Starlette(lifespan=mail_lifespan)`; then {_PROVIDERS}.",
    ),
}
