"""
Administration through the API: keys and webhooks, for keys with the grant ``admin``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request, url_for

from mailfailover.errors import ConfigurationError
from mailfailover.service.hooks import Hooks
from mailfailover.service.parts import caller, service
from mailfailover.service.problems import FieldError, Problem
from mailfailover.service.reading import read_json
from mailfailover.service.rules import BEHIND_PROXY, Rules
from mailfailover.service.visit import API

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.service.keys import KeyInfo

__all__ = ["admin", "read_fields", "refuse_the_proxy"]

admin: Blueprint = Blueprint("admin", __name__, url_prefix=API)

_KEY_FIELDS: Mapping[str, type] = {
    "name": str,
    "senders": list,
    "recipients": list,
    "rate": str,
    "quota": str,
    "max_recipients": int,
    "callbacks": list,
    "grants": list,
}
_HOOK_FIELDS: Mapping[str, type] = {"url": str, "types": list}
_TYPES = {bool: "true or false", str: "a text", list: "a list of texts", int: "a whole number"}


@admin.before_request
def refuse_the_proxy() -> None:
    """
    A trusted proxy lets people send, but does not make them administrators.
    """
    if caller() is BEHIND_PROXY:
        raise Problem("forbidden", "Create a key on the machine itself: mailfailover keys add NAME")


@admin.get("/keys")
def list_keys() -> Response:
    """
    List every key, without its secret.
    """
    return jsonify(keys=[one.to_dict() for one in service().keys.list()])


@admin.post("/keys")
def add_key() -> Response:
    """
    Create a key; only this answer contains it.
    """
    fields = read_fields(_KEY_FIELDS, "name")
    name = fields.pop("name")
    rules: dict[str, Any] = {
        field: tuple(one) if isinstance(one, list) else one for field, one in fields.items()
    }
    try:
        key = service().keys.add(name, Rules(**rules))
    except ConfigurationError as exc:
        raise Problem("invalid-request", f"{exc}.") from None
    key_id = key.split("_")[1]
    answer = jsonify(_key(key_id).to_dict() | {"key": key})
    answer.headers["Location"] = url_for("admin.show_key", key_id=key_id)
    answer.status_code = 201
    return answer


@admin.get("/keys/<key_id>")
def show_key(key_id: str) -> Response:
    """
    Show a key, without its secret.
    """
    return jsonify(_key(key_id).to_dict())


@admin.delete("/keys/<key_id>")
def revoke_key(key_id: str) -> Response:
    """
    Make a key worthless, at once and for ever.
    """
    _key(key_id)
    service().keys.revoke(key_id)
    return jsonify(_key(key_id).to_dict())


@admin.get("/webhooks")
def list_hooks() -> Response:
    """
    List every URL that is told of events.
    """
    return jsonify(webhooks=[one.to_dict() for one in _hooks().list()])


@admin.post("/webhooks")
def add_hook() -> Response:
    """
    Let a URL be told of events.
    """
    fields = read_fields(_HOOK_FIELDS, "url")
    if service().callbacks is None:
        detail = "Set MAILFAILOVER_CALLBACK_SECRET first: it signs what a webhook is told."
        raise Problem("invalid-request", detail)
    try:
        found = _hooks().add(fields["url"], fields.get("types", ()))
    except ConfigurationError as exc:
        raise Problem("invalid-request", f"{exc}.") from None
    answer = jsonify(found.to_dict())
    answer.status_code = 201
    return answer


@admin.delete("/webhooks/<hook_id>")
def remove_hook(hook_id: str) -> Response:
    """
    Tell a URL no more.
    """
    if not _hooks().remove(hook_id):
        raise Problem("not-found", "There is no such webhook.")
    return Response(status=204)


def _hooks() -> Hooks:
    return Hooks(service().outbox.engine)


def _key(key_id: str) -> KeyInfo:
    found = next((one for one in service().keys.list() if one.id == key_id), None)
    if found is None:
        raise Problem("not-found", "There is no such key.")
    return found


def read_fields(known: Mapping[str, type], *required: str) -> dict[str, Any]:
    """
    Read an object of *known* fields, each of its type.
    """
    data = read_json(request)
    if not isinstance(data, dict):
        raise Problem("unreadable-request", "The body must be a JSON object.")
    errors = [FieldError(name, "is no field here") for name in data if name not in known]
    errors += [
        FieldError(name, f"must be {_TYPES[kind]}")
        for name, kind in known.items()
        if name in data and not _fits(data[name], kind)
    ]
    errors += [FieldError(name, "is missing") for name in required if name not in data]
    if errors:
        names = ", ".join(error.field for error in errors[:20])
        raise Problem("invalid-request", f"Correct these fields: {names}.", errors=errors)
    return data


def _fits(value: Any, kind: type) -> bool:
    if kind is list:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
