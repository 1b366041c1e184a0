"""
Sweego, through ``POST /send``.

https://learn.sweego.io/docs/sweego/send-send-post (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
    MB,
    Accepted,
    Address,
    Attachment,
    Capabilities,
    DeliveryEvent,
    Feature,
    Fetch,
    HTTPRequest,
    Message,
    RecipientStatus,
    Response,
    Secrets,
    WebhookRequest,
    classify_http,
    encode_header,
    json_body,
    merge_options,
    reveal,
    verify_standard_webhook,
)
from mailfailover.providers._sweego_events import OWN_ID, read_events

# Sweego has no codes; a 422 names the place in the JSON that is at fault. What is not here is
# judged by its status. https://learn.sweego.io/docs/api-error-codes (2026-11), the words of a
# bad address by the framework that the API shows (FastAPI): unconfirmed.
INVALID = 422
FIELDS: tuple[tuple[frozenset[str], str, type[SendError]], ...] = (
    (frozenset({"recipients", "cc", "bcc"}), r"valid email", errors.RecipientRejected),
    (frozenset({"from"}), r"valid email", errors.SenderRefused),
    (
        frozenset({"attachments", "headers", "list-unsub", "campaign-tags", "template-id"}),
        r"",
        errors.UnsupportedFeature,
    ),
)

# https://learn.sweego.io/docs/emails/headers/custom_headers (2026-11)
MAX_HEADERS = 5
TAG = re.compile(r"[A-Za-z0-9-]{1,20}")

# An unsubscribe header has one address, or an address and a URL for one click; what else it may
# have Sweego answers with a 422. https://learn.sweego.io/docs/emails/headers/list_unsub (2026-11)
UNSUBSCRIBE = "list-unsubscribe"
ONE_CLICK = "list-unsubscribe-post"
URIS = re.compile(r"\s*<([^<>\s]+)>\s*(?:,\s*<([^<>\s]+)>\s*)?")

OCTETS = "application/octet-stream"

# Options that would change who gets the mail and who sends it.
RESERVED = {"from", "recipients", "cc", "bcc"}

# Nobody's mail: to be asked for by a ping.
NO_MAIL = "00-00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweego:
    """
    Sends through Sweego.

    The key is made under Credentials, and may be one for certain domains only.

    Provider options are laid over the JSON of the call: ``{"campaign-type": "transac",
    "tracking_open": False}``.

    It takes headers that begin with ``X-``, five of them, our own ``X-Mailfailover-Id``
    included where there is room. An unsubscribe is a mailto address, or such an address and an
    https URL. A mail with another header is refused here, and so is a tag of other characters
    than ASCII letters, digits and hyphens, or of more than twenty. The type of a file follows
    from its name. The data of a template goes to a single recipient. It gives each mail a
    Message-ID of its own, and has no metadata.

    Mails to suppressed recipients are accepted; its logs tell of them, its webhooks do not.

    Attributes:
        api_key: The key.

        webhook_secret: Verifies webhooks; it stands at each of them. Two while it changes.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "sweego"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)

    # To, subject and a body are required. Of tracking only that of opens can be switched off.
    # An envelope sender, a time to send at: no such parameter. How the call for merges fills in
    # a text, and what it escapes, is not said: each recipient gets a mail of his own.
    # https://learn.sweego.io/docs/sending/how_to_send_email_by_api and
    # https://learn.sweego.io/docs/emails/attachments (2026-11)
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.TEMPLATES,
        max_tags=5,
        max_bytes=20 * MB,
    )

    api_key: str | Callable[[], str] = field(repr=False)
    webhook_secret: Secrets = field(default="", repr=False)
    base_url: str = "https://api.sweego.io"

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If it has a header, a tag or a file that Sweego does not take, a template
                without a subject, or data for no template or for several recipients.
        """
        _check_template(message)
        headers = list(message.header_items())
        fields = {
            "channel": "email",
            "provider": "sweego",
            "from": _address(message.sender),
            "recipients": [_address(address) for address in message.to],
            "cc": [_address(address) for address in message.cc],
            "bcc": [_address(address) for address in message.bcc],
            "reply-to": _address(message.reply_to[0]) if message.reply_to else None,
            "subject": message.subject,
            "message-txt": message.text,
            "message-html": message.html,
            "template-id": message.template_id,
            "variables": message.template_data,
            "headers": _headers(headers, message.id),
            "list-unsub": _unsubscribe(headers),
            "campaign-tags": [_tag(tag) for tag in message.tags],
            "attachments": [_file(attachment) for attachment in message.attachments],
        }
        body = {key: value for key, value in fields.items() if value}
        body = merge_options(body, message.options(self.name), reserved=RESERVED)
        own = self._headers() | {"Content-Type": "application/json"}
        return HTTPRequest("POST", f"{self.base_url}/send", own, json_body(body))

    def parse_response(self, response: Response, message: Message) -> Accepted:
        found = response.json_object().get("swg_uids")
        pairs = found.items() if isinstance(found, dict) else ()
        known = {email.lower(): one for email, one in pairs if isinstance(one, str) and one}
        emails = [address.email for address in message.recipients]
        ids = {email: known[email.lower()] for email in emails if email.lower() in known}
        if not ids:
            raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
        statuses = {
            email: RecipientStatus.ACCEPTED if email in ids else RecipientStatus.UNKNOWN
            for email in emails
        }
        return Accepted(next(iter(ids.values())), statuses, ids)

    def classify_error(self, response: Response, message: Message) -> SendError:
        return _error(response)

    def build_ping(self) -> HTTPRequest:
        """
        Ask after a mail that is not there: whoever may send may ask.
        """
        return HTTPRequest("GET", f"{self.base_url}/logs/{NO_MAIL}/status", self._headers())

    def parse_ping(self, response: Response) -> None:
        # A success by the manual, and a 404 by its list of codes: unconfirmed which.
        is_own = isinstance(response.json_object().get("msg"), str)
        if not (is_own and response.status_code in (200, 404)):
            raise _error(response)

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        # https://learn.sweego.io/docs/webhooks/webhook_signature (2026-11): the standard's,
        # without a version. How old one may be is not said.
        return verify_standard_webhook(request, self.webhook_secret, version="")

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _headers(self) -> dict[str, str]:
        return {"Api-Key": reveal(self.api_key)}


def _check_template(message: Message) -> None:
    if message.template_id and not message.subject:
        raise _unsupported("needs a subject beside a template", "EMPTY_SUBJECT")
    if message.template_data and not message.template_id:
        raise _unsupported("fills in data only in a template", "TEMPLATES")
    if message.template_data and len(message.to) > 1:
        raise _unsupported("fills in the data of a single recipient", "TEMPLATES")


def _address(address: Address) -> dict[str, Any]:
    if address.name:
        return {"email": address.email, "name": address.name}
    return {"email": address.email}


def _headers(headers: list[tuple[str, str]], mail_id: str) -> dict[str, str]:
    """
    The headers of the mail and our own, without the X- that Sweego puts before each.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        if name.lower() in ("message-id", UNSUBSCRIBE, ONE_CLICK):
            continue
        if not name.lower().startswith("x-") or len(found) == MAX_HEADERS:
            text = f"takes {MAX_HEADERS} headers that begin with X-, but not {name!r}"
            raise _unsupported(text, "HEADERS")
        found[name[2:]] = value if value.isascii() else encode_header(value)
    return found if len(found) == MAX_HEADERS else found | {OWN_ID: mail_id}


def _unsubscribe(headers: list[tuple[str, str]]) -> dict[str, str]:
    known = {name.lower(): value for name, value in headers}
    if UNSUBSCRIBE not in known:
        if ONE_CLICK in known:
            raise _unsupported("takes no List-Unsubscribe-Post without the other", "HEADERS")
        return {}
    found = URIS.fullmatch(known[UNSUBSCRIBE])
    uris = [uri for uri in found.groups() if uri] if found else []
    uris.sort(key=_is_mailto, reverse=True)
    one_click = ONE_CLICK in known
    if [_is_mailto(uri) for uri in uris] != [True, False][: 1 + one_click]:
        text = "takes a mailto address to unsubscribe, or one and a URL for one click"
        raise _unsupported(text, "HEADERS")
    method = "one-click" if one_click else "mailto"
    return {"method": method, "value": ",".join(f"<{uri}>" for uri in uris)}


def _is_mailto(uri: str) -> bool:
    return uri.lower().startswith("mailto:")


def _tag(tag: str) -> str:
    if not TAG.fullmatch(tag):
        raise _unsupported("takes tags of up to 20 letters, digits and hyphens", "TAGS")
    return tag


def _file(attachment: Attachment) -> dict[str, Any]:
    kind = attachment.content_type.partition(";")[0].strip().lower()
    if kind not in (OCTETS, Attachment(attachment.filename, b"").content_type):
        raise _unsupported("takes no file whose name does not fit its type", "ATTACHMENTS")
    fields = {"filename": attachment.filename, "content": attachment.base64()}
    if attachment.content_id:
        fields |= {"disposition": "inline", "content_id": attachment.content_id}
    return fields


def _unsupported(what: str, feature: str) -> SendError:
    return errors.UnsupportedFeature(f"sweego {what}", features=(feature,))


def _error(response: Response) -> SendError:
    answer = response.json_object()
    problems = list(_problems(answer))
    kinds = (
        kind
        for places, words, kind in FIELDS
        if any(places & place and re.search(words, text) for place, text in problems)
    )
    own = next((one for name in ("msg", "detail", "message") if (one := answer.get(name))), "")
    text = own if isinstance(own, str) else "; ".join(text for _, text in problems)
    kind = next(kinds, None) if response.status_code == INVALID else None
    return classify_http(response, own_envelope=bool(text), kind=kind, detail=text)


def _problems(answer: Mapping[str, Any]) -> Iterator[tuple[frozenset[str], str]]:
    """
    Yield each place at fault, as the names on the way to it, with what is said of it.
    """
    found = answer.get("detail")
    for one in found if isinstance(found, list) else ():
        place, text = (one.get("loc"), one.get("msg")) if isinstance(one, dict) else (None, None)
        if isinstance(text, str):
            names = place if isinstance(place, list) else ()
            yield frozenset(name for name in names if isinstance(name, str)), text
