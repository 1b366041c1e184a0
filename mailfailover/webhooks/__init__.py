"""
Webhooks: verified events of mails that vendors accepted, in one vocabulary for all vendors.
"""

from mailfailover._mailer.replays import MemoryReplays, Replays
from mailfailover._mailer.webhook import receive
from mailfailover._values.wire import WebhookRequest

__all__ = ["MemoryReplays", "Replays", "WebhookRequest", "receive"]
