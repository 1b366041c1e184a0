"""
A table of what a vendor's errors mean: by code, status, words, and the place at fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mailfailover._provider.answers import recipients_at
from mailfailover._provider.classify import classify_http
from mailfailover._values.face import published_in
from mailfailover._values.frozen import EMPTY
from mailfailover.errors import RecipientRejected, RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mailfailover._message.message import Message
    from mailfailover._values.wire import Response
    from mailfailover.errors import SendError


@published_in("mailfailover.plugin")
class Problem(NamedTuple):
    """
    One problem in a vendor's error answer; "" for each part that the vendor leaves out.
    """

    code: str = ""
    """The vendor's code for it."""

    text: str = ""
    """The vendor's words."""

    place: str = ""
    """The place in our request that is at fault, such as ``to[2].email``."""

    def __str__(self) -> str:
        place = self.place if self.place != self.code else ""
        return ": ".join(filter(None, (place, self.text)))


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class Rule:
    """
    A row of an error table: what kind of error a problem is that fits all that is given.

    Attributes:
        kind: The class of the error.

        code: A pattern of the whole code.

        words: A pattern found in the text, in whatever case.

        place: A pattern found in the place.

        status: The HTTP status of the answer.

    .. versionadded:: 0.1.0
    """

    kind: type[SendError]
    code: str = ""
    words: str = ""
    place: str = ""
    status: int | None = None

    def fits(self, problem: Problem, status: int) -> bool:
        """
        Whether the row applies to *problem* in an answer with this *status*.
        """
        return (
            self.status in (None, status)
            and (not self.code or re.fullmatch(self.code, problem.code) is not None)
            and re.search(self.place, problem.place) is not None
            and re.search(self.words, problem.text, re.IGNORECASE) is not None
        )


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class Errors:
    """
    The meanings of a vendor's errors: by the first rule that fits, else by words, else by code.

    Attributes:
        codes: The kind of error for each code that means the same in every answer.

        words: The kind for each pattern that is found in a text, in whatever case; in order.

        rules: Rows for what takes more than that to tell; in order, before all else.

    .. versionadded:: 0.1.0
    """

    codes: Mapping[str, type[SendError]] = EMPTY
    words: Mapping[str, type[SendError]] = EMPTY
    rules: tuple[Rule, ...] = ()

    def find(
        self, problems: Sequence[Problem], status: int
    ) -> tuple[type[SendError] | None, Sequence[Problem]]:
        """
        Return what the first known of *problems* means, and the problems that say so.

        None and all *problems* where none is known.
        """
        for rule in self.rules:
            if fitting := [one for one in problems if rule.fits(one, status)]:
                return rule.kind, fitting
        for pattern, kind in self.words.items():
            if fitting := [p for p in problems if re.search(pattern, p.text, re.IGNORECASE)]:
                return kind, fitting
        for problem in problems:
            if problem.code in self.codes:
                return self.codes[problem.code], (problem,)
        return None, problems

    def classify(
        self,
        response: Response,
        problems: Iterable[Problem],
        *,
        message: Message | None = None,
        otherwise: type[SendError] | None = None,
    ) -> SendError:
        """
        Make the error for an answer.

        Args:
            response: The answer. Without problems its status alone decides.

            problems:
                What the vendor says is wrong, in its own envelope, and nothing where the body
                is not in the vendor's form: that would be the answer of somebody in front of it.

            message: The mail, whose recipients are named where their place is at fault.

            otherwise:
                What a problem means that the table does not know, instead of what the status
                says. A status of success then means that nothing was sent.
        """
        said = list(problems)
        kind, fitting = self.find(said, response.status_code)
        kind = kind or otherwise
        if kind is None and said and response.ok:
            kind = RequestRefused
        error = classify_http(
            response,
            own_envelope=bool(said),
            code=next((one.code for one in fitting if one.code), ""),
            kind=kind,
            detail="; ".join(dict.fromkeys(filter(None, map(str, fitting)))),
        )
        if message is not None and isinstance(error, RecipientRejected):
            named = [email for one in fitting for email in recipients_at(one.place, message)]
            error.recipients = tuple(dict.fromkeys(named))
        return error
