"""
The OpenAPI document of the service.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from mailfailover.outbox import State
from mailfailover.service.batch import MOST_MAILS
from mailfailover.service.examples import ANSWERS, EXAMPLES, example_problem
from mailfailover.service.problems import KINDS, MEDIA_TYPE
from mailfailover.service.schemas import MAIL_FIELDS, OTHER_FIELDS, SCHEMAS
from mailfailover.service.visit import API
from mailfailover.suppression import Reason, SuppressionState

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["openapi"]

openapi: Blueprint = Blueprint("openapi", __name__)
Node = dict[str, Any]
# In a form every field is text; what is no text there is JSON.
_FORM_LISTS = ("to", "cc", "bcc", "reply_to", "tags", "unsubscribe", "via", "droppable")
_FILES = ("attachments", "inline")
_RATE_HEADERS: Node = {
    f"X-RateLimit-{name}": {"description": told, "schema": {"type": "integer"}}
    for name, told in (
        ("Limit", "How many recipients the tightest limit of this key allows."),
        ("Remaining", "How many of them are left."),
        ("Reset", "Seconds until the limit begins anew."),
    )
}
_SEARCHED = (
    ("recipient", "A part of a recipient's address."),
    ("subject", "A part of the subject."),
    ("sender", "A part of the From."),
    ("provider", "The chain key of a provider that was called."),
)
_BETWEEN = (
    ("since", "Not added before this time, or day."),
    ("until", "Added before this time, or until the end of this day."),
)
_TIMES: list[dict[str, Any]] = [
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "date"},
    {"type": "string", "maxLength": 0},
]


@openapi.get("/openapi.json")
def document() -> Response:
    """
    Send the document.
    """
    return jsonify(_document() | {"servers": [{"url": request.script_root or "/"}]})


@cache
def _document() -> Node:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mailfailover",
            "version": version("mailfailover"),
            "description": "Sends e-mail through whichever provider is up.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "security": [{"bearer": []}, {"basic": []}],
        "paths": {
            f"{API}/send": {"post": _send()},
            f"{API}/send/batch": {"post": _batch()},
            f"{API}/messages": {"get": _index()},
            f"{API}/messages/{{mail_id}}": {"get": _show(), "delete": _cancel()},
            f"{API}/events": {"get": _events()},
            **_admin_paths(),
            **_suppression_paths(),
            "/healthz": {"get": _health("alive", "Whether the service is alive", 200)},
            "/readyz": {"get": _health("ready", "Whether it can do its work", 200, 503)},
        },
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The password is the API key; the name is of no meaning.",
                },
            },
        },
    }


def _send() -> Node:
    return {
        "operationId": "send",
        "summary": "Post a mail",
        "description": "202 means that it is on the disk and will be sent.",
        "parameters": [
            _header("Idempotency-Key", "A name for this mail, for repetitions.", maxLength=200),
            _header("Prefer", "wait=5 waits so many seconds for the mail to be sent.", minLength=0),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _ref("Message"), "examples": EXAMPLES},
                "application/x-www-form-urlencoded": {"schema": _form(files=False)},
                "multipart/form-data": {"schema": _form(files=True)},
            },
        },
        "responses": {
            "200": _answer("It was sent within the time to wait.", "Mail"),
            "202": _answer("It is stored, or may have been sent.", "Queued", "Mail")
            | {"headers": _RATE_HEADERS},
            **_problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
        },
    }


def _batch() -> Node:
    return {
        "operationId": "sendBatch",
        "summary": "Post many mails, each taken or refused alone",
        "description": f"At most {MOST_MAILS} mails; the results are in their order.",
        "parameters": [
            _header("Idempotency-Key", "A name for this batch, for repetitions.", maxLength=190)
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _ref("Batch"),
                    "example": {"messages": [EXAMPLES["plain"]["value"]]},
                }
            },
        },
        "responses": {
            "200": _answer("What became of each.", "BatchResults"),
            **_problems(400, 401, 403, 413, 415),
        },
    }


def _index() -> Node:
    return {
        "operationId": "listMessages",
        "summary": "List the mails of this API key, newest first",
        "parameters": [
            _query("state", {"type": "string", "enum": ["", *map(str, State)]}),
            *(_query(name, {"type": "string", "description": told}) for name, told in _SEARCHED),
            *(_query(name, {"anyOf": _TIMES, "description": told}) for name, told in _BETWEEN),
            _query("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
            _query("before", {"type": "string", "description": "Begin after this mail."}),
        ],
        "responses": {"200": _answer("A page of them.", "Mails"), **_problems(400, 401, 403)},
    }


def _admin_paths() -> Node:
    return {
        f"{API}/keys": {
            "get": _managed("listKeys", "List the API keys", _answer("All of them.", "Keys")),
            "post": _managed("addKey", "Create an API key", body="NewKey")
            | {"responses": _created("The key itself is in no other answer.", "AddedKey")},
        },
        f"{API}/keys/{{key_id}}": {
            "parameters": [_in_path("key_id")],
            "get": _managed("getKey", "Show an API key", _answer("Its rules.", "Key"), 404),
            "delete": _managed("revokeKey", "Revoke an API key", _answer("Gone.", "Key"), 404),
        },
        f"{API}/webhooks": {
            "get": _managed("listWebhooks", "List who is told of events", _answer("All.", "Hooks")),
            "post": _managed("addWebhook", "Let a URL be told of events", body="NewHook")
            | {"responses": _created("It is told from now on.", "Hook")},
        },
        f"{API}/webhooks/{{hook_id}}": {
            "parameters": [_in_path("hook_id")],
            "delete": {
                "operationId": "removeWebhook",
                "summary": "Tell a URL no more",
                "responses": {
                    "204": {"description": "It is told nothing more."},
                    **_problems(401, 403, 404),
                },
            },
        },
    }


def _suppression_paths() -> Node:
    kinds = (("reason", Reason), ("state", SuppressionState))
    return {
        f"{API}/suppressions": {
            "get": _managed("listSuppressions", "List who gets no mail", _suppressions(), 400)
            | {
                "parameters": [
                    _query("email", {"type": "string", "description": "This address alone."}),
                    *(
                        _query(name, {"type": "string", "enum": ["", *map(str, kind)]})
                        for name, kind in kinds
                    ),
                    _query("limit", {"type": "integer", "minimum": 1, "maximum": 1000}),
                ]
            },
        },
        f"{API}/suppressions/undo": {
            "post": _managed(
                "undoSuppressions",
                "Take the bounces of a wrong day back",
                _answer("The entries as they were before.", "Lifted"),
                400,
                body="WrongDay",
            ),
        },
        f"{API}/deliveries": {
            "get": _managed(
                "getDeliveries",
                "See which provider reaches which receiver",
                _answer("How deliveries stand.", "Deliveries"),
                404,
            ),
        },
    }


def _suppressions() -> Node:
    return _answer("The latest entries, newest first.", "Suppressions")


def _managed(
    name: str, summary: str, answer: Node | None = None, *statuses: int, body: str = ""
) -> Node:
    """
    Return an operation that needs the grant admin.
    """
    found: Node = {
        "operationId": name,
        "summary": summary,
        "description": "Needs the grant admin.",
        "responses": {"200": answer, **_problems(401, 403, *statuses)},
    }
    if body:
        content = {"schema": _ref(body), "example": ANSWERS[body]}
        found["requestBody"] = {"required": True, "content": {"application/json": content}}
    return found


def _created(description: str, name: str) -> Node:
    return {"201": _answer(description, name), **_problems(400, 401, 403)}


def _in_path(name: str) -> Node:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
    }


def _show() -> Node:
    return {
        "operationId": "getMessage",
        "summary": "Look what became of a mail",
        "parameters": [_MAIL_ID],
        "responses": {"200": _answer("The mail.", "Mail"), **_problems(401, 403, 404)},
    }


def _cancel() -> Node:
    return {
        "operationId": "cancelMessage",
        "summary": "Give up a mail that waits",
        "parameters": [_MAIL_ID],
        "responses": {
            "200": _answer("It will not be sent.", "Mail"),
            **_problems(401, 403, 404, 409),
        },
    }


def _events() -> Node:
    return {
        "operationId": "followEvents",
        "summary": "Follow what becomes of mails, as server-sent events",
        "parameters": [_query("mail", {"type": "string", "description": "This mail alone."})],
        "responses": {
            "200": {
                "description": "A stream of events called mail, each with a mail as JSON.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            **_problems(401, 403, 404),
        },
    }


def _health(name: str, summary: str, *statuses: int) -> Node:
    return {
        "operationId": name,
        "summary": summary,
        "security": [],
        "responses": {str(status): _answer("How it is.", "Health") for status in statuses},
    }


def _form(*, files: bool) -> Node:
    text: Node = {"type": "string"}
    fields = {
        name: {"type": "array", "items": text} if name in _FORM_LISTS else text
        for name in (*MAIL_FIELDS, *OTHER_FIELDS)
        if name != "attachments"
    }
    if files:
        file = {"type": "string", "contentMediaType": "application/octet-stream"}
        fields |= {name: {"type": "array", "items": file} for name in _FILES}
    return {"type": "object", "properties": fields, "additionalProperties": False}


def _ref(name: str) -> Node:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(description: str, *names: str) -> Node:
    schemas = [_ref(name) for name in names]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    content = {"schema": schema}
    if names[0] in ANSWERS:
        content["example"] = ANSWERS[names[0]]
    return {"description": description, "content": {"application/json": content}}


def _problems(*statuses: int) -> Node:
    return {str(status): _problem(status) for status in statuses}


def _problem(status: int) -> Node:
    titles: Iterable[str] = (kind.title for kind in KINDS.values() if kind.status == status)
    return {
        "description": "; ".join(f"{title}." for title in titles),
        "content": {MEDIA_TYPE: {"schema": _ref("Problem"), "example": example_problem(status)}},
    }


def _header(name: str, description: str, **schema: Any) -> Node:
    return {
        "name": name,
        "in": "header",
        "description": description,
        "schema": {"type": "string", "minLength": 1, **schema},
    }


def _query(name: str, schema: Node) -> Node:
    return {"name": name, "in": "query", "schema": schema}


_MAIL_ID: Node = {
    "name": "mail_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1},
}
