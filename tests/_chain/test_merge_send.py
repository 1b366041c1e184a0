from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import (
    Accepted,
    Attempt,
    Capabilities,
    InvalidMessage,
    Link,
    Message,
    Receipt,
    RecipientStatus,
)
from mailfailover._chain.policy import Policy, Upcoming
from mailfailover.errors import (
    AllProvidersFailed,
    AuthenticationFailed,
    MessageRejected,
    OutcomeUnknown,
    ProviderUnavailable,
    RecipientRejected,
    RecipientSuppressed,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import EVERYTHING, Attachment, Feature, HTTPRequest, Response
from tests.chains import NOW, Scripted, World, caught, outcomes, send

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE = ("ann", "bob", "cat", "dan", "eve", "fay", "guy")
ACCEPTED = RecipientStatus.ACCEPTED
INVALID = RecipientStatus.INVALID
REFUSED = RecipientStatus.REFUSED
UNKNOWN = RecipientStatus.UNKNOWN

DOWN = ProviderUnavailable("HTTP 503")
DOUBT = OutcomeUnknown("no answer", stage="written")


def merge(count: int) -> Message:
    """
    A mail of their own for so many people.
    """
    emails = [email(name) for name in PEOPLE[:count]]
    return Message(
        to=emails,
        from_email="shop@example.com",
        subject="For {{name}}",
        text="Hello {{name}}",
        merge_data={one: {"name": one[0].upper()} for one in emails},
        id="m1",
    )


def email(name: str) -> str:
    """
    The address of one of them.
    """
    return f"{name}@example.org"


def status(**names: RecipientStatus) -> dict[str, RecipientStatus]:
    """
    What became of them.
    """
    return {email(name): one for name, one in names.items()}


def bad(*names: str) -> RecipientRejected:
    """
    A refusal that names these.
    """
    return RecipientRejected("no such user", recipients=[email(name) for name in names])


Answer = SendError | None


class Batching:
    """
    A provider that takes whole merges, *size* recipients in one call.

    An answer is an error for the whole call, a list with one for each recipient, None for yes,
    or a function of the names that returns one of these.

    Attributes:
        calls: The names in each call.
    """

    capabilities: Capabilities

    def __init__(
        self, name: str, *answers: Any, size: int | None = None, **attributes: Any
    ) -> None:
        self.name = name
        self.capabilities = Capabilities(EVERYTHING.features, max_merge=size)
        self.calls: list[str] = []
        self.keys: list[str] = []
        self.transport = self
        self._answers = deque(answers or (None,))
        vars(self).update(attributes)

    def build_request(self, message: Message) -> HTTPRequest:
        raise AssertionError("a merge is to go as a whole")

    def build_batch(self, message: Message) -> HTTPRequest:
        names = " ".join(name_of(one.email) for one in message.to)
        return HTTPRequest(headers={"Key": message.idempotency_key}, body=names.encode())

    def send(self, request: HTTPRequest, timeout: float) -> Response:
        assert isinstance(request.body, bytes)
        self.calls.append(request.body.decode())
        self.keys.append(request.headers["Key"])
        return Response(200, {}, request.body)

    def parse_batch(self, response: Response, message: Message) -> Any:
        names = response.body.decode().split()
        answer = self._answers[0] if len(self._answers) == 1 else self._answers.popleft()
        if callable(answer):
            answer = answer(names)
        if isinstance(answer, BaseException):
            raise answer
        found = answer if isinstance(answer, list) else [None] * len(names)
        return [
            Accepted(f"{self.name}-{who}") if one is None else one
            for who, one in zip(names, found, strict=True)
        ]

    def close(self) -> None:
        pass


def name_of(address: str) -> str:
    """
    The part before the @.
    """
    return address.partition("@")[0]


@pytest.fixture
def world() -> World:
    """
    A clock, chance, and ears.
    """
    return World()


def test_one_call_for_all_where_the_vendor_can(world: World) -> None:
    """
    The receipt has an id for each recipient.
    """
    a = Batching("a")

    receipt = send(world.chain(a), merge(3))

    assert a.calls == ["ann bob cat"]
    assert receipt == Receipt(
        "m1",
        "a",
        "a-ann",
        status(ann=ACCEPTED, bob=ACCEPTED, cat=ACCEPTED),
        (Attempt("a", NOW, 0.0, "response", "accepted", None, 200),),
        message_ids={email(name): f"a-{name}" for name in PEOPLE[:3]},
    )


def test_it_is_split_at_the_vendor_s_limit(world: World) -> None:
    """
    As few calls as possible, in the order of the recipients.
    """
    a = Batching("a", size=3)

    receipt = send(world.chain(a), merge(7))

    assert a.calls == ["ann bob cat", "dan eve fay", "guy"]
    assert outcomes(receipt.attempts) == [("a", "accepted")] * 3
    assert set(receipt.recipients.values()) == {ACCEPTED}


def test_each_gets_a_mail_of_his_own_from_a_provider_without_merges(world: World) -> None:
    """
    Filled in, with nobody else in it, and a Message-ID of its own.
    """
    a = Scripted("a", lambda message: f"id-{message.subject[-1]}")

    receipt = send(world.chain(a), merge(2))

    assert [(one.to[0].email, one.subject, one.text) for one in a.mails] == [
        ("ann@example.org", "For A", "Hello A"),
        ("bob@example.org", "For B", "Hello B"),
    ]
    assert len({one.message_id for one in a.mails}) == 2
    assert receipt.message_ids == {email("ann"): "id-A", email("bob"): "id-B"}
    assert (receipt.provider, receipt.provider_message_id) == ("a", "id-A")


def test_a_vendor_without_ids_gives_none(world: World) -> None:
    """
    Nothing is made up.
    """
    receipt = send(world.chain(Scripted("a", None)), merge(2))

    assert (receipt.provider_message_id, receipt.message_ids) == ("", {})


def test_what_a_vendor_says_of_each_recipient_is_kept(world: World) -> None:
    """
    Queued is not accepted, and ids may be given per recipient.
    """
    queued = Accepted("x", {email("ann"): RecipientStatus.QUEUED}, {email("ann"): "y"})

    receipt = send(world.chain(Scripted("a", queued)), merge(1))

    assert receipt.recipients == status(ann=RecipientStatus.QUEUED)
    assert receipt.message_ids == {email("ann"): "y"}


def test_named_recipients_are_marked_and_the_rest_is_sent_again(world: World) -> None:
    """
    To the same provider at once: it is not to blame.
    """
    a = Batching("a", bad("bob"), None)

    receipt = send(world.chain(a), merge(3))

    assert a.calls == ["ann bob cat", "ann cat"]
    assert receipt.recipients == status(ann=ACCEPTED, bob=INVALID, cat=ACCEPTED)
    assert receipt.rejected == status(bob=INVALID)
    assert outcomes(receipt.attempts) == [("a", "RecipientRejected"), ("a", "accepted")]
    assert not receipt.possible_duplicate


def test_an_unnamed_recipient_is_found_by_halving(world: World) -> None:
    """
    Every half that is refused is halved again, and everybody else gets the mail once.
    """
    got: list[str] = []

    def answer(names: list[str]) -> Answer:
        if {"bob", "guy"} & set(names):
            return RecipientRejected("one of them does not exist")
        got.extend(names)
        return None

    receipt = send(world.chain(Batching("a", answer)), merge(7))

    assert sorted(got) == ["ann", "cat", "dan", "eve", "fay"]
    assert receipt.rejected == status(bob=INVALID, guy=INVALID)


def test_a_refused_message_is_not_searched_for_a_culprit(world: World) -> None:
    """
    Nobody of this part gets it, and the other parts have their own turn.
    """
    a = Batching("a", MessageRejected("bad"), None, size=2)

    receipt = send(world.chain(a), merge(4))

    assert a.calls == ["ann bob", "cat dan"]
    assert receipt.rejected == status(ann=REFUSED, bob=REFUSED)


def test_answers_per_recipient_are_taken_one_by_one(world: World) -> None:
    """
    Each is accepted, invalid, or suppressed, in one call.
    """
    a = Batching("a", [None, RecipientRejected("no"), RecipientSuppressed("bounced")])

    receipt = send(world.chain(a), merge(3))

    assert a.calls == ["ann bob cat"]
    assert receipt.recipients == status(ann=ACCEPTED, bob=INVALID, cat=RecipientStatus.SUPPRESSED)
    assert outcomes(receipt.attempts) == [("a", "accepted")]


def test_if_nobody_is_left_it_raises(world: World) -> None:
    """
    The first word against a recipient, with the trail.
    """
    first, second = bad("ann"), RecipientSuppressed("bounced")

    error = caught(world.chain(Batching("a", [first, second])), merge(2))

    assert error is first
    assert outcomes(error.attempts) == [("a", "RecipientRejected")]


def test_only_parts_that_were_not_sent_fail_over(world: World) -> None:
    """
    What the first took stays there, the others go to the second, in its own way.
    """
    a, b = Batching("a", None, DOWN, size=2), Scripted("b")

    receipt = send(world.chain(a, b), merge(5))

    assert a.calls == ["ann bob", "cat dan"]
    assert [name_of(one.to[0].email) for one in b.mails] == ["cat", "dan", "eve"]
    assert set(receipt.recipients.values()) == {ACCEPTED}
    assert receipt.message_ids[email("ann")] == "a-ann"
    assert receipt.message_ids[email("eve")] == "b-id"
    assert outcomes(receipt.attempts) == [
        ("a", "accepted"),
        ("a", "ProviderUnavailable"),
        ("b", "accepted"),
        ("b", "accepted"),
        ("b", "accepted"),
    ]


def test_recipients_that_the_provider_is_to_blame_for_fail_over(world: World) -> None:
    """
    One of many got no answer of a recipient's own: only he goes on.
    """
    a, b = Batching("a", [None, DOWN, None]), Scripted("b")

    receipt = send(world.chain(a, b), merge(3))

    assert [name_of(one.to[0].email) for one in b.mails] == ["bob"]
    assert set(receipt.recipients.values()) == {ACCEPTED}


@pytest.mark.parametrize(
    ("error", "state"), [(AuthenticationFailed("401"), "account"), (DOWN, "closed")], ids=str
)
def test_blame_among_the_answers_is_counted(world: World, error: SendError, state: str) -> None:
    """
    A 200 that says the account is refused parks the account.
    """
    chain = world.chain(Batching("a", [error, error]), Scripted("b"))

    receipt = send(chain, merge(2))

    health = chain.health.snapshot()["a"]
    assert (health.state, health.failures) == (state, int(error is DOWN))
    assert outcomes(receipt.attempts)[0] == ("a", type(error).__name__)


def test_a_refused_sender_among_the_answers_parks_the_sender(world: World) -> None:
    """
    As for a single mail.
    """
    chain = world.chain(Batching("a", [None, SenderRefused("x")]), Scripted("b"))

    send(chain, merge(2))

    assert chain.health.snapshot()["a"].senders == {"example.com": 900.0}


def test_a_suppressed_recipient_may_be_switched_for(world: World) -> None:
    """
    Where the policy says so, he goes on to the next provider.
    """
    a, b = Batching("a", [RecipientSuppressed("bounced"), None]), Scripted("b")

    receipt = send(world.chain(a, b), merge(2), on_suppressed="switch")

    assert [name_of(one.to[0].email) for one in b.mails] == ["ann"]
    assert receipt.recipients == status(ann=ACCEPTED, bob=ACCEPTED)


def test_who_is_left_when_time_is_up_is_refused(world: World) -> None:
    """
    Accepted for anyone is a receipt that names the others.
    """
    a = Batching("a", None, DOWN, size=1)

    receipt = send(world.chain(a), merge(2), timeout=3)

    assert receipt.recipients == status(ann=ACCEPTED, bob=REFUSED)
    assert not receipt.possible_duplicate


def test_who_is_left_is_told_from_who_was_refused(world: World) -> None:
    """
    Sending again to the former is safe; the latter would be refused again.
    """
    a = Batching("a", None, bad("bob"), DOWN, size=1)

    receipt = send(world.chain(a), merge(3), timeout=3)

    assert receipt.recipients == status(ann=ACCEPTED, bob=INVALID, cat=REFUSED)
    assert receipt.unsent == (email("cat"),)


def test_before_each_part_it_says_what_became_of_the_others(world: World) -> None:
    """
    Whoever writes that down can go on from there in another process.
    """
    seen: list[Any] = []

    def note(upcoming: Upcoming) -> None:
        names = [name_of(one.email) for one in upcoming.message.to]
        made = outcomes(upcoming.attempts)
        seen.append((upcoming.provider, names, made, dict(upcoming.recipients)))

    a, b = Batching("a", None, DOUBT, size=1), Batching("b", size=1)
    send(world.chain(a, b), merge(2), before_call=note)

    first, second = ("a", "accepted"), ("a", "OutcomeUnknown")
    assert seen == [
        ("a", ["ann"], [], {}),
        ("a", ["bob"], [first], status(ann=ACCEPTED)),
        ("b", ["bob"], [first, second], status(bob=UNKNOWN, ann=ACCEPTED)),
    ]


def test_if_nobody_took_any_of_it_all_providers_failed(world: World) -> None:
    """
    Surely not sent, to nobody, though one was refused for good.
    """
    error = caught(world.chain(Batching("a", [bad("ann"), DOWN], DOWN)), merge(2), timeout=1)

    assert type(error) is AllProvidersFailed
    assert outcomes(error.attempts)[0] == ("a", "RecipientRejected")


def test_no_part_is_begun_after_the_deadline(world: World) -> None:
    """
    The parts that took too long leave no time for the others.
    """
    a = Scripted("a", world.after(2, "id"))

    receipt = send(world.chain(a), merge(7), timeout=5)

    assert len(a.mails) == 3
    assert list(receipt.recipients.values()).count(REFUSED) == 4


def test_a_rate_that_is_used_up_in_the_middle_is_respected(world: World) -> None:
    """
    The rest goes to the next provider.
    """
    a, b = Scripted("a"), Scripted("b")

    receipt = send(world.chain(Link(a, rate="2/d"), b), merge(3))

    assert (len(a.mails), len(b.mails)) == (2, 1)
    assert set(receipt.recipients.values()) == {ACCEPTED}


class TestUnknown:
    """
    Parts that may have been sent.
    """

    def test_those_of_an_earlier_process_are_not_forgotten(self, world: World) -> None:
        """
        Who gets the mail now may have got it then; who gets none now may have too.
        """
        earlier = Attempt("a", NOW, 1.0, "written", "OutcomeUnknown", DOUBT)
        a = Batching("a", None, DOWN, size=1)

        policy = Policy(timeout=1)
        receipt = world.chain(a).send(merge(2), [earlier], policy=policy)

        assert receipt.recipients == status(ann=ACCEPTED, bob=UNKNOWN)
        assert (receipt.possible_duplicate, receipt.unsent) == (True, ())

    def test_they_are_sent_again_where_that_is_allowed(self, world: World) -> None:
        """
        By the next provider, and the receipt says so.
        """
        a, b = Batching("a", None, DOUBT, size=2), Batching("b")

        receipt = send(world.chain(a, b), merge(4))

        assert b.calls == ["cat dan"]
        assert set(receipt.recipients.values()) == {ACCEPTED}
        assert receipt.possible_duplicate

    def test_the_same_part_goes_to_the_same_provider_with_the_same_key(self, world: World) -> None:
        """
        Not cut anew, for the vendor would not know it again.
        """
        a = Batching("a", bad("bob"), DOUBT, None, size=3, idempotency_ttl=60.0)

        receipt = send(world.chain(a, Scripted("b")), merge(5))

        assert a.calls == ["ann bob cat", "ann cat", "ann cat", "dan eve"]
        assert a.keys[1] == a.keys[2]
        assert len(set(a.keys)) == 3
        assert receipt.recipients == status(
            ann=ACCEPTED, bob=INVALID, cat=ACCEPTED, dan=ACCEPTED, eve=ACCEPTED
        )

    def test_another_provider_cuts_it_in_its_own_way(self, world: World) -> None:
        """
        Its limit may be smaller.
        """
        a, b = Batching("a", DOUBT), Batching("b", size=2)

        send(world.chain(a, b), merge(3))

        assert b.calls == ["ann bob", "cat"]

    def test_raise_ends_the_merge_at_once(self, world: World) -> None:
        """
        Nobody accepted any of it: the provider's own error.
        """
        a, b = Batching("a", DOUBT, size=2), Scripted("b")

        error = caught(world.chain(a, b), merge(4), on_unknown="raise")

        assert (error, a.calls, b.mails) == (DOUBT, ["ann bob"], [])

    def test_raise_ends_a_merge_in_a_receipt_where_some_accepted(self, world: World) -> None:
        """
        It names who may have got it, and who did not.
        """
        a = Batching("a", None, DOUBT, size=1)

        receipt = send(world.chain(a, Scripted("b")), merge(3), on_unknown="raise")

        assert receipt.recipients == status(ann=ACCEPTED, bob=UNKNOWN, cat=REFUSED)
        assert receipt.possible_duplicate

    def test_a_later_refusal_does_not_hide_it(self, world: World) -> None:
        """
        Whom the second provider finds invalid may have got it from the first.
        """
        a, b = Batching("a", DOUBT), Batching("b", [RecipientRejected("no"), None])

        receipt = send(world.chain(a, b), merge(2))

        assert receipt.recipients == status(ann=UNKNOWN, bob=ACCEPTED)

    @pytest.mark.parametrize("later", [RecipientRejected("no"), DOWN], ids=str)
    def test_if_nobody_accepts_it_stays_unknown(self, world: World, later: SendError) -> None:
        """
        Whatever the others say.
        """
        error = caught(
            world.chain(Batching("a", DOUBT), Batching("b", [later, later])), merge(2), timeout=1
        )

        assert type(error) is OutcomeUnknown
        assert error.provider == "a"

    def test_each_recipient_without_an_answer_is_noted(self, world: World) -> None:
        """
        Also beside others whom the provider refused.
        """
        a = Batching("a", [None, SenderRefused("x"), DOUBT])

        receipt = send(world.chain(a), merge(3))

        assert receipt.recipients == status(ann=ACCEPTED, bob=REFUSED, cat=UNKNOWN)
        assert receipt.possible_duplicate

    def test_a_refused_recipient_does_not_make_a_receipt(self, world: World) -> None:
        """
        One is invalid, the other's mail was lost on the way: nobody accepted anything.
        """
        a = Scripted("a", RecipientRejected("no"), DOUBT)

        error = caught(world.chain(a), merge(2), timeout=1)

        assert type(error) is OutcomeUnknown
        assert outcomes(error.attempts) == [("a", "RecipientRejected"), ("a", "OutcomeUnknown")]


def test_a_merge_that_one_recipient_makes_impossible_goes_elsewhere_whole(world: World) -> None:
    """
    Otherwise the first would get a mail from here, and the provider refuse the second.
    """

    class Picky(Batching):
        def build_batch(self, message: Message) -> HTTPRequest:
            raise UnsupportedFeature("no such header", features=("HEADERS",), stage="preparing")

    picky = Picky("a")

    receipt = send(world.chain(picky, Batching("b")), merge(2))

    assert ([], "b") == (picky.calls, receipt.provider)


@pytest.mark.parametrize("size", [None, 2, 1])
def test_a_merge_that_a_later_recipient_makes_impossible_goes_elsewhere_whole(
    world: World, size: int | None
) -> None:
    """
    Whether it goes in one call, in several, or one by one: what cannot go is known before any.
    """

    class Picky(Batching):
        def build_batch(self, message: Message) -> HTTPRequest:
            if size is None and len(message.to) > 1:
                raise UnsupportedFeature("one by one", features=("MERGE",), stage="preparing")
            if email("cat") in [one.email for one in message.to]:
                raise UnsupportedFeature("no such header", features=("HEADERS",), stage="preparing")
            return super().build_batch(message)

        def build_request(self, message: Message) -> HTTPRequest:
            return self.build_batch(message)

    picky = Picky("a", size=size)

    receipt = send(world.chain(picky, Batching("b")), merge(4))

    assert ([], "b") == (picky.calls, receipt.provider)


class OneByOne:
    """
    A provider that cannot merge, and has no header for Cat.
    """

    name = "a"
    capabilities = Capabilities(EVERYTHING.features & ~Feature.MERGE)

    def __init__(self) -> None:
        self.transport = self
        self.written: list[tuple[str, int]] = []

    def build_request(self, message: Message) -> HTTPRequest:
        who = name_of(message.to[0].email)
        self.written.append((who, len(message.attachments)))
        if who == "cat":
            raise UnsupportedFeature("no such header", features=("HEADERS",), stage="preparing")
        return HTTPRequest()

    def send(self, request: HTTPRequest, timeout: float) -> Response:
        raise AssertionError("the second would get none")

    def close(self) -> None:
        pass


def test_who_merges_one_by_one_is_asked_ahead(world: World) -> None:
    """
    It writes the later mails, without their files, before it sends the first.
    """
    a = OneByOne()
    file = Attachment("a.txt", b"text")

    receipt = send(world.chain(a, Batching("b")), merge(3).replace(attachments=file))

    assert "b" == receipt.provider
    assert [("ann", 1), ("bob", 0), ("cat", 0)] == a.written


def test_a_mail_that_the_provider_cannot_send_to_many_goes_to_each(world: World) -> None:
    """
    It said so before any call, and is not to blame.
    """

    class Single(Batching):
        def build_batch(self, message: Message) -> HTTPRequest:
            raise UnsupportedFeature("no attachments in a merge", stage="preparing")

        def build_request(self, message: Message) -> HTTPRequest:
            return super().build_batch(message)

        def parse_response(self, response: Response, message: Message) -> Accepted:
            return Accepted(f"{self.name}-id")

    a = Single("a")

    receipt = send(world.chain(a, Scripted("b")), merge(2))

    assert a.calls == ["ann", "bob"]
    assert receipt.recipients == status(ann=ACCEPTED, bob=ACCEPTED)
    assert outcomes(receipt.attempts) == [
        ("a", "UnsupportedFeature"),
        ("a", "accepted"),
        ("a", "accepted"),
    ]


class Small(Batching):
    """
    A provider whose calls have room for *room* of these mails, and that tells so.
    """

    def __init__(self, name: str, room: int, told: int) -> None:
        super().__init__(name)
        self.room, self.told = room, told

    def build_batch(self, message: Message) -> HTTPRequest:
        if len(message.to) > self.room:
            features = (f"max_merge={self.told}",)
            raise UnsupportedFeature("too large", stage="preparing", features=features)
        return super().build_batch(message)

    def build_request(self, message: Message) -> HTTPRequest:
        self.room = 1
        return self.build_batch(message)

    def parse_response(self, response: Response, message: Message) -> Accepted:
        return Accepted(f"{self.name}-id")


@pytest.mark.parametrize(
    ("room", "told", "calls"),
    [
        pytest.param(3, 3, ["ann bob cat", "dan eve fay", "guy"], id="right"),
        pytest.param(2, 3, ["ann bob", "cat dan", "eve fay", "guy"], id="too many at first"),
        pytest.param(6, 99, ["ann bob cat dan eve fay", "guy"], id="more than there are"),
        pytest.param(0, 0, list(PEOPLE), id="none"),
    ],
)
def test_a_merge_that_is_too_large_is_split(
    world: World, room: int, told: int, calls: list[str]
) -> None:
    """
    The provider says how many of these mails go into one call, before any.
    """
    a = Small("a", room, told)

    receipt = send(world.chain(a), merge(7))

    assert calls == a.calls
    assert receipt.recipients == status(**dict.fromkeys(PEOPLE, ACCEPTED))


def test_who_refuses_a_merge_after_a_call_is_passed_by(world: World) -> None:
    """
    The vendor said it, so each single mail would be refused as well.
    """
    a, b = Batching("a", UnsupportedFeature("too large")), Scripted("b")

    receipt = send(world.chain(a, b), merge(2))

    assert a.calls == ["ann bob"]
    assert receipt.provider == "b"


UNREADABLE = InvalidMessage("attachment 'a' cannot be read", field="attachments")


def unreadable_after(count: int) -> Callable[[Message], Any]:
    """
    An answer that finds a file gone after so many mails.
    """
    left = [count]

    def answer(_: Message) -> str:
        if not left[0]:
            raise UNREADABLE
        left[0] -= 1
        return "id"

    return answer


def test_an_unreadable_attachment_ends_it_before_any_mail(world: World) -> None:
    """
    As for a single one.
    """
    assert caught(world.chain(Scripted("a", unreadable_after(0))), merge(2)) is UNREADABLE


def test_an_attachment_that_vanishes_in_the_middle_leaves_a_receipt(world: World) -> None:
    """
    It names those who did not get it.
    """
    receipt = send(world.chain(Scripted("a", unreadable_after(1))), merge(3))

    assert receipt.recipients == status(ann=ACCEPTED, bob=REFUSED, cat=REFUSED)


def test_a_refused_preference_is_left_off_a_merge_too(world: World) -> None:
    """
    Nobody gets a mail before all of them can be written; then each goes by itself.
    """

    class Picky(Scripted):
        def send(self, message: Message) -> Any:
            if message.metadata:
                raise UnsupportedFeature("no such metadata", features=("METADATA",))
            return super().send(message)

    picky = Picky("a")
    own = {email("ann"): {"order": "1"}, email("bob"): {"order": "2"}}

    receipt = send(world.chain(picky), merge(2).replace(merge_metadata=own))

    assert outcomes(receipt.attempts) == [
        ("a", "UnsupportedFeature"),
        ("a", "accepted"),
        ("a", "accepted"),
    ]
    assert [dict(one.metadata) for one in picky.mails] == [{}, {}]
    assert receipt.attempts[-1].dropped == Feature.METADATA
