"""
Webhooks signed as the vendors sign them, written apart from the code that verifies them.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote_plus

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from mailfailover.plugin import WebhookRequest
from tests.keys import ec_key

GOLDEN = Path(__file__).parent / "data"
"""One folder for each vendor: payloads beside the events that they mean."""

SECRET = "secret-hook"
MANDRILL_URL = "https://hooks.example.com/mandrill?a=b"


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


def sign_mandrill(payload: bytes, now: float) -> WebhookRequest:
    """
    A form; the address is signed with it.
    """
    signed = f"{MANDRILL_URL}mandrill_events".encode() + payload
    signature = b64encode(hmac.digest(SECRET.encode(), signed, "sha1")).decode()
    headers = {
        "X-Mandrill-Signature": signature,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = b"mandrill_events=" + quote_plus(payload).encode()
    return WebhookRequest("POST", "http://elsewhere.example/", headers, body)


def sign_sendgrid(payload: bytes, now: float) -> WebhookRequest:
    """
    ECDSA over the time and the body.
    """
    timestamp = f"{now:.0f}"
    signature = ec_key().sign(timestamp.encode() + payload, ec.ECDSA(hashes.SHA256()))
    headers = {
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        "X-Twilio-Email-Event-Webhook-Signature": b64encode(signature).decode(),
    }
    return WebhookRequest("POST", "/", headers, payload)
