"""
Defects of a parsed mail by which something of it was lost.
"""

from __future__ import annotations

from email import errors as defects
from typing import TYPE_CHECKING

from mailfailover._message.mime_part import children_of, kind_of
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from email.message import Message as ParsedMessage

_LOSSES: dict[type, str] = {
    defects.NoBoundaryInMultipartDefect: "a multipart names no boundary",
    defects.StartBoundaryNotFoundDefect: "the boundary of a multipart is nowhere in it",
    defects.CloseBoundaryNotFoundDefect: "a multipart has no end, as if it was cut off",
    defects.MultipartInvariantViolationDefect: "a multipart has no parts",
    defects.FirstHeaderLineIsContinuationDefect: "a header begins with a continuation line",
    defects.MisplacedEnvelopeHeaderDefect: "a line 'From ' stands inside a header",
    defects.MissingHeaderBodySeparatorDefect: "a line of a header has no name and colon",
}
# An attached mail is kept as it is, so only what the parser throws away matters there.
_LOSSES_INSIDE = (defects.StartBoundaryNotFoundDefect, defects.FirstHeaderLineIsContinuationDefect)


def check_complete(part: ParsedMessage, *, inside: bool = False) -> None:
    """
    Refuse a mail of which the parser lost something.

    Raises:
        InvalidMessage: Saying what is broken.
    """
    for defect in part.defects:
        kind = type(defect)
        if kind is defects.MissingHeaderBodySeparatorDefect and not part.keys():
            continue  # The body begins at once: nothing is lost.
        if kind in _LOSSES and (not inside or kind in _LOSSES_INSIDE):
            raise broken(_LOSSES[kind])
    is_multipart = kind_of(part).startswith("multipart/")
    if is_multipart and not part.is_multipart():
        raise broken("a multipart has no parts")
    for child in children_of(part):
        check_complete(child, inside=inside or not is_multipart)


def broken(problem: str) -> InvalidMessage:
    """
    Make the error for a mail that is damaged.
    """
    return InvalidMessage(
        f"the MIME message is broken: {problem}; take it anew from where it was written"
    )
