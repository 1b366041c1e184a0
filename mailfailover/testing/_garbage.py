"""
Answers that no vendor documents and some give: proxies' pages, half documents, other shapes.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from mailfailover._values.wire import Response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["FOREIGN_BODIES", "altered_bodies", "spoiled", "truncated", "with_odd_entries"]

_HTML = b"<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>"

FOREIGN_BODIES: Mapping[str, bytes] = {
    "empty": b"",
    "blank": b" \r\n",
    "html": _HTML,
    "text": b"upstream connect error",
    "null": b"null",
    "true": b"true",
    "number": b"0",
    "huge number": b"9" * 5000,
    "not a number": b"NaN",
    "string": b'"id"',
    "empty object": b"{}",
    "empty list": b"[]",
    "list of lists": b"[[]]",
    "list of null": b"[null]",
    "list of numbers": b"[1, 2]",
    "list of nothing": b"[{}]",
    "nested": b'{"a": {"b": [{"c": null}]}}',
    "deeply nested": b"[" * 20_000,
    "object deeply nested": b'{"a":' * 20_000,
    "half a string": b'{"id": "<2026',
    "not UTF-8": b'\xff\xfe{"id": "\xe4"}',
    "gzip": gzip.compress(b'{"id": "1"}', mtime=0),
    "null bytes": b"\0" * 64,
}
"""
Bodies by name that mean nothing: neither success nor a vendor's error.
"""

_ODD_ENTRIES: tuple[Any, ...] = (None, 7, "zqotherqz", [])
_OTHERS: tuple[Any, ...] = (None, True, -1, 10**30, 1.5, "", "zqotherqz", [], {}, [None], {"a": {}})


def truncated(response: Response) -> Iterator[Response]:
    """
    Yield *response* with its body cut off early, in the middle and at the last byte.
    """
    body = response.body
    for end in sorted({1, len(body) // 2, len(body) - 1}):
        if 0 < end < len(body):
            yield Response(response.status_code, response.headers, body[:end])


def altered_bodies(response: Response) -> Iterator[Response]:
    """
    Yield *response* with one value of its JSON left out or replaced by another, each in turn.
    """
    try:
        data = json.loads(response.body)
    except ValueError:
        return
    for changed in (*_OTHERS, *_alter(data)):
        yield Response(response.status_code, response.headers, json.dumps(changed).encode())


def _alter(value: Any) -> Iterator[Any]:
    """
    Yield *value* with each value inside it replaced, one at a time.
    """
    if isinstance(value, dict):
        for key, one in value.items():
            yield {name: other for name, other in value.items() if name != key}
            yield from ({**value, key: other} for other in (*_OTHERS, *_alter(one)))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            before, after = value[:place], value[place + 1 :]
            yield [*before, *after]
            yield from ([*before, other, *after] for other in (*_OTHERS, *_alter(one)))


def with_odd_entries(payload: Any) -> Iterator[Any]:
    """
    Yield *payload* with entries of other types before and after those of a list, list by list.
    """
    if isinstance(payload, list) and any(isinstance(one, dict) for one in payload):
        for odd in _ODD_ENTRIES:
            yield [odd, *payload, odd]
        for place, one in enumerate(payload):
            for changed in with_odd_entries(one):
                yield [*payload[:place], changed, *payload[place + 1 :]]
    elif isinstance(payload, dict):
        for key, value in payload.items():
            yield from ({**payload, key: changed} for changed in with_odd_entries(value))


def spoiled(response: Response, text: str, number: int) -> Response:
    """
    *response* with every text and number in its JSON replaced; a text as a whole otherwise.
    """
    try:
        data = json.loads(response.body)
    except ValueError:
        return Response(response.status_code, response.headers, text.encode())
    body = json.dumps(_spoil(data, text, number)).encode()
    return Response(response.status_code, response.headers, body)


def _spoil(value: Any, text: str, number: int) -> Any:
    if isinstance(value, dict):
        return {key: _spoil(one, text, number) for key, one in value.items()}
    if isinstance(value, list):
        return [_spoil(one, text, number) for one in value]
    if isinstance(value, str):
        return text
    return value if value is None or isinstance(value, bool) else number
