"""
State that processes share through Redis. It needs the extra ``redis``.

::

    from mailfailover import Mailer

    mailer = Mailer(chain, health="redis://localhost:6379/0")
"""

from __future__ import annotations

from mailfailover._setup.extras import extra

with extra("redis"):
    from mailfailover.redis._health import RedisHealth
    from mailfailover.redis._replays import RedisReplays

__all__ = ["RedisHealth", "RedisReplays"]
