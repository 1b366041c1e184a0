"""
The signals of webhooks.

::

    from django.dispatch import receiver
    from mailfailover.django.signals import tracking

    @receiver(tracking)
    def on_event(event, **kwargs):
        if event.type == "bounced":
            ...
"""

from __future__ import annotations

from typing import Any

from django.dispatch import Signal

__all__ = ["tracking"]

tracking: Any = Signal()
"""
Sent with ``event``, a :class:`~mailfailover.DeliveryEvent`, for each event of a webhook.

``esp_name`` is its provider's chain key, for receivers that were written for anymail. What a
receiver raises lets the vendor bring the event again, so an event may come twice, with the same
``event_id``.
"""
