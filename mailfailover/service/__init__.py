"""
The e-mail service: HTTP, a page and workers around a :class:`~mailfailover.Mailer`.

``mailfailover serve`` runs it; for another WSGI server there is :func:`wsgi`::

    gunicorn --config python:mailfailover.service.gunicorn "mailfailover.service:wsgi()"

It needs the extra ``service``: ``pip install "mailfailover[service]"``.

How its rooms hang together, in the order of a request:

- ``wiring`` puts the :class:`~mailfailover.service.parts.Service` together, ``app`` makes the Flask
  application of it, and ``background`` sends and forgets beside it.
- ``sizes`` counts what a request brings. ``gate`` lets it in: by a key (``keys``, ``rules``,
  ``limits``), or, without one, by ``own_requests``, which asks ``proxy_headers`` and ``peer``.
- The views are ``api``, ``batch``, ``admin``, ``events`` and ``openapi`` for programs, ``page`` and
  ``mailbox`` for people, ``health`` and ``metrics_view`` for operators.
- To post: ``reading`` (with ``form``) makes a message of the body, ``accepting`` stores it in the
  outbox, ``waiting`` waits for its end.
- To look: ``search`` is the query, ``mails`` and ``headings`` what is shown, ``timeline``,
  ``activity`` and ``charts`` how it is drawn, ``labels`` the words.
- To tell others of events: ``callback_addresses`` knows whom, ``hooks`` are those who asked.
- Whatever goes wrong is a ``Problem`` (``problems``); ``tables`` has what is stored.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mailfailover._setup.extras import extra

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["wsgi"]

PROXIES = "MAILFAILOVER_PROXIES"
TRUST_PROXY = "MAILFAILOVER_TRUST_PROXY"
_YES = frozenset({"1", "on", "true", "yes"})


def wsgi() -> Flask:
    """
    Make the application that the environment describes, without a worker.

    ``MAILFAILOVER_PROXIES`` is the number of proxies in front of it whose headers are believed.
    With ``MAILFAILOVER_TRUST_PROXY=1`` the proxy decides who may send until you create an API key.

    .. versionadded:: 0.1.0
    """
    with extra("service"):
        from mailfailover.service.wiring import application, assemble

    return application(
        assemble(),
        proxies=int(os.environ.get(PROXIES) or 0),
        trust_proxy=os.environ.get(TRUST_PROXY, "").lower() in _YES,
    )
