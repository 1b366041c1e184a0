from __future__ import annotations

import signal
import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from mailfailover import Accepted, Link, Message
from mailfailover._chain.attempt import Result, make_attempt
from mailfailover._chain.driver import Call
from mailfailover._chain.faults import interpret
from mailfailover._provider.classify import DAY
from mailfailover._provider.scrub import Cause, hide, scrubbed, where
from mailfailover.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ConnectionFailed,
    InvalidMessage,
    MessageRejected,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    RecipientRejected,
    RequestRefused,
    SenderRefused,
    SendError,
)
from mailfailover.plugin import EVERYTHING, Capabilities, HTTPRequest, Response
from mailfailover.testing import FakeTransport
from tests.chains import MAIL, Scripted
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = HTTPRequest(url="https://api.acme.example/send")
OK = Response(200, {}, b"{}")
BAD = Response(503)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acme:
    """
    A provider each of whose methods does as it is told.
    """

    name: ClassVar[str] = "acme"
    capabilities: ClassVar[Capabilities] = EVERYTHING

    api_key: str = field(default="secret-key", repr=False)
    other: object = field(default=None, repr=False)
    transport: Any = None
    build: Callable[[], Any] = lambda: REQUEST
    parse: Callable[[], Any] = lambda: Accepted("id-1")
    classify: Callable[[], Any] = lambda: ProviderUnavailable("HTTP 503", stage="response")
    batch: Callable[[], Any] = lambda: (Accepted("id-1"),)

    def build_request(self, message: Message) -> HTTPRequest:
        request: HTTPRequest = self.build()
        return request

    build_batch = build_request

    def parse_response(self, response: Response, message: Message) -> Accepted:
        accepted: Accepted = self.parse()
        return accepted

    def classify_error(self, response: Response, message: Message) -> SendError:
        error: SendError = self.classify()
        return error

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        answers: tuple[Accepted | SendError, ...] = self.batch()
        return answers

    def build_ping(self) -> HTTPRequest:
        return REQUEST


def run(provider: Any, *answers: Any, message: Message = MAIL, batch: bool = False) -> Result:
    """
    Call *provider* through a transport that gives *answers*.
    """
    steps = make_attempt(Link(provider, "key"), message, FakeTransport(*answers), 5.0, batch=batch)
    try:
        step = next(steps)
        while True:
            assert isinstance(step, Call)
            try:
                answer = step.run()
            except BaseException as exc:  # noqa: BLE001 -- as the chain's driver does
                step = steps.throw(exc)
            else:
                step = steps.send(answer)
    except StopIteration as done:
        result: Result = done.value
        return result


def told(result: Result) -> tuple[type[SendError], str, str, str]:
    """
    The class, text, key and stage of the error it ended in.
    """
    error = result.error
    assert error is not None
    assert (result.stage, error.attempts) == (error.stage, ())
    return type(error), str(error), error.provider, error.stage


def raising(exc: BaseException) -> Callable[[], Any]:
    """
    A function that raises.
    """

    def fail() -> Any:
        raise exc

    return fail


LINE = raising(ValueError()).__code__.co_firstlineno + 1
FAIL = f"the code of provider 'key' failed: ValueError in fail, test_attempt.py line {LINE}"


def test_a_call_that_is_accepted() -> None:
    """
    The request goes to the transport with the time it has, and the answer is read.
    """
    transport = FakeTransport(OK)
    steps = make_attempt(Link(Acme()), MAIL, transport, 5.0)

    step = next(steps)
    assert step == Call(transport.send, (REQUEST, 5.0))
    with pytest.raises(StopIteration) as done:
        steps.send(step.run())

    assert done.value.value == Result("response", 200, Accepted("id-1"))


def test_a_call_that_is_refused() -> None:
    """
    What the provider makes of the answer gets the link's key, and the answer's status.
    """
    result = run(Acme(), BAD)

    assert told(result) == (ProviderUnavailable, "HTTP 503", "key", "response")
    assert result.status_code == 503


def test_a_success_that_hides_a_failure() -> None:
    """
    parse_response may raise.
    """
    result = run(Acme(parse=raising(RecipientRejected("no such user", status_code=550))), OK)

    assert told(result) == (RecipientRejected, "no such user", "key", "response")
    assert result.status_code == 550


def test_a_provider_with_a_transport_of_its_own() -> None:
    """
    It is used, whatever its requests are.
    """
    own = FakeTransport(OK)

    assert run(Acme(transport=own, build=lambda: "my request")) == Result(
        "response", 200, Accepted("id-1")
    )
    assert list[object](own.requests) == ["my request"]


@each(
    ("answer", "accepted"),
    [(None, Accepted()), ("id-1", Accepted("id-1")), (Accepted("x"), Accepted("x"))],
)
def test_the_simplest_provider(answer: Accepted | str | None, accepted: Accepted) -> None:
    """
    It returns an id, nothing, or all it knows.
    """
    assert run(Scripted("simple", answer)) == Result("response", None, accepted)


PLUGIN_FAULTS: dict[str, tuple[Any, type[SendError], str, str]] = {
    "build raises": (Acme(build=raising(ValueError("secret"))), RequestRefused, FAIL, "preparing"),
    "build is misconfigured": (
        Acme(build=raising(ConfigurationError("secret"))),
        RequestRefused,
        FAIL.replace("ValueError", "ConfigurationError"),
        "preparing",
    ),
    "build returns nonsense": (
        Acme(build=lambda: {"url": "x"}),
        RequestRefused,
        "the code of provider 'key' failed: build_request returned dict",
        "preparing",
    ),
    "parse raises": (Acme(parse=raising(ValueError("secret"))), OutcomeUnknown, FAIL, "response"),
    "parse finds the message invalid": (
        Acme(parse=raising(InvalidMessage("secret"))),
        OutcomeUnknown,
        FAIL.replace("ValueError", "InvalidMessage"),
        "response",
    ),
    "parse returns nonsense": (
        Acme(parse=lambda: "id-1"),
        OutcomeUnknown,
        "the code of provider 'key' failed: it returned str where Accepted was due",
        "response",
    ),
    "simple returns nonsense": (
        Scripted("simple", lambda _message: 42),
        OutcomeUnknown,
        "the code of provider 'key' failed: it returned int where Accepted was due",
        "writing",
    ),
    "simple raises": (
        Scripted("simple", lambda _message: raising(ValueError("secret"))()),
        OutcomeUnknown,
        FAIL,
        "writing",
    ),
}


@each("name", PLUGIN_FAULTS)
def test_what_a_plugin_does_wrong_is_judged_by_when(name: str) -> None:
    """
    Before the transport was asked nothing was sent; later it may have been.
    """
    provider, kind, text, stage = PLUGIN_FAULTS[name]

    assert told(run(provider, OK)) == (kind, text, "key", stage)


@pytest.mark.parametrize(
    ("classify", "text"),
    [
        (raising(ValueError("secret")), FAIL),
        (lambda: None, "the code of provider 'key' failed: classify_error returned NoneType"),
    ],
    ids=["raises", "nonsense"],
)
def test_an_error_that_cannot_be_read_is_unknown(classify: Any, text: str) -> None:
    """
    The vendor answered, nobody knows what.
    """
    result = run(Acme(classify=classify), BAD)

    assert told(result) == (OutcomeUnknown, text, "key", "response")
    assert result.status_code == 503


def test_what_a_foreign_transport_raises_may_have_been_sent() -> None:
    """
    A vendor's SDK fails in its own way, after which nothing can be excluded.
    """
    own = FakeTransport(OSError("secret"))

    kind, text, _, stage = told(run(Acme(transport=own)))

    assert (kind, stage) == (OutcomeUnknown, "writing")
    assert text.startswith("the code of provider 'key' failed: OSError in send, _transport.py")


def test_a_transport_that_returns_nonsense_is_unknown() -> None:
    """
    None is no answer, and no proof that nothing was sent.
    """
    kind, text, _, stage = told(run(Acme(), lambda _request: None))

    assert (kind, stage) == (OutcomeUnknown, "response")
    assert text.startswith(
        "the code of provider 'key' failed: AttributeError in make_attempt, attempt.py"
    )


@each(
    ("error", "stage"),
    [
        (ConnectionFailed("refused"), "connecting"),
        (ConnectionFailed("TLS", stage="connected"), "connected"),
        (OutcomeUnknown("reset"), "writing"),
        (OutcomeUnknown("no answer", stage="written"), "written"),
    ],
    ids=["refused", "tls", "reset", "hang"],
)
def test_what_a_transport_knows_is_kept(error: SendError, stage: str) -> None:
    """
    Its stage, and where it says none, what its class implies.
    """
    assert told(run(Acme(), error)) == (type(error), str(error), "key", stage)


def test_an_attachment_that_cannot_be_read_is_no_provider_s_fault() -> None:
    """
    Nobody could send the mail, so it comes out as it is.
    """
    with pytest.raises(InvalidMessage, match="cannot be read"):
        run(Acme(), InvalidMessage("attachment 'a' cannot be read", field="attachments"))


class SoftTimeLimitExceeded(Exception):
    """
    As Celery's, by name.
    """


class OwnLimit(SoftTimeLimitExceeded):
    pass


@each("kind", [KeyboardInterrupt, GeneratorExit, SoftTimeLimitExceeded, OwnLimit])
@each("where_", ["build", "transport", "parse", "simple"])
def test_what_is_meant_for_the_process_or_the_task_passes(
    kind: type[BaseException], where_: str
) -> None:
    """
    Wherever it strikes.
    """
    provider: Any = {
        "build": Acme(build=raising(kind())),
        "transport": Acme(),
        "parse": Acme(parse=raising(kind())),
        "simple": Scripted("simple", kind()),
    }[where_]

    with pytest.raises(kind):
        run(provider, kind() if where_ == "transport" else OK)


def test_a_plugin_that_exits_fails_like_any_other() -> None:
    """
    sys.exit() in the provider's own module does not end the process.
    """
    plugin = ModuleType("exiting_plugin")
    code = (
        "import sys\n"
        "class Exiting:\n"
        "    name = 'exiting'\n"
        "    def send(self, message):\n"
        "        sys.exit('secret')\n"
    )
    exec(code, vars(plugin))  # noqa: S102 -- a module of its own is the point

    kind, text, _, stage = told(run(plugin.Exiting()))

    assert (kind, stage) == (OutcomeUnknown, "writing")
    assert text == ("the code of provider 'key' failed: SystemExit in send, <string> line 5")


def test_a_signal_handler_that_exits_ends_the_process() -> None:
    """
    It is no fault of the plugin in which the signal struck.
    """
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    plugin = ModuleType("signalled_plugin")
    code = (
        "import os, signal\n"
        "class Signalled:\n"
        "    name = 'signalled'\n"
        "    def send(self, message):\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    exec(code, vars(plugin))  # noqa: S102 -- a module of its own is the point

    try:
        with pytest.raises(SystemExit):
            run(plugin.Signalled())
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_exit_that_never_ran_passes() -> None:
    """
    Without a traceback nobody can tell whose it is.
    """
    with pytest.raises(SystemExit):
        interpret(SystemExit(), Link(Acme()), MAIL, "writing")


TWO = Message(
    to=["ann@example.org", "bob@example.org"],
    from_email="shop@example.com",
    subject="Hi",
    text="{{n}}",
    merge_data={"ann@example.org": {"n": "1"}, "bob@example.org": {"n": "2"}},
)


def test_a_merge_has_an_answer_for_each_recipient() -> None:
    """
    The errors among them are of this link.
    """
    refusal = RecipientRejected("no mailbox ann@example.org", recipients=["ann@example.org"])

    result = run(Acme(batch=lambda: [Accepted("1"), refusal]), OK, message=TWO, batch=True)

    assert result == Result("response", 200, batch=(Accepted("1"), refusal))
    assert (refusal.provider, refusal.stage) == ("key", "response")
    assert str(refusal) == "no mailbox <address>"


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ((Accepted(),), "parse_batch spoke of 1 recipients of 2"),
        ((Accepted(), None), "it returned NoneType where Accepted was due"),
    ],
    ids=["too few", "nonsense"],
)
def test_a_merge_whose_answers_make_no_sense_is_unknown(answers: Any, text: str) -> None:
    """
    Nobody knows who got it.
    """
    result = run(Acme(batch=lambda: answers), OK, message=TWO, batch=True)

    expected = f"the code of provider 'key' failed: {text}"
    assert told(result) == (OutcomeUnknown, expected, "key", "response")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed(Acme):
    """
    Its vendor answers with the status of the worst of many.
    """

    mixed_batches: ClassVar[bool] = True


def test_an_error_status_can_hide_acceptances() -> None:
    """
    Where it can, what is said of each recipient counts, not the status.
    """
    refusal = RecipientRejected("no mailbox")

    result = run(Mixed(batch=lambda: (Accepted("1"), refusal)), BAD, message=TWO, batch=True)

    assert result == Result("response", 503, batch=(Accepted("1"), refusal))


def test_an_error_status_of_one_mail_is_an_error() -> None:
    """
    A mail that is no merge is refused as a whole.
    """
    assert told(run(Mixed(), BAD)) == (ProviderUnavailable, "HTTP 503", "key", "response")


YES = Accepted("1")
NO = RecipientRejected("no")
REFUSED = SenderRefused("unverified")
RESULTS: dict[str, tuple[Result, SendError | None, SendError | None]] = {
    "accepted": (Result("response", accepted=YES), None, None),
    "failed": (Result("response", error=REFUSED), REFUSED, REFUSED),
    "some": (Result("response", batch=(NO, YES)), None, None),
    "some, and the provider is to blame": (Result("response", batch=(YES, REFUSED)), None, REFUSED),
    "nobody": (Result("response", batch=(NO, REFUSED)), NO, REFUSED),
    "nobody, by their own fault": (Result("response", batch=(NO, NO)), NO, None),
}


@each("name", RESULTS)
def test_what_a_result_tells_of_the_mail_and_of_the_provider(name: str) -> None:
    """
    It failed if nobody got it; the provider is to blame for what is not a recipient's fault.
    """
    result, failure, blame = RESULTS[name]

    assert (result.failure, result.blame) == (failure, blame)


SECONDS: list[tuple[Any, float | None]] = [
    (None, None),
    (7, 7.0),
    (-3.0, 0.0),
    (1e12, DAY),
    (float("nan"), None),
    (float("inf"), DAY),
    ("60", None),
    (True, None),
]


@each(("given", "seconds"), SECONDS)
def test_a_plugin_s_retry_after_is_a_number_of_seconds_or_none(
    given: Any, seconds: float | None
) -> None:
    """
    Whatever it took it from: the clockwork of the chain must not trip over it.
    """
    error = run(Acme(classify=lambda: RateLimited("429", retry_after=given)), BAD).error

    assert error is not None
    assert error.retry_after == seconds


def test_an_error_hangs_on_nothing_that_must_not_be_told() -> None:
    """
    No context, no traceback into the plugin, and of the cause only kind and place.
    """

    def classify() -> SendError:
        try:
            raise KeyError("secret")
        except KeyError as exc:
            error = AuthenticationFailed("key secret-key of ann@example.org is revoked")
            raise error from exc

    error = run(Acme(classify=classify), BAD).error

    assert error is not None
    assert str(error) == "key <secret> of <address> is revoked"
    assert (error.__context__, error.__traceback__) == (None, None)
    line = classify.__code__.co_firstlineno + 2
    assert repr(error.__cause__) == f"Cause('KeyError in classify, test_attempt.py line {line}')"


def test_a_cause_keeps_the_system_s_own_words() -> None:
    """
    Not the file's name beside them; what is scrubbed already stays as it is.
    """
    cause = Cause("gaierror: Name or service not known")

    assert str(scrubbed(OSError(28, "No space left", "/home/ann"))) == "OSError: No space left"
    assert scrubbed(cause) is cause
    assert scrubbed(None) is None


def test_an_exception_that_was_not_raised_has_no_place() -> None:
    """
    There is nothing to say of it.
    """
    assert where(ValueError("secret")) == ""


def test_only_secrets_are_hidden() -> None:
    """
    Those that are texts, and long enough not to be in every other word.
    """
    text = "the secret-key is 12345678 and k"

    assert hide(text, Acme(api_key="secret-key", other="k")) == "the <secret> is 12345678 and k"
    assert hide(text, Acme(api_key="", other=12345678)) == text
    assert hide(text, Scripted("simple")) == text


def test_a_message_that_nobody_would_take_says_so() -> None:
    """
    The same error object may be raised again: it carries nothing of the time before.
    """
    error = MessageRejected("bad")
    provider = Acme(classify=lambda: error)

    first, second = run(provider, BAD), run(provider, BAD)

    assert told(first) == told(second) == (MessageRejected, "bad", "key", "response")


def test_the_stage_of_an_accepted_mail_is_text_as_that_of_a_refused_one() -> None:
    """
    Attempts print their stage in one way, and pickle it without a class of ours.
    """
    assert "'response'" == repr(run(Acme(), OK).stage)
    assert "'response'" == repr(run(Acme(), BAD).stage)
