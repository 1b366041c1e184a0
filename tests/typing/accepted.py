"""
What type checkers must accept.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, assert_type

from mailfailover import Address, Attachment, Mailer, Message, Outcome, Receipt

if TYPE_CHECKING:
    from mailfailover.aio import AsyncMailer


def send(mailer: Mailer, message: Message) -> None:
    """
    Each form of a send.
    """
    assert_type(mailer.send(message), Receipt)
    assert_type(mailer.send(message, timeout=5, on_unknown="raise", via="eu"), Receipt)
    mailer.send(
        to=["a@example.org", Address("b@example.org")],
        cc="c@example.org",
        subject="Hi",
        text="Hi",
        headers={"X-A": ("1", "2")},
        attachments=Attachment("a.txt", b"a"),
        tags=("a", "b"),
        metadata={"n": 1},
        send_at=datetime(2030, 1, 1, tzinfo=UTC),
        template_id={"eu": "id"},
    )
    assert_type(mailer.send_many([message]), list[Outcome])
    assert_type(message.replace(subject="x"), Message)


async def send_in_a_loop(mailer: AsyncMailer, message: Message) -> None:
    """
    The same with an event loop.
    """
    assert_type(await mailer.send(message, on_unknown="resend"), Receipt)
    assert_type(await mailer.send(to="a@example.org", subject="Hi", text="Hi"), Receipt)
