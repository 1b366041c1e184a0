"""
What a vendor's way to answer consists of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in

from ._http_wire import CannedResponse
from ._request_bodies import find_mail_ids

if TYPE_CHECKING:
    from ._http_wire import RecordedRequest

__all__ = ["Answer", "Dialect", "errors", "json_response"]

Answer = CannedResponse | Callable[["RecordedRequest"], CannedResponse]

_JSON = ("Content-Type", "application/json")
_HTML = ("Content-Type", "text/html")
_EMPTY = CannedResponse(200, b"{}", (_JSON,))
_GATEWAY = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


def _nobody(_: RecordedRequest) -> tuple[str, ...]:
    return ()


@published_in("mailfailover.testing")
@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """
    One vendor's way to answer, for `FaultServer`.

    `mail` and `ping` are searched in ``"METHOD /path"`` without the query; let
    them end in ``$`` only, then a proxy's prefix does no harm. `accept` gives the
    answer to a mail that is taken. `errors` maps a name such as
    ``"unavailable"`` to the vendor's answer for it; it must have ``"not_found"``.

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


def json_response(status: int, value: object, *headers: tuple[str, str]) -> CannedResponse:
    """
    An answer with a JSON body.
    """
    return CannedResponse(status, json.dumps(value).encode(), (_JSON, *headers))


def errors(
    envelope: Callable[[int, str], object], *table: tuple[str, int, str]
) -> dict[str, Answer]:
    """
    Named answers from rows of name, status and text; a gateway's HTML pages are added.
    """
    pages = {
        "bad_gateway": CannedResponse(502, _GATEWAY.format("502 Bad Gateway").encode(), (_HTML,)),
        "gateway_timeout": CannedResponse(
            504, _GATEWAY.format("504 Gateway Time-out").encode(), (_HTML,)
        ),
    }
    return {
        **pages,
        **{name: json_response(status, envelope(status, text)) for name, status, text in table},
    }
