"""
The balance of the demo's mails, counted at the vendors and not at the mailer.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mailfailover.cli.exits import OK, REFUSED

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Mapping

    from mailfailover.cli.demo import Sent


@dataclass(frozen=True, slots=True)
class Count:
    """
    The balance. Mails are named by their number.

    Attributes:
        sent: How many mails the mailer was given.

        accepted: How many each vendor accepted.

        delivered: How many reached a vendor at all.

        duplicated: ``{mail: vendors}`` that more than one vendor, or one twice, accepted.

        flagged: The mails whose receipt says ``possible_duplicate``.

        lost: The mails that no vendor has.
    """

    sent: int
    accepted: Mapping[str, int]
    delivered: int
    duplicated: Mapping[int, tuple[str, ...]]
    flagged: tuple[int, ...]
    lost: tuple[int, ...]

    @property
    def unflagged(self) -> tuple[int, ...]:
        """
        The duplicates that no receipt told of.
        """
        return tuple(number for number in self.duplicated if number not in self.flagged)

    @property
    def is_clean(self) -> bool:
        """
        Whether nothing is lost, and nothing duplicated without a word.
        """
        return not self.lost and not self.unflagged

    @property
    def exit_code(self) -> int:
        """
        How the command ends.
        """
        return OK if self.is_clean else REFUSED

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return asdict(self) | {"unflagged": self.unflagged}

    def lines(self) -> Iterator[str]:
        """
        Yield it in words.
        """
        yield (
            f"{self.sent} mails: {self.delivered} delivered to a vendor, "
            f"{len(self.duplicated)} duplicated, {len(self.lost)} lost"
        )
        for number in self.flagged:
            vendors = " and ".join(self.duplicated.get(number, ()))
            truth = f"{vendors} have it" if vendors else "only one vendor has it"
            yield f"mail {number} is flagged possible_duplicate: {truth}"
        for number in self.unflagged:
            vendors = " and ".join(self.duplicated[number])
            yield f"mail {number} is DUPLICATED and not flagged: {vendors} have it"
        for number in self.lost:
            yield f"mail {number} is LOST: no vendor has it"


def take_count(mails: Iterable[Sent], accepted: Mapping[str, Counter[str]]) -> Count:
    """
    Compare the *mails* that were sent with what each vendor *accepted*, by mail id.
    """
    mails = list(mails)
    has: dict[str, list[str]] = {}
    for vendor, ids in accepted.items():
        for mail_id in ids.elements():
            has.setdefault(mail_id, []).append(vendor)
    by_number = {mail.number: tuple(has.get(mail.mail_id, ())) for mail in mails}
    return Count(
        sent=len(mails),
        accepted={vendor: ids.total() for vendor, ids in accepted.items()},
        delivered=sum(map(bool, by_number.values())),
        duplicated={number: names for number, names in by_number.items() if len(names) > 1},
        flagged=tuple(m.number for m in mails if m.receipt and m.receipt.possible_duplicate),
        lost=tuple(number for number, names in by_number.items() if not names),
    )
