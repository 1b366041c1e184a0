"""
Why a vendor leaves recipients out.
"""

from __future__ import annotations

from mailfailover import errors
from mailfailover.plugin import RecipientStatus, Refusals, Response

TABLE = Refusals(
    {
        "bounced": (RecipientStatus.SUPPRESSED, errors.RecipientSuppressed),
        "complained": (RecipientStatus.SUPPRESSED, errors.RecipientSuppressed),
        "invalid": (RecipientStatus.INVALID, errors.RecipientRejected),
    }
)


def test_the_gravest_reason_decides() -> None:
    """
    The error names those whom it is about, and not those who are refused for less.
    """
    said = {"ann@example.org": "invalid", "bob@example.net": "bounced", "cat@x.edu": "complained"}

    error = TABLE.classify(Response(200), said)

    assert (errors.RecipientSuppressed, "bounced", ("bob@example.net", "cat@x.edu")) == (
        type(error),
        error.code,
        error.recipients,
    )


def test_a_reason_has_a_status() -> None:
    """
    Of a mail that others get, each refused recipient is told by his own.
    """
    assert RecipientStatus.INVALID is TABLE.status("invalid")
    assert "bounced" in TABLE
    assert "odd" not in TABLE
