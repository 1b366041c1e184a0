"""
What vendors tell later of the mails they took: verified, and in one vocabulary for all.
"""

from mailfailover._replays import MemoryReplays, Replays
from mailfailover._webhook import receive
from mailfailover._wire import WebhookRequest

__all__ = ["MemoryReplays", "Replays", "WebhookRequest", "receive"]
