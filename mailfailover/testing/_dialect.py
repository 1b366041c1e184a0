"""
A dialect: the way in which a vendor answers.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in
from mailfailover.testing._http_wire import CannedResponse
from mailfailover.testing._request_bodies import find_mail_ids

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import RecordedRequest

__all__ = ["GATEWAY_PAGES", "Answer", "Dialect", "errors", "fresh", "json_response"]

Answer = CannedResponse | Callable[["RecordedRequest"], CannedResponse]

_JSON = ("Content-Type", "application/json")
_HTML = ("Content-Type", "text/html")
_EMPTY = CannedResponse(200, b"{}", (_JSON,))
_PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


_numbers = itertools.count(1)


def _page(status: int, title: str) -> CannedResponse:
    return CannedResponse(status, _PAGE.format(title).encode(), (_HTML,))


GATEWAY_PAGES: Mapping[str, Answer] = {
    "bad_gateway": _page(502, "502 Bad Gateway"),
    "gateway_timeout": _page(504, "504 Gateway Time-out"),
}
"""The answers of a gateway in front of any vendor."""


def _nobody(_: RecordedRequest) -> tuple[str, ...]:
    return ()


def _nothing(_: RecordedRequest) -> str:
    return ""


@published_in("mailfailover.testing")
@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """
    One vendor's way to answer, for `FaultServer`.

    `mail` and `ping` are searched in ``"METHOD /path"`` without the query; let
    them end in ``$`` only, then a proxy's prefix does no harm. `accept` gives the
    answer to a mail that is taken. `errors` maps a name such as
    ``"unavailable"`` to the vendor's answer for it; it must have ``"not_found"``.
    `refusal` names the error of a mail that is not taken, such as one to nobody.

    .. versionadded:: 0.1.0
    """

    name: str
    mail: re.Pattern[str]
    accept: Callable[[RecordedRequest], CannedResponse]
    errors: Mapping[str, Answer]
    ping: re.Pattern[str] = re.compile("^(GET|HEAD) ")
    ping_answer: CannedResponse = _EMPTY
    mail_ids: Callable[[RecordedRequest], tuple[str, ...]] = find_mail_ids
    recipients: Callable[[RecordedRequest], tuple[str, ...]] = _nobody
    refusal: Callable[[RecordedRequest], str] = _nothing


def json_response(status: int, value: object, *headers: tuple[str, str]) -> CannedResponse:
    """
    An answer with a JSON body.
    """
    return CannedResponse(status, json.dumps(value).encode(), (_JSON, *headers))


def fresh(prefix: str = "") -> str:
    """
    An id that no other mail of this process has.
    """
    return f"{prefix}{next(_numbers)}"


def errors(
    envelope: Callable[..., object], *table: tuple[str, int, *tuple[object, ...]]
) -> dict[str, Answer]:
    """
    Named answers from rows of a name, a status, and what *envelope* makes the body of.

    A gateway's HTML pages are added.
    """
    return {
        **GATEWAY_PAGES,
        **{name: json_response(status, envelope(*said)) for name, status, *said in table},
    }
