"""
Examples of the OpenAPI document: requests and answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover.service.problems import KINDS
from mailfailover.service.visit import API

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ANSWERS", "EXAMPLES", "example_problem"]

_ID = "01M86BMDYBZ5T3V0ZJX7Q4W2NC"
_URL = f"https://mail.example.com{API}/messages/{_ID}"
_PLAIN = {
    "to": "Ann <ann@example.com>",
    "from_email": "Shop <shop@example.com>",
    "subject": "Your order 4711",
    "text": "Hello Ann, it is on its way.",
}

EXAMPLES: dict[str, Any] = {
    "plain": {"summary": "A mail", "value": _PLAIN},
    "file": {
        "summary": "With a file and tags",
        "value": _PLAIN
        | {
            "html": "<p>Hello Ann, it is on its way.</p>",
            "attachments": [{"filename": "invoice.txt", "content": "MTAwIEV1cm8="}],
            "tags": ["order"],
            "metadata": {"order": 4711},
        },
    },
    "merge": {
        "summary": "To many, each with words of their own",
        "value": {
            "to": ["ann@example.com", "bob@example.com"],
            "from_email": "news@example.com",
            "subject": "Hello {{name}}",
            "text": "Hello {{name}}, here is our news.",
            "merge_data": {"ann@example.com": {"name": "Ann"}, "bob@example.com": {"name": "Bob"}},
            "unsubscribe": "link",
            "stream": "news",
        },
    },
}
"""Mails that can be posted."""

_MAIL = {
    "id": _ID,
    "subject": "Your order 4711",
    "from_email": "Shop <shop@example.com>",
    "state": "sent",
    "created": "2027-01-31T09:00:00+00:00",
    "due": None,
    "expires": "2027-02-05T09:00:00+00:00",
    "sender": "shop@example.com",
    "stream": "transactional",
    "tries": 1,
    "recipients": [
        {
            "email": "ann@example.com",
            "status": "accepted",
            "provider_message_id": "<1@mg>",
            "delivery": "delivered",
        }
    ],
    "attempts": [
        {
            "provider": "mailgun",
            "started": "2027-01-31T09:00:00.100000+00:00",
            "duration": 0.21,
            "stage": "response",
            "outcome": "accepted",
            "error": "",
            "status_code": 200,
            "provider_message_id": "<1@mg>",
        }
    ],
    "provider": "mailgun",
    "provider_message_id": "<1@mg>",
    "reason": "",
    "possible_duplicate": False,
    "finished": "2027-01-31T09:00:00.310000+00:00",
    "idempotency_key": "order-4711",
    "held_back": [],
    "status_url": _URL,
}
_EVENT = {
    "type": "delivered",
    "provider": "mailgun",
    "recipient": "ann@example.com",
    "timestamp": "2027-01-31T09:00:02+00:00",
    "reject_reason": None,
    "description": "",
    "mta_response": "250 OK",
}
_NEW_KEY = {
    "name": "shop",
    "senders": ["shop@example.com"],
    "recipients": [],
    "rate": "10/s",
    "quota": "50000/d",
    "max_recipients": 1000,
    "callbacks": [],
    "grants": ["headers"],
}
_KEY = {
    "id": "0c6f19b2a4d3",
    **_NEW_KEY,
    "created": "2027-01-31T09:00:00+00:00",
    "revoked": None,
}
_NEW_HOOK = {"url": "https://shop.example.com/mail-events", "types": ["bounced", "complained"]}
_HOOK = {"id": "77d0be51c2aa", **_NEW_HOOK, "created": "2027-01-31T09:00:00+00:00"}
_QUEUED = {"id": _ID, "state": "queued", "status_url": _URL}

_SUPPRESSION = {
    "email": "ann@gmail.com",
    "reason": "bounced",
    "state": "held",
    "stream": "",
    "from_domain": "example.com",
    "source": "mailgun",
    "detail": "550 5.1.1 The email account that you tried to reach does not exist.",
    "created": "2027-01-31T09:00:00+00:00",
    "expires": "2027-02-07T09:00:00+00:00",
}
_QUARANTINE = {
    "receiver": "gmail",
    "since": "2027-01-31T08:00:00+00:00",
    "seen": "2027-01-31T10:00:00+00:00",
    "until": "2027-02-01T10:00:00+00:00",
    "addresses": 94,
}
_CELL = {
    "provider": "mailgun",
    "receiver": "gmail",
    "state": "late",
    "since": "2027-01-31T09:00:00+00:00",
    "detail": "12 of 60 recipients were told to be delivered within 5 min; usual are 96%",
    "delivered": 12,
    "late": 3,
    "blocked": 0,
    "unheard": 45,
}

ANSWERS: Mapping[str, Any] = {
    "AddedKey": _KEY | {"key": f"mfk_{_KEY['id']}_{'x' * 43}"},
    "BatchResults": {"results": [{"status": 202, **_QUEUED}]},
    "Deliveries": {
        "cells": [_CELL],
        "silent_webhooks": [
            {
                "provider": "mandrill",
                "detail": "4 webhooks had a wrong signature, and none a right one",
            }
        ],
    },
    "Lifted": {"dry_run": True, "lifted": [_SUPPRESSION]},
    "Suppressions": {"suppressions": [_SUPPRESSION], "quarantines": [_QUARANTINE]},
    "WrongDay": {
        "domain": "gmail",
        "since": "2020-12-14",
        "until": "2020-12-16",
        "response": "5.1.1",
        "dry_run": True,
    },
    "Health": {"status": "ok", "database": "ok", "providers": "ok"},
    "Hook": _HOOK,
    "Hooks": {"webhooks": [_HOOK]},
    "Key": _KEY,
    "Keys": {"keys": [_KEY]},
    "Mail": _MAIL | {"events": [_EVENT]},
    "Mails": {"messages": [_MAIL], "next": None},
    "NewHook": _NEW_HOOK,
    "NewKey": _NEW_KEY,
    "Queued": _QUEUED,
}
"""By the name of a schema, something that fits it."""


def example_problem(status: int) -> Mapping[str, Any]:
    """
    Return a problem of this status.
    """
    name = next(name for name, kind in KINDS.items() if kind.status == status)
    return {
        "type": f"urn:mailfailover:problem:{name}",
        "title": KINDS[name].title,
        "status": status,
        "detail": "What happened this time, and what to do.",
        "instance": f"urn:mailfailover:request:{_ID}",
    }
