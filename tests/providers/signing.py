"""
Webhooks signed as the vendors sign them, written apart from the code that verifies them.
"""

from __future__ import annotations

import hmac
import json
from pathlib import Path

from mailfailover.plugin import WebhookRequest

GOLDEN = Path(__file__).parent / "data"
"""One folder for each vendor: payloads beside the events that they mean."""

SECRET = "secret-hook"


def sign_mailgun(payload: bytes, now: float) -> WebhookRequest:
    """
    The signature stands in the payload, and covers nothing of it.
    """
    timestamp, token = f"{now:.0f}", "5b0c4e1f7a9d2836b1e0c4f7a9d2836b1e0c4f7a9d2836b1e0"
    signature = hmac.digest(SECRET.encode(), f"{timestamp}{token}".encode(), "sha256").hex()
    block = {"timestamp": timestamp, "token": token, "signature": signature}
    try:
        data = json.loads(payload)
        body = json.dumps({**data, "signature": block}).encode()
    except (TypeError, ValueError, RecursionError):
        body = payload
    return WebhookRequest("POST", "/", {"Content-Type": "application/json"}, body)
