"""
Webhooks signed as the vendors sign them, written apart from the code that verifies them.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import md5, sha256
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from mailfailover.plugin import WebhookRequest
from tests.keys import ec_key, ed25519_key, rsa_key

GOLDEN = Path(__file__).parent / "data"
"""One folder for each vendor: payloads beside the events that they mean."""

SECRET = "secret-hook"
STANDARD_SECRET = "whsec_c2VjcmV0LWhvb2stb2YtcmVzZW5k"
ANOTHER_STANDARD_SECRET = "whsec_YW5vdGhlci1zZWNyZXQ="
AHASEND_SECRET = "aha-whsec-MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
UNISENDER_KEY = "secret-key"
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


def sign_with_basic_auth(payload: bytes, now: float) -> WebhookRequest:
    """
    Nothing is signed: user name and password come along, as the vendor was told them.
    """
    credentials = b64encode(f"secret-user:{SECRET}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    return WebhookRequest("POST", "/", headers, payload)


def sign_with_hmac(payload: bytes, header: str) -> WebhookRequest:
    """
    The HMAC of the body, in hexadecimal.
    """
    signature = hmac.digest(SECRET.encode(), payload, "sha256").hex()
    return WebhookRequest("POST", "/", {header: signature}, payload)


def sign_mailersend(payload: bytes, now: float) -> WebhookRequest:
    """
    In a header of its own.
    """
    return sign_with_hmac(payload, "Signature")


def sign_mailtrap(payload: bytes, now: float) -> WebhookRequest:
    """
    In a header of its own.
    """
    return sign_with_hmac(payload, "Mailtrap-Signature")


def sign_standard_webhook(payload: bytes, now: float, prefix: str = "webhook") -> WebhookRequest:
    """
    Id, time and body; a signature of a version to come stands beside ours.
    """
    number, timestamp = "msg_2b7c", f"{now:.0f}"
    signed = f"{number}.{timestamp}.".encode() + payload
    signature = b64encode(hmac.digest(b64decode(STANDARD_SECRET[6:]), signed, "sha256")).decode()
    headers = {
        f"{prefix}-id": number,
        f"{prefix}-timestamp": timestamp,
        f"{prefix}-signature": f"v2,zq v1,{signature}",
    }
    return WebhookRequest("POST", "/", headers, payload)


def sign_resend(payload: bytes, now: float) -> WebhookRequest:
    """
    Through Svix.
    """
    return sign_standard_webhook(payload, now, "svix")


def sign_ahasend(payload: bytes, now: float) -> WebhookRequest:
    """
    As the standard says, but the key is the secret as it stands.
    """
    number, timestamp = "evt_2b7c", f"{now:.0f}"
    signed = f"{number}.{timestamp}.".encode() + payload
    signature = b64encode(hmac.digest(AHASEND_SECRET.encode(), signed, "sha256")).decode()
    headers = {
        "webhook-id": number,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }
    return WebhookRequest("POST", "/", headers, payload)


def sign_mailpace(payload: bytes, now: float) -> WebhookRequest:
    """
    Ed25519 over the body.
    """
    signature = b64encode(ed25519_key().sign(payload)).decode()
    return WebhookRequest("POST", "/", {"X-MailPace-Signature": signature}, payload)


def sign_azure(payload: bytes, now: float) -> WebhookRequest:
    """
    Nothing is signed: the secret is part of the address.
    """
    headers = {"aeg-event-type": "Notification", "Content-Type": "application/json"}
    return WebhookRequest("POST", f"https://example.com/a?secret={SECRET}", headers, payload)


def sign_mailomat(payload: bytes, now: float) -> WebhookRequest:
    """
    Id, kind and time, which stand in headers; nothing of the body.
    """
    try:
        kind = str(json.loads(payload)["eventType"])
    except (TypeError, ValueError, LookupError, RecursionError):
        kind = "delivered"
    number, timestamp = "1d958822-0934", f"{now:.0f}"
    signed = f"{number}.{kind}.{timestamp}".encode()
    headers = {
        "X-MOM-Webhook-Id": number,
        "X-MOM-Webhook-Event": kind,
        "X-MOM-Webhook-Timestamp": timestamp,
        "X-MOM-Webhook-Signature": f"sha256={hmac.digest(SECRET.encode(), signed, 'sha256').hex()}",
    }
    return WebhookRequest("POST", "/", headers, payload)


def sign_sweego(payload: bytes, now: float) -> WebhookRequest:
    """
    As the standard says, with one signature that has no version.
    """
    request = sign_standard_webhook(payload, now)
    signature = request.header("webhook-signature").partition(" v1,")[2]
    return replace(request, headers={**request.headers, "webhook-signature": signature})


def sign_postal(payload: bytes, now: float) -> WebhookRequest:
    """
    RSA over the body, with the old hash and the new one.
    """
    old, new = (
        b64encode(rsa_key().sign(payload, padding.PKCS1v15(), hash_)).decode()
        for hash_ in (hashes.SHA1(), hashes.SHA256())  # noqa: S303 -- the vendor's own
    )
    headers = {"X-Postal-Signature": old, "X-Postal-Signature-256": new}
    return WebhookRequest("POST", "/", headers, payload)


def sign_unisender(payload: bytes, now: float) -> WebhookRequest:
    """
    The hash stands in the body, where the key stood when it was made.
    """
    try:
        text = json.dumps({**json.loads(payload), "auth": UNISENDER_KEY}, ensure_ascii=False)
        body = text.encode()
    except (TypeError, ValueError, RecursionError):
        body = payload
    auth = md5(body, usedforsecurity=False).hexdigest()
    body = body.replace(UNISENDER_KEY.encode(), auth.encode())
    return WebhookRequest("POST", "/", {"Content-Type": "application/json"}, body)


def sign_socketlabs(payload: bytes, now: float) -> WebhookRequest:
    """
    Nothing is signed: the secret stands in each event.
    """
    try:
        data = json.loads(payload)
        found = data if isinstance(data, list) else [data]
        events = [{**one, "SecretKey": SECRET} for one in found]
        body = json.dumps(events if isinstance(data, list) else events[0]).encode()
    except (TypeError, ValueError, RecursionError):
        body = payload
    return WebhookRequest("POST", "/", {"Content-Type": "application/json"}, body)


def sign_lettermint(payload: bytes, now: float) -> WebhookRequest:
    """
    The time and the body; a signature of a version to come stands beside ours.
    """
    timestamp = f"{now:.0f}"
    signature = hmac.digest(SECRET.encode(), f"{timestamp}.".encode() + payload, "sha256").hex()
    headers = {
        "X-Lettermint-Signature": f"t={timestamp},v1={signature},v2=zq",
        "X-Lettermint-Delivery": timestamp,
    }
    return WebhookRequest("POST", "/", headers, payload)


def sign_mailchannels(payload: bytes, now: float) -> WebhookRequest:
    """
    RFC 9421, over a digest of the body.
    """
    digest = f"sha-256=:{b64encode(sha256(payload).digest()).decode()}:"
    parameters = f'("content-digest");created={now:.0f};alg="ed25519";keyid="mckey-1"'
    signed = f'"content-digest": {digest}\n"@signature-params": {parameters}'
    signature = b64encode(ed25519_key().sign(signed.encode())).decode()
    headers = {
        "Content-Digest": digest,
        "Signature": f"sig_1=:{signature}:",
        "Signature-Input": f"sig_1={parameters}",
    }
    return WebhookRequest("POST", "/", headers, payload)


def sign_zeptomail(payload: bytes, now: float) -> WebhookRequest:
    """
    The event alone; the time beside it is not signed.
    """
    signature = quote(b64encode(hmac.digest(SECRET.encode(), payload, "sha256")), safe="")
    headers = {"Producer-Signature": f"ts={now * 1000:.0f};s={signature};s-algorithm=HmacSHA256"}
    return WebhookRequest("POST", "/", headers, payload)


def sign_elasticemail(payload: bytes, now: float) -> WebhookRequest:
    """
    Nothing is signed: the secret stands in the address, and so does the event.
    """
    try:
        fields = {name: str(value) for name, value in json.loads(payload).items()}
        query = urlencode(fields, errors="replace")
    except (AttributeError, ValueError, RecursionError):
        query = quote(payload)
    return WebhookRequest("GET", f"https://hooks.example.com/?secret={SECRET}&{query}")
