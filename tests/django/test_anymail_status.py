from __future__ import annotations

from mailfailover import Receipt, RecipientStatus
from mailfailover.django.anymail_status import status_of
from tests.samples import each


@each("status", RecipientStatus)
def test_every_status_has_a_word_of_anymail(status: RecipientStatus) -> None:
    """
    What anymail's users compare with is one of its own words.
    """
    receipt = Receipt("m1", "acme", "a-1", {"ann@example.org": status}, ())

    assert status_of(receipt).recipients["ann@example.org"].status in {
        "invalid",
        "queued",
        "rejected",
        "unknown",
    }


def test_a_recipient_who_got_nothing_for_now_has_failed() -> None:
    """
    Sending to them again is safe, which no refusal says.
    """
    receipt = Receipt(
        "m1",
        "acme",
        "a-1",
        {"ann@example.org": RecipientStatus.ACCEPTED, "bob@example.org": RecipientStatus.REFUSED},
        attempts=(),
        unsent=("bob@example.org",),
    )

    assert {"queued", "failed"} == status_of(receipt).status
