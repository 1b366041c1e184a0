"""
Microsoft Graph, through ``POST /v1.0/users/<mailbox>/sendMail``.

https://learn.microsoft.com/en-us/graph/api/user-sendmail (2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote

from mailfailover import errors, plugin
from mailfailover.plugin import Feature

# By "code"; what is not here is judged by its status. Exchange's own codes are those of
# https://learn.microsoft.com/en-us/exchange/client-developer/web-service-reference/responsecode
# (2026-11); those marked are quoted in public client code and unconfirmed.
ERRORS = plugin.Errors(
    {
        "ErrorAccessDenied": errors.SenderRefused,  # the token is not for this mailbox
        "ErrorAccountSuspend": errors.AccountSuspended,  # unconfirmed
        "ErrorExceededMessageLimit": errors.QuotaExceeded,  # unconfirmed
        "ErrorInvalidRecipients": errors.RecipientRejected,
        "ErrorInvalidUser": errors.SenderRefused,  # unconfirmed, as the next three
        "MailboxNotEnabledForRESTAPI": errors.SenderRefused,
        "Request_ResourceNotFound": errors.SenderRefused,
        "ResourceNotFound": errors.SenderRefused,
        "ErrorMessageSizeExceeded": errors.UnsupportedFeature,
        "ErrorQuotaExceeded": errors.QuotaExceeded,  # the mailbox is full
        "ErrorSendAsDenied": errors.SenderRefused,
        "ErrorSubmissionQuotaExceeded": errors.QuotaExceeded,
    }
)

# A 200 was seen for a mail that was too large and never sent:
# https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/3079 (2021-08).
ACCEPTED = 202

# The headers that Exchange makes fields of a mail of, and so keeps; it leaves others off, by
# https://github.com/SMTP2Graph/SMTP2Graph (2026-11).
KEPT = {
    *("from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "message-id"),
    *("in-reply-to", "references", "importance", "mime-version"),
}

# What a token may be told that is known, but may not read its user's profile, or has no user.
KNOWN = {"Authorization_RequestDenied", "ErrorAccessDenied"}
NO_USER = "/me request is only valid with delegated authentication flow"


@dataclass(frozen=True, slots=True, kw_only=True)
class MSGraph:
    """
    Sends from a mailbox of Microsoft 365 or Outlook.com, through Microsoft Graph.

    The token is one of OAuth 2.0 with the permission ``Mail.Send``. It is good for about an
    hour, so give a callable that returns a fresh one.

    There are no provider options: the mail goes as MIME, which says more than Graph's JSON. It
    is written here, with its files in memory, and a copy of it stays among the sent mails.
    Exchange leaves custom headers off, so a mail that has one goes to another provider. Graph
    answers before it sends, without an id. It shows the mailbox's own name for the
    sender, whatever the mail says. It sends from an address of another mailbox only with the
    right to send as that.

    Attributes:
        access_token: An access token, or better a callable that gives one.

        mailbox:
            Whose mailbox sends, by address or id; ``me`` for the token's own user; that of
            the mail's sender where empty.

        base_url: Scheme and host, of a national cloud or for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "msgraph"
    userinfo: ClassVar[tuple[str, ...]] = ("access_token",)
    maturity: ClassVar[str] = "provisional"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "that a Bcc header is read and taken out",
        "some codes of its errors",
        "how large a mail may be",
        "non-ASCII local parts",
    )

    # All that MIME can say but headers, and a Bcc header is read: so by
    # https://github.com/SMTP2Graph/SMTP2Graph (2026-11); the vendor's manual is silent. Non-ASCII
    # local parts: unconfirmed. An account may be set to more recipients. 4 MB of base64 by the
    # manual of drafts, larger ones than 2240 kB failed in the issue above.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.CALENDAR
        | Feature.AMP
        | Feature.ALTERNATIVES
        | Feature.MIME
        | Feature.EMPTY_BODY
        | Feature.EMPTY_SUBJECT
        | Feature.WITHOUT_TO,
        max_recipients=500,
        max_bytes=2 * plugin.MB,
    )

    access_token: plugin.Secret = field(repr=False)
    mailbox: str = ""
    base_url: str = "https://graph.microsoft.com"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            InvalidMessage: If it has provider options, for which there is no place.
            UnsupportedFeature: If it is MIME with headers that Exchange leaves off.
        """
        if message.options(self.name):
            text = "provider_options of msgraph cannot go with a mail as MIME: leave them out"
            raise errors.InvalidMessage(text, field="provider_options")
        _check_headers(message.mime)
        user = self.mailbox or message.sender.email
        place = "me" if user == "me" else f"users/{quote(user, safe='@')}"
        headers = self._headers() | {"Content-Type": "text/plain"}
        url = f"{self.base_url}/v1.0/{place}/sendMail"
        return plugin.HTTPRequest(
            "POST", url, headers, (plugin.Base64(plugin.mime_bytes_with_bcc(message)),)
        )

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        if response.status_code == ACCEPTED and not response.body.strip():
            return plugin.Accepted()
        raise plugin.unreadable(response)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        return ERRORS.classify(response, _problems(response.json_object()))

    def build_ping(self) -> plugin.HTTPRequest:
        """
        Ask who the token's user is: whether it may tell is left to ``parse_ping``.
        """
        return plugin.HTTPRequest("GET", f"{self.base_url}/v1.0/me?$select=id", self._headers())

    def parse_ping(self, response: plugin.Response) -> None:
        answer = response.json_object()
        known = any(one.code in KNOWN or NO_USER in one.text for one in _problems(answer))
        if not known and not (response.ok and "id" in answer):
            raise self.classify_error(response, plugin.Message())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {plugin.reveal(self.access_token)}"}


def _check_headers(mime: bytes) -> None:
    if not mime:
        return
    from email.parser import BytesHeaderParser  # rarely needed, costly to import

    names = {name.lower() for name in BytesHeaderParser().parsebytes(mime)}
    lost = sorted(one for one in names - KEPT if not one.startswith("content-"))
    if lost:
        raise plugin.unsupported(f"msgraph leaves off the header {lost[0]!r} of MIME", "HEADERS")


def _problems(answer: Mapping[str, Any]) -> list[plugin.Problem]:
    """
    The code and the words of an error, if there is one.
    """
    error = plugin.as_object(answer.get("error"))
    code, text = plugin.as_code(error.get("code")), plugin.as_words(error.get("message"))
    return [plugin.Problem(code, text)] if code else []
