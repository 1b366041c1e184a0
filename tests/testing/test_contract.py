from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from mailfailover import errors
from mailfailover.errors import AuthenticationFailed, RecipientRejected, SendError
from mailfailover.plugin import (
    Accepted,
    Capabilities,
    Feature,
    HTTPRequest,
    Message,
    RecipientStatus,
    Response,
    SMTPReply,
    SMTPRequest,
    SMTPResponse,
    classify_http,
)
from mailfailover.testing import PLAIN, ProviderContract
from mailfailover.testing import _contract_purity as purity
from mailfailover.testing import _contract_shape as shape
from tests.samples import each
from tests.testing.tiny import Tiny, TinySimple, TinySMTP

Batch = tuple[Accepted | SendError, ...]
KEY = "secret-key"


def answer(status: int, **body: Any) -> Response:
    """
    The tiny vendor's answer with *body*.
    """
    return Response(status, {}, json.dumps(body).encode())


class TestTiny(ProviderContract):
    provider = Tiny(api_key=KEY)
    accepted = answer(200, id="1")
    accepted_id = "1"
    errors = (
        (answer(401, code="bad_key", text="?"), AuthenticationFailed),
        (answer(400, code="bad_recipient", text="no such user"), RecipientRejected),
        (answer(503, code="down", text="later", data=[{"retries": 3}]), errors.ProviderUnavailable),
        (Response(502, {}, b"<html>"), errors.OutcomeUnknown),
    )
    batch = (
        (answer(200, ids=["1", None, "3"]), (Accepted("1"), RecipientRejected, Accepted("3"))),
    )


class TestTinySMTP(ProviderContract):
    provider = TinySMTP(password=KEY)
    accepted = SMTPResponse(SMTPReply(250, "Ok", "."))
    errors = (
        (SMTPResponse(SMTPReply(535, "5.7.8 no, ann@example.org", "auth")), AuthenticationFailed),
    )
    message = ProviderContract.merge.replace(to="ann@example.org, bob@example.net", merge_data={})
    partial = (
        (
            SMTPResponse(SMTPReply(250), {"bob@example.net": SMTPReply(550)}),
            Accepted(recipients={"bob@example.net": RecipientStatus.REFUSED}),
        ),
    )


class TestTinySimple(ProviderContract):
    provider = TinySimple()


# Providers that break one promise each


class LosesSubject(Tiny):
    def fields(self, message: Message) -> dict[str, Any]:
        return super().fields(message) | {"subject": ""}


class LosesTime(Tiny):
    def fields(self, message: Message) -> dict[str, Any]:
        return super().fields(message) | {"at": message.send_at is not None}


class LosesTracking(Tiny):
    def fields(self, message: Message) -> dict[str, Any]:
        return super().fields(message) | {"clicks": bool(message.track_clicks)}


class LosesKey(Tiny):
    def request(self, path: str, fields: dict[str, Any], message: Message) -> HTTPRequest:
        return super().request(path, fields, message.bound(idempotency_key=""))


class EscapesNothing(Tiny):
    def build_batch(self, message: Message) -> HTTPRequest:
        fields = self.fields(message)
        fields["variables"] = {email: dict(data) for email, data in message.merge_data.items()}
        return self.request("/merge", fields, message)


class EscapesAll(Tiny):
    def build_batch(self, message: Message) -> HTTPRequest:
        from html import escape

        request = super().build_batch(message)
        assert isinstance(request.body, bytes)
        body = request.body.replace(b"zq<&>qz", escape("zq<&>qz").encode())
        return HTTPRequest(request.method, request.url, request.headers, body)


class ShowsKey(Tiny):
    def __repr__(self) -> str:
        return f"ShowsKey({self.api_key})"


class KeyInURL(Tiny):
    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/me?key={self.api_key}")


class OpenPing(Tiny):
    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/status")


class OddPing(Tiny):
    def build_ping(self) -> Any:
        return SMTPRequest("smtp.tiny.example", 587, password=self.api_key)


class RestlessPing(Tiny):
    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/me/{os.urandom(8).hex()}", self.headers())


class TrustsPing(Tiny):
    def parse_ping(self, response: Response) -> None:
        if not response.ok:
            raise classify_http(response)


class OwnURL(Tiny):
    def request(self, path: str, fields: dict[str, Any], message: Message) -> HTTPRequest:
        request = super().request(path, fields, message)
        url = f"https://api.tiny.example{path}"
        return HTTPRequest(request.method, url, request.headers, request.body)


class PlainURL(Tiny):
    def build_ping(self) -> HTTPRequest:
        request = super().build_ping()
        url = request.url.replace("https://api", "http://api")
        return HTTPRequest("GET", url, request.headers)


class Restless(Tiny):
    def fields(self, message: Message) -> dict[str, Any]:
        return super().fields(message) | {"nonce": os.urandom(8).hex()}


class ReadsFile(Tiny):
    def fields(self, message: Message) -> dict[str, Any]:
        with open(os.devnull) as file:  # noqa: PTH123 -- the plain way to break the promise
            return super().fields(message) | {"signature": file.read()}


class HidesRead(Tiny):
    def fields(self, message: Message) -> dict[str, Any]:
        try:
            os.open(os.devnull, os.O_RDONLY)
        except RuntimeError:
            return super().fields(message)
        return super().fields(message)


class SubjectInHeader(Tiny):
    def request(self, path: str, fields: dict[str, Any], message: Message) -> HTTPRequest:
        request = super().request(path, fields, message)
        headers = {**request.headers, "X-Subject": message.subject}
        return HTTPRequest(request.method, request.url, headers, request.body)


class OptionsInHeader(Tiny):
    def request(self, path: str, fields: dict[str, Any], message: Message) -> HTTPRequest:
        request = super().request(path, fields, message)
        headers = {**request.headers, **message.options("tiny").get("headers", {})}
        return HTTPRequest(request.method, request.url, headers, request.body)


class AcceptsAll(Tiny):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        return Accepted(str(response.json_object().get("id")))


class TrustsShape(Tiny):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        return Accepted(json.loads(response.body)["id"])


class NumberAsId(Tiny):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        found: Any = response.json_object().get("id")
        if type(found) is not int:
            return super().parse_response(response, message)
        return Accepted(found)  # type: ignore[arg-type]  # the broken promise


class OtherId(Tiny):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        return Accepted(super().parse_response(response, message).provider_message_id + "!")


class ReturnsId(Tiny):
    def parse_response(self, response: Response, message: Message) -> Any:
        return super().parse_response(response, message).provider_message_id


class RefusesAll(Tiny):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        raise errors.OutcomeUnknown("I am not sure")


class GuessesFromStatus(Tiny):
    def classify_error(self, response: Response, message: Message) -> SendError:
        error = super().classify_error(response, message)
        is_bad = response.status_code == 400 and type(error) is errors.RequestRefused
        return errors.MessageRejected("bad", status_code=400) if is_bad else error


class TrustsServerErrors(Tiny):
    def classify_error(self, response: Response, message: Message) -> SendError:
        error = super().classify_error(response, message)
        is_503 = response.status_code == 503
        return errors.ProviderUnavailable("down", status_code=503) if is_503 else error


class LosesStatus(Tiny):
    def classify_error(self, response: Response, message: Message) -> SendError:
        return type(super().classify_error(response, message))("no", retry_after=7.0)


class LosesRetryAfter(Tiny):
    def classify_error(self, response: Response, message: Message) -> SendError:
        error = super().classify_error(response, message)
        error.retry_after = None
        return error


class QuotesVendor(Tiny):
    def classify_error(self, response: Response, message: Message) -> SendError:
        error = super().classify_error(response, message)
        text = str(response.json_object().get("text"))
        return type(error)(text, status_code=error.status_code, retry_after=error.retry_after)


class QuotesKey(Tiny):
    def classify_error(self, response: Response, message: Message) -> SendError:
        kind = type(super().classify_error(response, message)) if response.body else None
        return classify_http(response, kind=kind, detail=self.api_key)


class Forgetful(AuthenticationFailed):
    def __reduce__(self) -> Any:
        return type(self), ("no",)


class ForgetfulError(Tiny):
    def classify_error(self, response: Response, message: Message) -> SendError:
        error = super().classify_error(response, message)
        is_auth = type(error) is AuthenticationFailed and response.status_code == 401
        return Forgetful("no", status_code=401) if is_auth else error


class WrongClass(Tiny):
    def classify_error(self, response: Response, message: Message) -> SendError:
        error = super().classify_error(response, message)
        if type(error) is errors.RecipientRejected:
            return classify_http(response)
        return error


class ReturnsNone(Tiny):
    def classify_error(self, response: Response, message: Message) -> Any:
        return None


class ForgetsRecipient(Tiny):
    def parse_batch(self, response: Response, message: Message) -> Batch:
        return super().parse_batch(response, message)[1:]


class AcceptsEverybody(Tiny):
    def parse_batch(self, response: Response, message: Message) -> Batch:
        return tuple(Accepted() for _ in message.to)


class ScreamingName(Tiny):
    name = "Tiny Mail"


class HalfDeclared(Tiny):
    capabilities = Capabilities(Tiny.capabilities.features | Feature.MULTIPLE_REPLY_TO, max_tags=0)

    def build_request(self, message: Message) -> HTTPRequest:
        return super().build_request(message)


class MergeUndeclared(Tiny):
    capabilities = Capabilities(Feature.HTML)


class HalfWebhook(Tiny):
    def verify_webhook(self) -> None:
        raise NotImplementedError


class NoSuchField(Tiny):
    userinfo = ("token",)


class NoCapabilities(Tiny):
    capabilities: ClassVar[Any] = None


class ShowsBcc(TinySMTP):
    def build_request(self, message: Message) -> SMTPRequest:
        request = super().build_request(message)
        bcc = ", ".join(map(str, message.bcc))
        return self.request(
            mail_from=request.mail_from,
            recipients=request.recipients,
            data=f"Bcc: {bcc}\r\n".encode() + request.data,
        )


class ForgetsBcc(TinySMTP):
    def build_request(self, message: Message) -> SMTPRequest:
        return super().build_request(message.bound(bcc=()))


class FixedSender(TinySMTP):
    def build_request(self, message: Message) -> SMTPRequest:
        request = super().build_request(message)
        return self.request(
            mail_from="fixed@example.com", recipients=request.recipients, data=request.data
        )


class SpreadsOptions(TinySMTP):
    def build_request(self, message: Message) -> SMTPRequest:
        request = super().build_request(message)
        option = str(message.options(self.name).get("option", ""))
        return self.request(
            mail_from=request.mail_from,
            recipients=request.recipients,
            data=f"X-Option: {option}\r\n".encode() + request.data,
        )


class NoLogin(TinySMTP):
    def request(self, **fields: Any) -> SMTPRequest:
        return SMTPRequest("smtp.tiny.example", 587, **fields)


class MailingPing(TinySMTP):
    def build_ping(self) -> SMTPRequest:
        return self.request(recipients=("postmaster@tiny.example",))


class EndsOnTransient(TinySMTP):
    def classify_error(self, response: SMTPResponse, message: Message) -> SendError:
        error = super().classify_error(response, message)
        if response.reply.command == "rcpt" and type(error) is errors.ProviderUnavailable:
            return RecipientRejected("no", status_code=error.status_code)
        return error


class QuotesReply(TinySMTP):
    def classify_error(self, response: SMTPResponse, message: Message) -> SendError:
        error = super().classify_error(response, message)
        return type(error)(response.reply.text, status_code=error.status_code)


class CountsMails(TinySimple):
    def send(self, message: Message) -> Any:
        return 1


class SameId(TinySimple):
    def send(self, message: Message) -> str:
        return "same"


class Redirects(TinySimple):
    capabilities = Capabilities(Feature.HTML)

    def send(self, message: Message) -> None:
        object.__setattr__(message, "stream", message.stream + "!")


class RefusesOptions(Tiny):
    def build_request(self, message: Message) -> HTTPRequest:
        if message.options("tiny"):
            raise errors.InvalidMessage("tiny has no options")
        return super().build_request(message)


class AcceptsEmpty(Tiny):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        return super().parse_response(response, message) if response.body.strip() else Accepted()

    def parse_batch(self, response: Response, message: Message) -> Batch:
        if response.body.strip():
            return super().parse_batch(response, message)
        return tuple(Accepted() for _ in message.to)


class RefusesQuotes(Tiny):
    def fields(self, message: Message) -> dict[str, Any]:
        if any('"' in one.name for one in message.to):
            raise errors.UnsupportedFeature("no quotes in names")
        return super().fields(message)


class RaisesLater:
    count = 0

    def build_request(self, message: Message) -> HTTPRequest:
        self.count += 1
        if self.count > 1:
            raise RuntimeError("my own")
        return HTTPRequest()


class ChangesMessage(Tiny):
    def build_request(self, message: Message) -> HTTPRequest:
        request = super().build_request(message)
        object.__setattr__(message, "stream", message.stream + "!")
        return request


class PicklesWrongly(Tiny):
    def __reduce__(self) -> Any:
        return dict, ()


@dataclass
class Thawed:
    name: str = "thawed"


@dataclass(frozen=True)
class Listing:
    names: Any = field(default_factory=list)


def contract_of(provider: Any) -> type[ProviderContract]:
    """
    The contract of *provider*, with the answers recorded for the good one.
    """
    good: type[ProviderContract] = TestTinySimple
    for kind in (TestTiny, TestTinySMTP):
        if isinstance(provider, type(kind.provider)):
            good = kind
    recorded = ("accepted", "accepted_id", "errors", "partial", "batch", "message")
    return type(
        "TestBroken",
        (ProviderContract,),
        {"provider": provider} | {name: getattr(good, name) for name in recorded},
    )


def broken_claims(contract: type[ProviderContract]) -> set[str]:
    """
    The names of all tests of *contract* that fail, run as pytest would.
    """
    suite = contract()
    names = [name for name in dir(suite) if name.startswith("test_") and getattr(suite, name)]
    return {name for name in names if _fails(getattr(suite, name))}


def _fails(test: Any) -> bool:
    try:
        test()
    except pytest.fail.Exception:
        return True
    return False


BROKEN: dict[type, set[str]] = {
    LosesSubject: {"test_nothing_is_lost"},
    LosesTime: {"test_send_at_is_not_lost"},
    LosesTracking: {"test_tracking_is_not_lost"},
    LosesKey: {"test_idempotency_key_is_not_lost"},
    EscapesNothing: {"test_merged_html_is_escaped"},
    EscapesAll: {"test_merged_html_is_escaped"},
    ShowsKey: {"test_repr_hides_secrets"},
    KeyInURL: {"test_requests_hide_secrets"},
    OpenPing: {"test_requests_are_authenticated"},
    OddPing: {"test_requests_go_to_base_url"},
    RestlessPing: {"test_ping_sends_nothing"},
    TrustsPing: {"test_odd_answers_to_a_ping_are_survived"},
    OwnURL: {"test_requests_go_to_base_url"},
    PlainURL: {"test_requests_go_to_base_url"},
    Restless: {"test_requests_are_pure"},
    ReadsFile: {"test_requests_need_no_io"},
    HidesRead: {"test_requests_need_no_io"},
    SubjectInHeader: {"test_requests_have_clean_lines"},
    OptionsInHeader: {"test_options_have_clean_lines"},
    AcceptsAll: {"test_unreadable_success_is_unknown"},
    TrustsShape: {"test_unreadable_success_is_unknown", "test_odd_answers_are_survived"},
    NumberAsId: {"test_odd_answers_are_survived"},
    OtherId: {"test_success_is_accepted"},
    ReturnsId: {"test_success_is_accepted", "test_odd_answers_are_survived"},
    RefusesAll: {"test_success_is_accepted"},
    GuessesFromStatus: {"test_unknown_codes_end_no_mail", "test_foreign_errors_are_read_by_status"},
    TrustsServerErrors: {"test_foreign_errors_are_read_by_status"},
    LosesStatus: {"test_error_has_its_class", "test_foreign_errors_are_read_by_status"},
    LosesRetryAfter: {"test_retry_after_is_kept"},
    QuotesVendor: {"test_error_shows_nobody"},
    QuotesKey: {"test_error_shows_nobody"},
    ForgetfulError: {"test_error_has_its_class", "test_error_pickles"},
    WrongClass: {"test_error_has_its_class"},
    ReturnsNone: {
        "test_error_has_its_class",
        "test_error_shows_nobody",
        "test_error_pickles",
        "test_foreign_errors_are_read_by_status",
        "test_odd_answers_are_survived",
        "test_retry_after_is_kept",
        "test_unknown_codes_end_no_mail",
    },
    ForgetsRecipient: {
        "test_merge_is_read_by_recipient",
        "test_odd_answers_to_merges_are_survived",
    },
    AcceptsEverybody: {
        "test_merge_is_read_by_recipient",
        "test_odd_answers_to_merges_are_survived",
    },
    ScreamingName: {"test_name_is_a_scheme"},
    HalfDeclared: {"test_capabilities_make_sense"},
    MergeUndeclared: {"test_methods_match_the_declaration"},
    HalfWebhook: {"test_methods_match_the_declaration"},
    NoSuchField: {"test_dsn_sets_fields"},
    NoCapabilities: {
        "test_capabilities_make_sense",
        "test_methods_match_the_declaration",
    },
    ShowsBcc: {"test_envelope_names_everybody"},
    ForgetsBcc: {"test_envelope_names_everybody", "test_nothing_is_lost"},
    FixedSender: {"test_envelope_names_everybody", "test_nothing_is_lost"},
    SpreadsOptions: {"test_options_have_clean_lines"},
    NoLogin: {"test_requests_are_authenticated"},
    MailingPing: {"test_ping_sends_nothing"},
    EndsOnTransient: {"test_replies_are_survived"},
    QuotesReply: {"test_replies_are_survived", "test_error_shows_nobody"},
    CountsMails: {"test_sends"},
    SameId: {"test_sends_from_threads"},
    Redirects: {"test_sends"},
}


@each("broken", BROKEN)
def test_broken_promise_fails_its_claim(broken: Any) -> None:
    """
    A provider that breaks one promise fails the claims about it.
    """
    fields = {name: KEY for name in ("api_key", "password") if hasattr(broken, name)}
    suite = contract_of(broken(**fields))()

    assert [] == [name for name in BROKEN[broken] if not _fails(getattr(suite, name))]


def test_unrecorded_answers_are_asked_for() -> None:
    """
    A registration without recorded answers fails, so that nobody takes it for a test.
    """

    class TestBare(ProviderContract):
        provider = Tiny(api_key=KEY)

    recorded = {"test_success_is_accepted", "test_errors_are_recorded", "test_merges_are_recorded"}

    assert recorded == broken_claims(TestBare)


def test_contract_without_provider_hides_nothing() -> None:
    """
    A class between the contract and its users may leave the provider to them.
    """

    class Between(ProviderContract):
        empty_success = True

    class TestWhole(Between):
        provider = Tiny(api_key=KEY)

    assert callable(Between.test_sends)
    assert TestWhole.test_sends is None


def test_empty_success_allows_an_empty_body_only() -> None:
    """
    A vendor whose success is empty still has to tell it from a page of somebody else.
    """

    class TestEmpty(ProviderContract):
        provider = AcceptsEmpty(api_key=KEY)
        accepted = Response(202)
        errors = TestTiny.errors
        batch = ((Response(202), (Accepted(), Accepted(), Accepted())),)
        empty_success = True

    assert set() == broken_claims(TestEmpty)


def test_refusing_options_is_no_fault() -> None:
    """
    A provider may know no options.
    """
    assert set() == broken_claims(contract_of(RefusesOptions(api_key=KEY)))


def test_refusing_a_mail_by_its_feature_is_no_fault() -> None:
    """
    A provider may find out late that it cannot express a mail, if it says so.
    """
    assert set() == broken_claims(contract_of(RefusesQuotes(api_key=KEY)))


def test_own_runtime_error_is_shown() -> None:
    """
    What a provider's code raises while IO is forbidden is not taken for IO.
    """
    with pytest.raises(pytest.fail.Exception, match="build_request raises RuntimeError: my own"):
        purity.check_no_io(RaisesLater(), PLAIN)


def test_changed_message_is_noticed() -> None:
    """
    Building a request must leave the message alone.
    """
    with pytest.raises(pytest.fail.Exception, match="changed the message"):
        purity.check_pure(ChangesMessage(api_key=KEY), PLAIN.replace())


def test_short_secret_is_refused() -> None:
    """
    A secret that stands in other words by chance would make claims fail for nothing.
    """
    with pytest.raises(pytest.fail.Exception, match="8 characters"):
        shape.secrets_of(Tiny(api_key="key"))


def test_thawed_provider_is_refused() -> None:
    """
    A provider whose fields can be set is not shared by threads.
    """
    with pytest.raises(pytest.fail.Exception, match="frozen"):
        shape.check_frozen(Thawed())


def test_provider_with_list_is_refused() -> None:
    """
    A provider must have a hash.
    """
    with pytest.raises(pytest.fail.Exception, match="no hash"):
        shape.check_frozen(Listing())


def test_provider_that_cannot_pickle_is_refused() -> None:
    """
    A provider must get out of a pickle.
    """
    with pytest.raises(pytest.fail.Exception, match="does not pickle"):
        shape.check_pickles(Listing(names=lambda: None))


def test_provider_that_pickles_wrongly_is_refused() -> None:
    """
    What comes out must be what went in.
    """
    with pytest.raises(pytest.fail.Exception, match="another provider"):
        shape.check_pickles(PicklesWrongly(api_key=KEY))
