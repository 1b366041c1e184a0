"""
What vendors tell later of the mails they took: verified, and in one vocabulary for all.
"""

from mailfailover._mailer.replays import MemoryReplays, Replays
from mailfailover._mailer.webhook import receive
from mailfailover._values.wire import WebhookRequest

__all__ = ["MemoryReplays", "Replays", "WebhookRequest", "receive"]
