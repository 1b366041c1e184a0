"""
Webhooks written and signed as the vendors write and sign them.

The pages are those that the providers' own files name beside ``verify_webhook``; what is here
shares no code with them.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5, sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit, urlunsplit

from mailfailover._values.wire import HTTPRequest
from mailfailover.chaos._keys import PASSWORD, SECRET, STANDARD_SECRET, TOPIC, USERNAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailfailover.chaos._keys import Keys

__all__ = ["SIGNERS", "SNS_TOPICS", "Posting"]

_JSON = {"Content-Type": "application/json"}

SNS_TOPICS = {
    "ses": (TOPIC, "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abcd.pem"),
    "scaleway": (
        "arn:scw:sns:fr-par:project-00000000:chaos",
        "https://messaging.s3.fr-par.scw.cloud/fr-par/sns/sns-certificate-2026.pem",
    ),
}
"""The topic of a vendor that tells through SNS, and where its certificate lies."""


@dataclass(frozen=True, slots=True)
class Posting:
    """
    An event on its way: its payload, where it goes, its own id, and when.
    """

    payload: Any
    url: str
    event_id: str
    now: float
    keys: Keys

    @property
    def body(self) -> bytes:
        """
        The payload as JSON.
        """
        return json.dumps(self.payload).encode()

    def request(self, headers: Mapping[str, str], body: bytes | None = None) -> HTTPRequest:
        """
        The call that posts it.
        """
        return HTTPRequest(
            "POST", self.url, {**_JSON, **headers}, self.body if body is None else body
        )


def _hex(signed: bytes, digest: str = "sha256") -> str:
    return hmac.digest(SECRET.encode(), signed, digest).hex()


def _base64(signed: bytes, key: bytes = SECRET.encode(), digest: str = "sha256") -> str:
    return b64encode(hmac.digest(key, signed, digest)).decode()


def _with_basic_auth(posting: Posting) -> HTTPRequest:
    credentials = b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    return posting.request({"Authorization": f"Basic {credentials}"})


def _with_secret_in_url(posting: Posting) -> HTTPRequest:
    return HTTPRequest("POST", _with_query(posting.url, {"secret": SECRET}), _JSON, posting.body)


def _with_query(url: str, fields: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(fields))))
    return urlunsplit(parts._replace(query=query))


def _standard(posting: Posting, prefix: str, key: bytes, version: str = "v1,") -> HTTPRequest:
    timestamp = f"{posting.now:.0f}"
    signature = _base64(f"{posting.event_id}.{timestamp}.".encode() + posting.body, key)
    headers = {"id": posting.event_id, "timestamp": timestamp, "signature": version + signature}
    return posting.request({f"{prefix}-{name}": value for name, value in headers.items()})


_STANDARD_KEY = b64decode(STANDARD_SECRET.removeprefix("whsec_"))


def _elasticemail(posting: Posting) -> HTTPRequest:
    fields = {name: str(value) for name, value in posting.payload.items()}
    return HTTPRequest("GET", _with_query(posting.url, {"secret": SECRET, **fields}))


def _lettermint(posting: Posting) -> HTTPRequest:
    timestamp = f"{posting.now:.0f}"
    signature = _hex(f"{timestamp}.".encode() + posting.body)
    return posting.request(
        {
            "X-Lettermint-Signature": f"t={timestamp},v1={signature}",
            "X-Lettermint-Delivery": timestamp,
        }
    )


def _mailchannels(posting: Posting) -> HTTPRequest:
    payload = [{**one, "customer_handle": USERNAME} for one in posting.payload]
    body = json.dumps(payload).encode()
    digest = f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"
    parameters = f'("content-digest");created={posting.now:.0f};alg="ed25519";keyid="mckey"'
    signed = f'"content-digest": {digest}\n"@signature-params": {parameters}'
    signature = b64encode(posting.keys.ed25519.sign(signed.encode())).decode()
    headers = {
        "Content-Digest": digest,
        "Signature": f"sig_1=:{signature}:",
        "Signature-Input": f"sig_1={parameters}",
    }
    return posting.request(headers, body)


def _mailgun(posting: Posting) -> HTTPRequest:
    timestamp, token = f"{posting.now:.0f}", sha256(posting.event_id.encode()).hexdigest()[:50]
    block = {
        "timestamp": timestamp,
        "token": token,
        "signature": _hex(f"{timestamp}{token}".encode()),
    }
    return posting.request({}, json.dumps({**posting.payload, "signature": block}).encode())


def _mailomat(posting: Posting) -> HTTPRequest:
    kind, timestamp = posting.payload["eventType"], f"{posting.now:.0f}"
    signature = _hex(f"{posting.event_id}.{kind}.{timestamp}".encode())
    return posting.request(
        {
            "X-MOM-Webhook-Id": posting.event_id,
            "X-MOM-Webhook-Event": kind,
            "X-MOM-Webhook-Timestamp": timestamp,
            "X-MOM-Webhook-Signature": f"sha256={signature}",
        }
    )


def _mailpace(posting: Posting) -> HTTPRequest:
    signature = b64encode(posting.keys.ed25519.sign(posting.body)).decode()
    return posting.request({"X-MailPace-Signature": signature})


def _mandrill(posting: Posting) -> HTTPRequest:
    signed = f"{posting.url}mandrill_events".encode() + posting.body
    headers = {
        "X-Mandrill-Signature": _base64(signed, digest="sha1"),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return posting.request(headers, b"mandrill_events=" + quote_plus(posting.body).encode())


def _postal(posting: Posting) -> HTTPRequest:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    signature = posting.keys.rsa.sign(posting.body, padding.PKCS1v15(), hashes.SHA256())
    return posting.request({"X-Postal-Signature-256": b64encode(signature).decode()})


def _sendgrid(posting: Posting) -> HTTPRequest:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    timestamp = f"{posting.now:.0f}"
    signed = timestamp.encode() + posting.body
    signature = b64encode(posting.keys.ec.sign(signed, ec.ECDSA(hashes.SHA256()))).decode()
    return posting.request(
        {
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
            "X-Twilio-Email-Event-Webhook-Signature": signature,
        }
    )


def _sns(posting: Posting, vendor: str) -> HTTPRequest:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    topic, certificate = SNS_TOPICS[vendor]
    body = {
        "Message": posting.body.decode(),
        "MessageId": posting.event_id,
        "Timestamp": f"{datetime.fromtimestamp(posting.now, UTC):%Y-%m-%dT%H:%M:%S}.000Z",
        "TopicArn": topic,
        "Type": "Notification",
    }
    signed = "".join(f"{name}\n{value}\n" for name, value in body.items()).encode()
    signature = posting.keys.rsa.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    whole = {
        **body,
        "SignatureVersion": "2",
        "Signature": b64encode(signature).decode(),
        "SigningCertURL": certificate,
    }
    headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-topic-arn": topic}
    return posting.request(headers, json.dumps(whole).encode())


def _socketlabs(posting: Posting) -> HTTPRequest:
    return posting.request({}, json.dumps({**posting.payload, "SecretKey": SECRET}).encode())


def _unisender(posting: Posting) -> HTTPRequest:
    # The hash replaces the key from which it was made.
    with_key = json.dumps({**posting.payload, "auth": SECRET}, ensure_ascii=False)
    auth = md5(with_key.encode(), usedforsecurity=False).hexdigest()
    return posting.request({}, with_key.replace(SECRET, auth).encode())


def _zeptomail(posting: Posting) -> HTTPRequest:
    signature = quote(_base64(posting.body), safe="")
    value = f"ts={posting.now * 1000:.0f};s={signature};s-algorithm=HmacSHA256"
    return posting.request({"Producer-Signature": value})


SIGNERS: Mapping[str, Callable[[Posting], HTTPRequest]] = {
    "ahasend": lambda one: _standard(one, "webhook", SECRET.encode()),
    "azure": _with_secret_in_url,
    "brevo": _with_basic_auth,
    "elasticemail": _elasticemail,
    "infobip": _with_basic_auth,
    "lettermint": _lettermint,
    "mailchannels": _mailchannels,
    "mailersend": lambda one: one.request({"Signature": _hex(one.body)}),
    "mailgun": _mailgun,
    "mailjet": _with_basic_auth,
    "mailomat": _mailomat,
    "mailpace": _mailpace,
    "mailtrap": lambda one: one.request({"Mailtrap-Signature": _hex(one.body)}),
    "mandrill": _mandrill,
    "postal": _postal,
    "postmark": _with_basic_auth,
    "resend": lambda one: _standard(one, "svix", _STANDARD_KEY),
    "scaleway": lambda one: _sns(one, "scaleway"),
    "sendgrid": _sendgrid,
    "ses": lambda one: _sns(one, "ses"),
    "smtp2go": _with_basic_auth,
    "socketlabs": _socketlabs,
    "sparkpost": _with_basic_auth,
    "sweego": lambda one: _standard(one, "webhook", _STANDARD_KEY, ""),
    "unisender": _unisender,
    "zeptomail": _zeptomail,
}
"""How each vendor that has webhooks writes the call that brings an event."""
