"""
Every vendor against every kind of answer: what the mail and the provider suffer from each.
"""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailfailover import errors
from mailfailover.errors import Penalty, SendError, Verdict
from mailfailover.plugin import Accepted, Response, SMTPReply, SMTPResponse
from mailfailover.testing import PLAIN, FaultServer, faults
from mailfailover.testing._garbage import FOREIGN_BODIES, spoiled
from mailfailover.transports.http import HTTPTransport
from tests.faults.vendor_facts import FACTS, SMTP_FACTS
from tests.providers.registrations import http_vendors, unread_vendors, vendors
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover.plugin import Message
    from mailfailover.testing import ProviderContract

    Contract = type[ProviderContract]

HTTP = http_vendors()

# What an error does to the mail and to the provider, written apart from the classes.
EFFECTS: dict[type[SendError], tuple[Verdict, Penalty]] = {
    errors.MessageRejected: (Verdict.STOP, Penalty.NONE),
    errors.RecipientRejected: (Verdict.STOP, Penalty.NONE),
    errors.RecipientSuppressed: (Verdict.STOP, Penalty.NONE),
    errors.SenderRefused: (Verdict.SWITCH, Penalty.SENDER),
    errors.AuthenticationFailed: (Verdict.SWITCH, Penalty.ACCOUNT),
    errors.AccountSuspended: (Verdict.SWITCH, Penalty.ACCOUNT),
    errors.QuotaExceeded: (Verdict.SWITCH, Penalty.COOLDOWN),
    errors.RateLimited: (Verdict.SWITCH, Penalty.COOLDOWN),
    errors.UnsupportedFeature: (Verdict.SWITCH, Penalty.NONE),
    errors.RequestRefused: (Verdict.SWITCH, Penalty.NONE),
    errors.ProviderUnavailable: (Verdict.RETRY, Penalty.FAILURE),
    errors.OutcomeUnknown: (Verdict.UNKNOWN, Penalty.FAILURE),
}


def read(provider: Any, response: Any, message: Message = PLAIN) -> Accepted | SendError:
    """
    What *provider* makes of *response*, asked as a chain asks.
    """
    read_by = provider.parse_response if response.ok else provider.classify_error
    try:
        found: Accepted | SendError = read_by(response, message)
    except SendError as exc:
        return exc
    return found


def effects(outcome: Accepted | SendError) -> tuple[Verdict, Penalty] | None:
    """
    What *outcome* does to the mail and to the provider; None where it is no error.
    """
    return None if isinstance(outcome, Accepted) else (outcome.verdict, outcome.penalty)


def test_every_vendor_is_read_back() -> None:
    """
    The samples go to each vendor and back: none is registered with a contract alone.
    """
    assert [] == unread_vendors()


def test_facts_are_of_vendors() -> None:
    """
    No table of facts goes unread.
    """
    assert FACTS.keys() <= HTTP.keys()


@each(
    ("vendor", "number"),
    [(vendor, number) for vendor, facts in FACTS.items() for number in range(len(facts))],
)
def test_each_code_has_its_effects(vendor: str, number: int) -> None:
    """
    A vendor's code means what its documentation says, for the mail and for the provider.
    """
    status, body, kind = FACTS[vendor][number]
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()

    error = read(HTTP[vendor].provider, Response(status, {}, raw))

    assert (kind, EFFECTS[kind]) == (type(error), effects(error))


@each(("step", "code", "text", "kind"), SMTP_FACTS)
def test_each_reply_has_its_effects(step: str, code: int, text: str, kind: type[SendError]) -> None:
    """
    The same for the replies of a mail server.
    """
    error = read(vendors()["smtp"].provider, SMTPResponse(SMTPReply(code, text, step)))

    assert (kind, EFFECTS[kind]) == (type(error), effects(error))


# Answers that are not the vendor's

REDIRECTS = (301, 302, 303, 307, 308)
REFUSALS = (
    400,
    401,
    402,
    403,
    404,
    405,
    406,
    408,
    409,
    410,
    413,
    415,
    420,
    421,
    422,
    429,
    451,
    499,
)
FAILURES = (500, 501, 502, 503, 504, 520, 599)

SWITCHED = (Verdict.SWITCH, Penalty.NONE)
UNKNOWN = (Verdict.UNKNOWN, Penalty.FAILURE)
BY_STATUS = {
    401: (Verdict.SWITCH, Penalty.ACCOUNT),
    402: (Verdict.SWITCH, Penalty.ACCOUNT),
    403: (Verdict.RETRY, Penalty.FAILURE),  # the block page of an edge, not a wrong key
    408: UNKNOWN,
    429: (Verdict.SWITCH, Penalty.COOLDOWN),
    **dict.fromkeys(FAILURES, UNKNOWN),
}
# Vendors that mean something else by a status, whatever the body is.
OWN_MEANING = {
    ("smtp2go", 402): SWITCHED,  # no unpaid bill, but a call that failed
}


@pytest.fixture(params=HTTP)
def contract(request: pytest.FixtureRequest) -> Contract:
    """
    Each vendor's contract in turn.
    """
    return HTTP[request.param]


def test_a_foreign_error_is_what_its_status_says(contract: Contract) -> None:
    """
    An empty body, a proxy's page or a document of another shape says nothing but HTTP's word.
    """
    provider = contract.provider
    for status in REDIRECTS + REFUSALS + FAILURES:
        expected = OWN_MEANING.get((provider.name, status), BY_STATUS.get(status, SWITCHED))
        answers = {name: Response(status, {}, body) for name, body in FOREIGN_BODIES.items()}

        found = {name: effects(read(provider, answer)) for name, answer in answers.items()}

        assert dict.fromkeys(FOREIGN_BODIES, expected) == found


def test_a_foreign_success_is_unknown(contract: Contract) -> None:
    """
    The same with a status of success is neither a yes nor a no.
    """
    for status, (name, body) in itertools.product((200, 201, 202, 204), FOREIGN_BODIES.items()):
        if body.strip() or not contract.empty_success:
            outcome = read(contract.provider, Response(status, {}, body))

            assert (name, UNKNOWN) == (name, effects(outcome))


# Answers that are almost the vendor's


def recorded(contract: Contract) -> Iterator[tuple[Response, type[SendError] | None]]:
    """
    What the vendor's tests recorded, its success first, with what each answer is.
    """
    assert isinstance(contract.accepted, Response)
    yield contract.accepted, None
    for answer, kind in contract.errors:
        assert isinstance(answer, Response)
        yield answer, kind


def kind_of(outcome: Accepted | SendError) -> type[SendError] | None:
    """
    The class of an error, None where it is none.
    """
    return None if isinstance(outcome, Accepted) else type(outcome)


def doubled(first: Response, last: Response) -> Response:
    """
    An answer in which each key stands twice: with *first*'s value, and with that of *last*.
    """
    one, two = json.loads(first.body), json.loads(last.body)
    pairs = [(key, value) for data in (one, two) for key, value in data.items()]
    text = ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs)
    return Response(last.status_code, last.headers, f"{{{text}}}".encode())


def objects(contract: Contract) -> Iterator[tuple[Response, type[SendError] | None]]:
    """
    Those that are a JSON object.
    """
    for answer, kind in recorded(contract):
        if answer.json_object():
            yield answer, kind


def test_of_a_key_written_twice_the_last_counts(contract: Contract) -> None:
    """
    As in every reader of JSON; a refusal that such a document hides ends no mail.
    """
    for answer, kind in objects(contract):
        other = spoiled(answer, "zq-never-documented", 987_654_321)

        known, unknown = (
            read(contract.provider, doubled(*pair), contract.message)
            for pair in ((other, answer), (answer, other))
        )

        assert kind == kind_of(known)
        assert isinstance(unknown, Accepted) or unknown.verdict is not Verdict.STOP


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-7"])
def test_no_answer_has_to_be_utf_8(contract: Contract, encoding: str) -> None:
    """
    An answer in another encoding is read or not; it is never taken for a worse one.
    """
    for answer, kind in objects(contract):
        text = json.dumps(answer.json(), ensure_ascii=False).replace('"}', ' é"}', 1)
        body = text.encode(encoding)

        outcome = read(contract.provider, Response(answer.status_code, {}, body), contract.message)

        ended = isinstance(outcome, SendError) and outcome.verdict is Verdict.STOP
        assert not ended or kind is type(outcome)


RETRY_AFTER = {
    "7": 7.0,
    " 7 ": 7.0,
    "1.5": 1.5,
    "0": 0.0,
    "-5": 0.0,
    "": 60.0,
    "soon": 60.0,
    "nan": 60.0,
    "inf": 86400.0,
    "99999999": 86400.0,
}


def dates() -> dict[str, Any]:
    """
    A date in the past, one far away and one in an hour, with the seconds until then.

    The hour may be some minutes shorter when it is read: the machine may be busy.
    """
    now = datetime.now(UTC)
    return {
        format_datetime(now - timedelta(days=1), usegmt=True): 0.0,
        format_datetime(now + timedelta(days=9), usegmt=True): 86400.0,
        format_datetime(now + timedelta(hours=1), usegmt=True): pytest.approx(3600, abs=300),
    }


def test_every_form_of_retry_after_is_read(contract: Contract) -> None:
    """
    Seconds or a date, in the past or far away; what cannot be read is a minute.
    """
    bodies = [b"", b"{}", *(one.body for one, _ in recorded(contract) if one.status_code == 429)]
    forms = RETRY_AFTER | dates()
    for body, (value, seconds) in itertools.product(bodies, forms.items()):
        answer = Response(429, {"Retry-After": value}, body)

        error = read(contract.provider, answer, contract.message)

        assert isinstance(error, SendError)
        assert (Penalty.COOLDOWN, seconds) == (error.penalty, error.retry_after)


# No word of it occurs in a code or a text that means something.
NONSENSE = st.text("zqx ._-'\"{}<>\\\n\0é日", max_size=30)
NUMBERS = st.integers(10**6, 10**12)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "x-ratelimit-reset", "ratelimit-reset", "content-type"]),
    st.text(max_size=20),
    max_size=2,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), status=st.integers(200, 599), headers=HEADERS)
def test_no_unknown_answer_ends_a_mail(
    contract: Contract, data: st.DataObject, status: int, headers: dict[str, str]
) -> None:
    """
    Any status, with any bytes or with the vendor's own forms and other words in them.
    """
    shape = data.draw(st.sampled_from([answer for answer, _ in recorded(contract)]))
    body = data.draw(
        st.one_of(
            st.binary(max_size=60),
            st.builds(lambda text, n: spoiled(shape, text, n).body, NONSENSE, NUMBERS),
        )
    )

    outcome = read(contract.provider, Response(status, headers, body), contract.message)

    assert Verdict.STOP not in (effects(outcome) or ())


# On real sockets


@pytest.fixture(scope="module")
def transport() -> Iterator[HTTPTransport]:
    """
    One transport for all vendors, which reads no more than 100 kB.
    """
    made = HTTPTransport(max_response=100_000)
    yield made
    made.close()


class Vendor(NamedTuple):
    """
    A vendor's provider before a loopback server, and a host that must hear of nothing.
    """

    contract: Contract
    server: FaultServer
    elsewhere: FaultServer

    @property
    def provider(self) -> Any:
        """
        The provider, who calls the server.
        """
        return dataclasses.replace(self.contract.provider, base_url=self.server.url)

    def call(self, transport: HTTPTransport) -> Accepted | SendError:
        """
        Send a mail to the server, once.
        """
        message = self.contract.message
        try:
            response = transport.send(self.provider.build_request(message), 5)
        except SendError as exc:
            return exc
        return read(self.provider, response, message)


@pytest.fixture
def vendor(contract: Contract) -> Iterator[Vendor]:
    """
    Each vendor in turn.
    """
    with FaultServer() as server, FaultServer() as elsewhere:
        yield Vendor(contract, server, elsewhere)


@pytest.mark.parametrize("status", REDIRECTS)
def test_no_key_goes_where_an_answer_points(
    vendor: Vendor, transport: HTTPTransport, status: int
) -> None:
    """
    A redirect is a refusal, of a mail and of a ping: nobody connects to the other host.
    """
    vendor.server.fail(faults.redirect(f"{vendor.elsewhere.url}/v1", status))

    outcome = vendor.call(transport)
    pinged = transport.send(vendor.provider.build_ping(), 5)

    assert (2, 0) == (len(vendor.server.requests), vendor.elsewhere.connections)
    assert (SWITCHED, status) == (effects(outcome), pinged.status_code)


def packed(answer: Response) -> faults.Fault:
    """
    The fault of answering so, in gzip.
    """
    headers = dict(answer.headers) | {"Content-Encoding": "gzip"}
    return faults.status(answer.status_code, gzip.compress(answer.body), headers)


def test_a_packed_answer_is_read(vendor: Vendor, transport: HTTPTransport) -> None:
    """
    Nobody asked for gzip, and it is understood: of a success as of a refusal.
    """
    answers = [*recorded(vendor.contract)]
    for answer, kind in (answers[0], *answers[1:6]):
        vendor.server.fail(packed(answer), times=1)

        assert kind == kind_of(vendor.call(transport))


def test_a_bomb_is_not_unpacked(vendor: Vendor, transport: HTTPTransport) -> None:
    """
    A small answer that would fill the memory is none.
    """
    vendor.server.fail(faults.gzip_bomb(1_000_000))

    assert UNKNOWN == effects(vendor.call(transport))
