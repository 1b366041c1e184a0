"""
Plugins whose fault is in a corner: the second of two, the empty, the foreign, the odd status.
"""

from __future__ import annotations

import textwrap
import unicodedata
from base64 import b64encode, encodebytes, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

from mailfailover import errors
from mailfailover.plugin import (
    Accepted,
    Capabilities,
    Feature,
    HTTPRequest,
    Message,
    Response,
    classify_http,
)
from tests.testing.wrong_plugins import Wrong
from tests.testing.wrong_plugins.good import Good
from tests.testing.wrong_plugins.requests import EXACT, LOST, PLACES, emails, filing, writing

if TYPE_CHECKING:
    from mailfailover.plugin import Attachment


class StatusIsOK(Good):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        if response.status_code != 200:
            raise classify_http(response, kind=errors.RequestRefused)
        return super().parse_response(response, message)


class NoRetryAfter(Good):
    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        error = super().classify_error(response, message)
        if isinstance(error, errors.RateLimited):
            error.retry_after = None
        return error


class RetryAfterIsText(Good):
    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        error = super().classify_error(response, message)
        if isinstance(error, errors.RateLimited):
            error.retry_after = response.headers.get("Retry-After")  # type: ignore[assignment]  # the fault
        return error


class LimitedIsDown(Good):
    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        if response.status_code == 429:
            return errors.ProviderUnavailable("slow down", status_code=429)
        return super().classify_error(response, message)


class StatusInBody(Good):
    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        error = super().classify_error(response, message)
        error.status_code = 0
        return error


class QuotesVendor(Good):
    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        text = response.body.decode("utf-8", "replace")
        return type(super().classify_error(response, message))(text)


class QuotesKey(Good):
    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        return classify_http(response, detail=f"with the key {self.api_key}")


class KeyInURL(Good):
    def build_request(self, message: Message) -> HTTPRequest:
        request = super().build_request(message)
        return HTTPRequest("POST", f"{request.url}?key={self.api_key}", {}, request.body)


class SubjectInURL(Good):
    def build_request(self, message: Message) -> HTTPRequest:
        request = super().build_request(message)
        return HTTPRequest(
            "POST", f"{request.url}?s={message.subject}", request.headers, request.body
        )


class TagInHeader(Good):
    def build_request(self, message: Message) -> HTTPRequest:
        request = super().build_request(message)
        headers = {**request.headers, "X-Tags": ",".join(message.tags)}
        return HTTPRequest("POST", request.url, headers, request.body)


class FixedHost(Good):
    def build_request(self, message: Message) -> HTTPRequest:
        request = super().build_request(message)
        return HTTPRequest(
            "POST", "https://api.good.example/v1/mails", request.headers, request.body
        )


class NoKey(Good):
    def headers(self) -> dict[str, str]:
        return {}


class PingWithoutKey(Good):
    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/v1/account")


class IdInCapitals(Good):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        found = super().parse_response(response, message)
        return Accepted(found.provider_message_id.upper())


class StatusesAsText(Good):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        found = super().parse_response(response, message)
        return Accepted(found.provider_message_id, recipients={"ann@example.org": "accepted"})  # type: ignore[dict-item]  # the fault


class TwoReplies(Good):
    capabilities = Capabilities(Good.capabilities.features | Feature.MULTIPLE_REPLY_TO)

    def body(self, message: Message) -> dict[str, Any]:
        return super().body(message) | {"reply_to": emails(message.reply_to[:1])}


class TextFromHTML(Good):
    def body(self, message: Message) -> dict[str, Any]:
        return super().body(message) | {"text": message.text or "See the HTML"}


FILES = "test_files_arrive_as_they_are"
ADDED = "test_nothing_is_added"


def folded(one: Attachment) -> str:
    """
    Base64 as mail has it, in lines.
    """
    return encodebytes(one.read()).decode()


def url_safe(one: Attachment) -> str:
    """
    Base64 in the alphabet of URLs.
    """
    return urlsafe_b64encode(one.read()).decode()


def unpadded(one: Attachment) -> str:
    """
    Base64 without its end.
    """
    return b64encode(one.read()).decode().rstrip("=")


CORNERS: dict[str, Wrong] = {
    "reply_to first only": Wrong(TwoReplies, LOST, "zqsecondqz"),
    "reply_to without names": Wrong(
        writing(reply_to=lambda m: [one.email for one in m.reply_to]), LOST, "zqreplynameqz"
    ),
    "names of copies lost": Wrong(
        writing(cc=lambda m: [one.email for one in m.cc]), LOST, "zqccnameqz"
    ),
    "sender's name lost": Wrong(
        writing(**{"from": lambda m: m.sender.email}), LOST, "zqfromnameqz"
    ),
    "names in ASCII": Wrong(
        writing(to=lambda m: [str(one).encode("ascii", "ignore").decode() for one in m.to]),
        EXACT,
        "a name of to",
    ),
    "names without accents": Wrong(
        writing(
            to=lambda m: [
                unicodedata.normalize("NFKD", str(one)).encode("ascii", "ignore").decode()
                for one in m.to
            ]
        ),
        EXACT,
        "a name of to",
    ),
    "names twice encoded": Wrong(
        writing(to=lambda m: [str(one).encode().decode("latin-1") for one in m.to]),
        EXACT,
        "a name of to",
    ),
    "text decomposed": Wrong(
        writing(text=lambda m: unicodedata.normalize("NFD", m.text)), EXACT, "text is cut"
    ),
    "local parts in lower case": Wrong(
        writing(to=lambda m: [f"{one.name} <{one.email.lower()}>" for one in m.to]),
        EXACT,
        "an address of to",
    ),
    "one recipient of a domain": Wrong(
        writing(to=lambda m: [*{one.email.split("@")[1]: str(one) for one in m.to}.values()]),
        PLACES,
        "to is incomplete",
    ),
    "files backwards": Wrong(
        writing(attachments=lambda m: [Good().file(one) for one in m.attachments[::-1]]),
        FILES,
        "files are in another order",
    ),
    "tags joined": Wrong(
        writing(tags=lambda m: [",".join(m.tags)]), "test_tags_stand_apart", "are one tag with ','"
    ),
    "metadata cut at 100": Wrong(
        writing(metadata=lambda m: {key: value[:100] for key, value in m.metadata.items()}),
        EXACT,
        "a value of metadata is cut",
    ),
    "metadata keys with underscores": Wrong(
        writing(
            metadata=lambda m: {key.replace("-", "_"): value for key, value in m.metadata.items()}
        ),
        EXACT,
        "a key of metadata",
    ),
    "base64 in lines": Wrong(filing(content=folded), FILES, "write it in one line"),
    "base64 of URLs": Wrong(filing(content=url_safe), FILES, "in the alphabet with"),
    "base64 without its end": Wrong(filing(content=unpadded), FILES, "with its padding"),
    "all files are PDFs": Wrong(filing(type=lambda _: "application/pdf"), LOST, "zqtypeqz"),
    "all files inline": Wrong(
        filing(content_id=lambda one: one.content_id or one.filename),
        "test_inline_images_keep_their_id",
        "a file is written as an inline image",
    ),
    "text from nowhere": Wrong(TextFromHTML, ADDED, "a text is made up .*See the HTML"),
    "a footer": Wrong(
        writing(text=lambda m: f"{m.text}\n-- \nSent by Good"), ADDED, "something is added"
    ),
    "text wrapped": Wrong(
        writing(text=lambda m: "\n".join(textwrap.wrap(m.text, 78, replace_whitespace=False))),
        EXACT,
        "text is cut or changed",
    ),
    "percent signs doubled": Wrong(
        writing(subject=lambda m: m.subject.replace("%", "%%")), EXACT, "subject is cut"
    ),
    "only 200 is success": Wrong(StatusIsOK, "test_success_is_accepted", "with the status 201"),
    "Retry-After ignored": Wrong(NoRetryAfter, "test_retry_after_is_kept", "without it"),
    "Retry-After as text": Wrong(RetryAfterIsText, "test_retry_after_is_kept", "without it"),
    "too fast is down": Wrong(LimitedIsDown, "test_retry_after_is_kept", "without it"),
    "status lost": Wrong(StatusInBody, "test_error_has_its_class", "status_code of the error is 0"),
    "quotes the vendor": Wrong(QuotesVendor, "test_error_shows_nobody", "shows an address"),
    "quotes its key": Wrong(QuotesKey, "test_error_shows_nobody", "shows a secret"),
    "key in the URL": Wrong(KeyInURL, "test_requests_hide_secrets", "shows a secret"),
    "subject in the URL": Wrong(SubjectInURL, "test_requests_have_clean_lines", "URL"),
    "tags in a header": Wrong(TagInHeader, "test_requests_have_clean_lines", "not ASCII"),
    "a host of its own": Wrong(FixedHost, "test_requests_go_to_base_url", "does not begin with"),
    "no key": Wrong(NoKey, "test_requests_are_authenticated", "is it authenticated"),
    "ping without key": Wrong(
        PingWithoutKey, "test_requests_are_authenticated", "is it authenticated"
    ),
    "id in capitals": Wrong(IdInCapitals, "test_success_is_accepted", "provider_message_id is"),
    "statuses as text": Wrong(StatusesAsText, "test_success_is_accepted", "must map addresses"),
}
