"""
The e-mail service: HTTP, a page and workers around a :class:`~mailfailover.Mailer`.

``mailfailover serve`` runs it; for another WSGI server there is :func:`wsgi`::

    gunicorn --config python:mailfailover.service.gunicorn "mailfailover.service:wsgi()"

It needs the extra ``service``: ``pip install "mailfailover[service]"``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["wsgi"]

PROXIES = "MAILFAILOVER_PROXIES"


def wsgi() -> Flask:
    """
    Make the application that the environment describes, without a worker.

    ``MAILFAILOVER_PROXIES`` is the number of proxies in front of it that are to be believed.

    .. versionadded:: 0.1.0
    """
    from mailfailover.service.wiring import application, assemble

    return application(assemble(), proxies=int(os.environ.get(PROXIES) or 0))
