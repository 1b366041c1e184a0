"""
The requests and answers of the service as JSON Schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover._values.events import EventType
from mailfailover._values.features import MAY_BE_LEFT_OFF
from mailfailover.deliveries import CellState
from mailfailover.outbox import State
from mailfailover.service.problems import KINDS
from mailfailover.service.rules import GRANTS
from mailfailover.suppression import Reason, SuppressionState

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAIL_FIELDS", "OTHER_FIELDS", "SCHEMAS"]

Schema = dict[str, Any]


def _text(about: str = "", **more: Any) -> Schema:
    return {"type": "string", **({"description": about} if about else {}), **more}


def _list(items: Schema, about: str = "") -> Schema:
    return {"type": "array", "items": items, **({"description": about} if about else {})}


def _map(values: Schema, about: str = "") -> Schema:
    found: Schema = {"type": "object", "additionalProperties": values}
    return found | ({"description": about} if about else {})


def _object(properties: Mapping[str, Schema], **more: Any) -> Schema:
    """
    Return an object in which each of *properties* is always there.
    """
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
        **more,
    }


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_TIME = _text(format="date-time")
_LINE = _text("One line.")
_SWITCH: Schema = {"type": "boolean"}
_SCALAR: Schema = {"type": ["string", "number"]}
_PEOPLE: Schema = {
    "description": 'Mailboxes: "Ann <ann@example.com>, bob@example.com", or a list of them.',
    "anyOf": [_text(), _list(_text())],
}
_TEXTS: Schema = {"anyOf": [_text(), _list(_text())]}
_FILE = {
    "type": "object",
    "properties": {
        "filename": _text(minLength=1),
        "content": _text("The bytes in base64; nothing is ever fetched.", format="byte"),
        "content_type": _text("Guessed from the file's name if it is left out."),
        "content_id": _text("Set for an image that the HTML shows as cid:ID."),
    },
    "required": ["filename", "content"],
    "additionalProperties": False,
}

_ALTERNATIVE = {
    "type": "object",
    "properties": {
        "content_type": _text("Such as text/calendar; method=REQUEST.", minLength=1),
        "content": _text("The text of this form."),
        "preferred": {"type": "boolean", "description": "Whether it stands after the HTML."},
    },
    "required": ["content_type", "content"],
    "additionalProperties": False,
}

MAIL_FIELDS: dict[str, Schema] = {
    "to": _PEOPLE,
    "cc": _PEOPLE,
    "bcc": _PEOPLE,
    "reply_to": _PEOPLE,
    "from_email": _text("The sender; that of the service if it has one and this is left out."),
    "subject": _LINE,
    "text": _text(),
    "html": _text(),
    "alternatives": _list(_ALTERNATIVE),
    "mime": _text("A finished mail in base64, which goes as it is; needs the grant headers."),
    "headers": _map(_TEXTS, "Needs the grant headers."),
    "attachments": _list(_FILE),
    "tags": _TEXTS,
    "metadata": _map(_SCALAR),
    "track_opens": _SWITCH,
    "track_clicks": _SWITCH,
    "send_at": _text("When to send it, at once if left out.", format="date-time"),
    "expires": {
        "description": "It is not sent after that: a time, or seconds. Five days if left out.",
        "anyOf": [_text(format="date-time"), {"type": "number", "exclusiveMinimum": 0}],
    },
    "deliver_within": {
        "description": "Seconds. If it is not delivered by then and its provider reaches the "
        "receiver badly, it goes once more through another provider.",
        "type": "number",
        "exclusiveMinimum": 0,
    },
    "after": _text("The id of an earlier mail that did not arrive, and that this one repeats."),
    "template_id": {"anyOf": [_text(), _map(_text())]},
    "template_data": {"type": "object"},
    "merge_data": _map(_map(_SCALAR), "By recipient: what {{name}} stands for."),
    "merge_metadata": _map(_map(_SCALAR), "By recipient."),
    "merge_headers": _map(_map(_TEXTS), "By recipient; needs the grant headers."),
    "unsubscribe": _TEXTS | {"description": 'URLs, or "link" for a link of this service.'},
    "stream": _text("The kind of mail, transactional if left out."),
    "envelope_from": _text("Where bounces go; needs the grant envelope_from."),
    "provider_options": _map({"type": "object"}, "Needs the grant provider_options."),
    "via": _TEXTS,
    "droppable": _list(_text(enum=list(MAY_BE_LEFT_OFF.names))),
}
"""The fields of a posted mail. Each may be null, which is the same as leaving it out."""

OTHER_FIELDS: dict[str, Schema] = {
    "callback_url": _text("Where to tell what becomes of it; the API key must allow its host."),
}
"""The fields of a post beside the mail's."""

_RECIPIENT = _object(
    {
        "email": _text(),
        "status": _text("The answer of the provider: none of them means delivered."),
        "provider_message_id": _text(),
        "delivery": _text(
            "What the provider told since, such as delivered or bounced; empty before it did."
        ),
    }
)
_ATTEMPT = _object(
    {
        "provider": _text(),
        "started": _TIME,
        "duration": _or_null({"type": "number"}),
        "stage": _text(),
        "outcome": _text("accepted, unfinished, or the name of an error."),
        "error": _text(),
        "status_code": _or_null({"type": "integer"}),
        "provider_message_id": _text(),
    }
)
_EVENT = _object(
    {
        "type": _text(),
        "provider": _text(),
        "recipient": _text(),
        "timestamp": _or_null(_TIME),
        "reject_reason": _or_null(_text()),
        "description": _text(),
        "mta_response": _text(),
    }
)
_STATE = _text("How the mail stands.", enum=[str(state) for state in State])
_MAIL = {
    "id": _text(),
    "subject": _text("As it was posted; empty if the service does not keep it."),
    "from_email": _text(),
    "state": _STATE,
    "created": _TIME,
    "due": _or_null(_TIME),
    "expires": _or_null(_TIME),
    "sender": _text("The address of its From."),
    "stream": _text(),
    "tries": {"type": "integer"},
    "recipients": _list(_RECIPIENT),
    "attempts": _list(_ATTEMPT),
    "provider": _text("Who took it."),
    "provider_message_id": _text(),
    "reason": _text("Why it was not sent, or why its outcome is unknown."),
    "possible_duplicate": _SWITCH,
    "finished": _or_null(_TIME),
    "idempotency_key": _text(),
    "held_back": _list(_text(), "The receivers that are down, for which it waits."),
    "status_url": _text(format="uri"),
}
_FIELD_ERROR = _object({"field": _text(), "detail": _text()})

_RULES = {
    "name": _text("What its owner calls it.", minLength=1, maxLength=64),
    "senders": _list(_text(), "Addresses and domains that its mails may come from; any if empty."),
    "recipients": _list(_text(), "Addresses and domains that they may go to; any if empty."),
    "rate": _text("Recipients, such as 10/s."),
    "quota": _text("Recipients, such as 50000/d."),
    "max_recipients": {"type": "integer", "minimum": 1},
    "callbacks": _list(_text(), "Hosts that callback_url may name."),
    "grants": _list(_text(enum=list(GRANTS))),
}
_KEY = {"id": _text(), **_RULES, "created": _TIME, "revoked": _or_null(_TIME)}
_TYPES = _list(_text(enum=[str(one) for one in EventType]), "Kinds of events; all if empty.")
_HOOK = _object({"id": _text(), "url": _text(format="uri"), "types": _TYPES, "created": _TIME})
_RESULT = {
    "type": "object",
    "properties": {
        "status": {"type": "integer", "description": "As of a single post."},
        "id": _text(),
        "state": _text(const="queued"),
        "status_url": _text(format="uri"),
        "problem": {"$ref": "#/components/schemas/Problem"},
    },
    "required": ["status"],
    "additionalProperties": False,
}

_SUPPRESSION = _object(
    {
        "email": _text(),
        "reason": _text(enum=[str(one) for one in Reason]),
        "state": _text(
            "Held ones get mail again by themselves, quarantined ones get it now.",
            enum=[str(one) for one in SuppressionState],
        ),
        "stream": _text("Of this stream only; of every one if empty."),
        "from_domain": _text("Of this From domain only; of every one if empty."),
        "source": _text("Who told it."),
        "detail": _text(),
        "created": _TIME,
        "expires": _or_null(_TIME),
    }
)
_QUARANTINE = _object(
    {
        "receiver": _text("Such as gmail."),
        "since": _TIME,
        "seen": _TIME,
        "until": _TIME,
        "addresses": {"type": "integer"},
    }
)
_COUNT: Schema = {"type": "integer", "minimum": 0}
_CELL = _object(
    {
        "provider": _text("The chain key; * is all of them."),
        "receiver": _text("Such as gmail; * is all of them."),
        "state": _text(enum=[str(one) for one in CellState]),
        "since": _or_null(_TIME),
        "detail": _text(),
        **dict.fromkeys(("delivered", "late", "blocked", "unheard"), _COUNT),
    }
)
_SILENT = _object({"provider": _text("* is all of them."), "detail": _text()})
_WRONG_DAY = {
    "domain": _text("The domain of the addresses, or the name of their receiver."),
    "since": _text("Not before this time, or day."),
    "until": _text("Before this time, or until the end of this day."),
    "response": _text("A part of what the receiver answered."),
    "dry_run": _SWITCH | {"description": "Only tell what would be lifted."},
}

SCHEMAS: Mapping[str, Schema] = {
    "Batch": {
        "type": "object",
        "properties": {"messages": _list({"$ref": "#/components/schemas/Message"})},
        "required": ["messages"],
    },
    "BatchResults": _object({"results": _list(_RESULT)}),
    "Key": _object(_KEY),
    "AddedKey": _object(_KEY | {"key": _text("Keep it: it is shown once.")}),
    "Keys": _object({"keys": _list({"$ref": "#/components/schemas/Key"})}),
    "NewKey": _object(_RULES, required=["name"]),
    "Deliveries": _object(
        {"cells": _list(_CELL), "silent_webhooks": _list(_SILENT, "Whose events do not come.")}
    ),
    "Suppression": _SUPPRESSION,
    "Suppressions": _object(
        {
            "suppressions": _list({"$ref": "#/components/schemas/Suppression"}),
            "quarantines": _list(_QUARANTINE, "Receivers whose bounces suppress nobody."),
        }
    ),
    "WrongDay": _object(_WRONG_DAY, required=[]),
    "Lifted": _object(
        {"dry_run": _SWITCH, "lifted": _list({"$ref": "#/components/schemas/Suppression"})}
    ),
    "Hook": _HOOK,
    "Hooks": _object({"webhooks": _list({"$ref": "#/components/schemas/Hook"})}),
    "NewHook": _object({"url": _text(format="uri"), "types": _TYPES}, required=["url"]),
    "Message": {
        "type": "object",
        "properties": {
            name: _or_null(schema) for name, schema in (MAIL_FIELDS | OTHER_FIELDS).items()
        },
        "additionalProperties": False,
    },
    "Queued": _object(
        {"id": _text(), "state": _text(const="queued"), "status_url": _text(format="uri")}
    ),
    "ListedMail": _object(_MAIL),
    "Mail": _object(_MAIL | {"events": _list(_EVENT, "What vendors told of it since.")}),
    "Mails": _object(
        {
            "messages": _list({"$ref": "#/components/schemas/ListedMail"}),
            "next": _or_null(_text("Where the list goes on.", format="uri")),
        }
    ),
    "Health": {
        "type": "object",
        "properties": {"status": _text()},
        "required": ["status"],
        "additionalProperties": _text(),
    },
    "Problem": {
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "properties": {
            "type": _text(enum=[f"urn:mailfailover:problem:{name}" for name in KINDS]),
            "title": _text(),
            "status": {"type": "integer"},
            "detail": _text(),
            "instance": _text("Has the id of the request.", format="uri"),
            "errors": _list(_FIELD_ERROR, "The fields at fault, at most 20 of them."),
            "more_errors": {"type": "integer", "description": "How many more there are."},
            "mail": {"$ref": "#/components/schemas/Mail"},
            "state": _STATE,
        },
        "required": ["type", "title", "status", "detail", "instance"],
    },
}
