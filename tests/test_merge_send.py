"""
Merges: each recipient's mail fails over by itself, and nobody gets two.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from mailfailover import (
    Accepted,
    AllProvidersFailed,
    Attachment,
    Capabilities,
    Feature,
    InvalidMessage,
    Message,
    OutcomeUnknown,
    Receipt,
    RecipientRejected,
    RecipientStatus,
)
from mailfailover.errors import (
    AuthenticationFailed,
    MessageRejected,
    ProviderUnavailable,
    RecipientSuppressed,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import HTTPRequest, Response
from tests.chains import Scripted, World, caught, send

EMAILS = [f"r{number}@example.org" for number in range(1, 6)]
OK = RecipientStatus.ACCEPTED


def merge(count: int = 3, **fields: Any) -> Message:
    """
    A merge to so many recipients.
    """
    return Message(
        EMAILS[:count],
        from_email="shop@example.com",
        subject="Dear {{name}}",
        text="Hi",
        merge_data={email: {"name": email[:2]} for email in EMAILS[:count]},
        id="m",
        **fields,
    )


class Batching:
    """
    A provider that merges, whose answers are scripted: one for each call.
    """

    capabilities = Capabilities(~Feature(0), max_merge=2)
    transport: ClassVar[Any]

    def __init__(self, name: str, *answers: Any) -> None:
        self.name = name
        self.answers = list(answers)
        self.calls: list[list[str]] = []
        self.transport = self  # type: ignore[misc]  # it carries its own requests

    def send(self, _request: HTTPRequest, _timeout: float) -> Response:
        """
        Carry a request: whatever it is, it is answered.
        """
        return Response(200)

    def close(self) -> None:
        """
        Nothing is open.
        """

    def build_request(self, message: Message) -> HTTPRequest:
        raise AssertionError("a merge goes out as a batch")

    def build_batch(self, message: Message) -> HTTPRequest:
        self.calls.append([address.email for address in message.to])
        return HTTPRequest(url="https://example.com")

    def parse_batch(self, _: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        answer = self.answers.pop(0) if self.answers else Accepted(f"{self.name}-id")
        if isinstance(answer, SendError):
            raise answer
        if isinstance(answer, tuple):
            return answer
        return (answer,) * len(message.to)

    def parse_response(self, response: Response, message: Message) -> Accepted:
        raise AssertionError("a merge goes out as a batch")

    def classify_error(self, response: Response, message: Message) -> SendError:
        raise AssertionError("every answer is 200")


@pytest.fixture
def world() -> World:
    """
    Time that stands still.
    """
    return World()


def statuses(receipt: Receipt) -> list[RecipientStatus]:
    """
    What became of each recipient, in their order.
    """
    return list(receipt.recipients.values())


def test_a_provider_that_cannot_merge_gets_one_mail_each(world: World) -> None:
    """
    Filled in, and each recipient sees nobody else.
    """
    a = Scripted("a", "1", "2", "3")

    receipt = send(world.chain(a), merge())

    assert [(mail.subject, len(mail.recipients)) for mail in a.mails] == [
        ("Dear r1", 1),
        ("Dear r2", 1),
        ("Dear r3", 1),
    ]
    assert receipt.message_ids == dict(zip(EMAILS, ["1", "2", "3"], strict=False))
    assert len({mail.message_id for mail in a.mails}) == 3


def test_a_batch_is_split_at_the_vendors_limit(world: World) -> None:
    """
    Two at a time, where the limit is two.
    """
    a = Batching("a")

    receipt = send(world.chain(a), merge(5))

    assert a.calls == [EMAILS[:2], EMAILS[2:4], EMAILS[4:]]
    assert statuses(receipt) == [OK] * 5
    assert (receipt.provider, receipt.possible_duplicate) == ("a", False)


def test_only_what_was_not_sent_fails_over(world: World) -> None:
    """
    The first part stays with the first provider, the rest goes to the second.
    """
    a = Batching("a", Accepted("a1"), ProviderUnavailable("503"))
    b = Batching("b")

    receipt = send(world.chain(a, b), merge(5))

    assert b.calls == [EMAILS[2:4], EMAILS[4:]]
    assert statuses(receipt) == [OK] * 5
    assert receipt.message_ids[EMAILS[0]] == "a1"


def test_refused_recipients_are_marked_and_the_rest_is_sent(world: World) -> None:
    """
    In the answer to each, by name, and by halving where the vendor names nobody.
    """
    a = Batching(
        "a",
        (Accepted("1"), RecipientSuppressed("before")),
        RecipientRejected("one of them is bad"),
        Accepted("3"),
        RecipientRejected("bad"),
        RecipientRejected("bad", recipients=[EMAILS[4]]),
    )

    receipt = send(world.chain(a), merge(5))

    assert a.calls == [EMAILS[:2], EMAILS[2:4], [EMAILS[2]], [EMAILS[3]], [EMAILS[4]]]
    assert statuses(receipt) == [
        OK,
        RecipientStatus.SUPPRESSED,
        OK,
        RecipientStatus.INVALID,
        RecipientStatus.INVALID,
    ]


def test_a_named_recipient_is_taken_out_of_the_part(world: World) -> None:
    """
    The others of the part go out in a call of their own.
    """
    a = Batching("a", RecipientRejected("bad", recipients=[EMAILS[0]]))

    receipt = send(world.chain(a), merge(2))

    assert a.calls == [EMAILS[:2], [EMAILS[1]]]
    assert statuses(receipt) == [RecipientStatus.INVALID, OK]


def test_a_bad_message_is_not_tried_in_parts(world: World) -> None:
    """
    Nobody was accepted: the refusal is raised.
    """
    a = Batching("a", MessageRejected("bad"), MessageRejected("bad"))

    error = caught(world.chain(a), merge(3))

    assert type(error) is MessageRejected
    assert a.calls == [EMAILS[:2], [EMAILS[2]]]
    assert len(error.attempts) == 2


def test_an_unknown_part_is_flagged(world: World) -> None:
    """
    It goes on to the next provider, and the receipt says so.
    """
    a = Batching("a", OutcomeUnknown("no answer"))
    b = Batching("b")

    receipt = send(world.chain(a, b), merge(2))

    assert (statuses(receipt), receipt.possible_duplicate) == ([OK, OK], True)


def test_an_unknown_part_is_left_alone_on_request(world: World) -> None:
    """
    What was accepted is a receipt, in which the others are unknown or refused.
    """
    a = Batching("a", Accepted("1"), OutcomeUnknown("no answer"))

    receipt = send(world.chain(a, Batching("b")), merge(5), on_unknown="raise")

    assert statuses(receipt) == [
        OK,
        OK,
        RecipientStatus.UNKNOWN,
        RecipientStatus.UNKNOWN,
        RecipientStatus.REFUSED,
    ]


def test_when_nobody_got_it_the_error_is_that_of_any_mail(world: World) -> None:
    """
    Surely not sent, or perhaps.
    """
    revoked = AuthenticationFailed("401")

    assert type(caught(world.chain(Batching("a", revoked)), merge())) is AllProvidersFailed
    assert type(caught(world.chain(Batching("b", OutcomeUnknown("?"))), merge(2))) is OutcomeUnknown


def test_what_some_got_is_a_receipt(world: World) -> None:
    """
    The others are refused, since nobody took them.
    """
    a = Batching("a", Accepted("1"), AuthenticationFailed("401"))

    receipt = send(world.chain(a), merge(3))

    assert statuses(receipt) == [OK, OK, RecipientStatus.REFUSED]
    assert receipt.rejected == {EMAILS[2]: RecipientStatus.REFUSED}


def test_single_answers_of_a_batch_may_switch(world: World) -> None:
    """
    What the vendor could not send for one recipient, the next provider sends.
    """
    a = Batching("a", (Accepted("1"), ProviderUnavailable("try later")))
    b = Batching("b")

    receipt = send(world.chain(a, b), merge(2))

    assert b.calls == [[EMAILS[1]]]
    assert statuses(receipt) == [OK, OK]


class Choosy(Batching):
    """
    A provider whose batch call cannot carry this mail, but whose single call can.
    """

    def build_request(self, message: Message) -> HTTPRequest:
        self.calls.append([address.email for address in message.to])
        return HTTPRequest(url="https://example.com")

    def build_batch(self, message: Message) -> HTTPRequest:
        raise UnsupportedFeature("no attachments in a batch", features=["ATTACHMENTS"])

    def parse_response(self, response: Response, message: Message) -> Accepted:
        return Accepted("1")


def test_what_does_not_fit_a_batch_goes_out_one_by_one(world: World) -> None:
    """
    Through the same provider, since nothing was sent yet.
    """
    a, b = Choosy("a"), Batching("b")

    receipt = send(world.chain(a, b), merge(3))

    assert a.calls == [[email] for email in EMAILS[:3]]
    assert (receipt.provider, statuses(receipt), b.calls) == ("a", [OK] * 3, [])


def test_a_lost_attachment_ends_it(world: World, tmp_path: Any) -> None:
    """
    Nobody got it: the error names the field.
    """
    path = tmp_path / "offer.pdf"
    path.write_bytes(b"x")
    message = merge(2, attachments=[Attachment.from_path(path)])

    def read(mail: Message) -> str:
        path.unlink(missing_ok=True)
        mail.attachments[0].read()
        return "id"

    error = caught(world.chain(Scripted("a", read)), message)

    assert isinstance(error, (InvalidMessage, OutcomeUnknown))
