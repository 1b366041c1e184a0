"""
Mail of a FastAPI application: a mailer as a dependency, and the webhooks of its providers.

::

    from fastapi import FastAPI
    from mailfailover.fastapi import MailerDependency, lifespan, webhooks

    app = FastAPI(lifespan=lifespan("failover(mailgun://KEY:DOMAIN@default smtp://relay)"))
    app.mount("/email", webhooks())

    @app.post("/orders")
    async def order(mailer: MailerDependency):
        await mailer.send(to=..., subject=..., text=...)

It needs the extra ``fastapi``.
"""

from __future__ import annotations

from typing import Annotated

from mailfailover._setup.extras import extra
from mailfailover.aio import AsyncMailer

with extra("fastapi"):
    from fastapi import Depends

    from mailfailover.starlette import get_mailer, lifespan, webhooks

__all__ = ["MailerDependency", "get_mailer", "lifespan", "webhooks"]

MailerDependency = Annotated[AsyncMailer, Depends(get_mailer)]
"""
The application's mailer, as the type of a parameter; the same as ``Depends(get_mailer)``.

.. versionadded:: 0.1.0
"""
