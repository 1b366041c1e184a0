"""
Plugins whose merges leave somebody out, mix people up, or find out too late what they cannot say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover.errors import UnsupportedFeature
from mailfailover.plugin import HTTPRequest, Message, Response, for_recipient
from tests.testing.wrong_plugins import Wrong
from tests.testing.wrong_plugins.good import GoodMerge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.plugin import Accepted

NOBODY_OUT = "test_merges_leave_nobody_out"
BEFORE = "test_merges_are_refused_before_anybody_gets_one"
LOST = "test_nothing_is_lost"
ESCAPED = "test_merged_html_is_escaped"


def is_odd(mail: Message) -> bool:
    """
    Whether the vendor would not take this mail.
    """
    return not all(str(value).isascii() for _, value in mail.header_items())


def refusal() -> UnsupportedFeature:
    """
    How a good plugin says so.
    """
    return UnsupportedFeature("no such header", features=("HEADERS",))


class RefusesTooLate(GoodMerge):
    """
    Sends to the others, and tells of the odd one when they have the mail.
    """

    def mails(self, message: Message) -> list[dict[str, Any]]:
        each = (for_recipient(message, one) for one in message.to)
        return [self.body(mail) for mail in each if not is_odd(mail)]

    def parse_batch(self, response: Response, message: Message) -> Any:
        each = [for_recipient(message, one) for one in message.to]
        taken = iter(response.json_object()["ids"])
        return tuple(refusal() if is_odd(mail) else next(taken) for mail in each)


class LooksAtFirst(GoodMerge):
    def mails(self, message: Message) -> list[dict[str, Any]]:
        if is_odd(for_recipient(message, message.to[0])):
            raise refusal()
        return super().mails(message)


class LooksAtLast(GoodMerge):
    def mails(self, message: Message) -> list[dict[str, Any]]:
        found = [self.body(for_recipient(message, one)) for one in message.to]
        if is_odd(for_recipient(message, message.to[-1])):
            raise refusal()
        return found


class RefusesWhileSigning(GoodMerge):
    """
    Looks at the mail when it is about to be written, at each part by itself.
    """

    def build_request(self, message: Message) -> HTTPRequest:
        request = super().build_request(message)

        def auth(_: HTTPRequest, __: float) -> Mapping[str, str]:
            if message.cc:
                raise UnsupportedFeature("no copies", features=("MERGE",))
            return {}

        return HTTPRequest("POST", request.url, request.headers, request.body, auth)


class LeavesHeaderOff(GoodMerge):
    def mails(self, message: Message) -> list[dict[str, Any]]:
        each = [for_recipient(message, one) for one in message.to]
        mails = [self.body(mail) for mail in each]
        for mail, body in zip(each, mails, strict=True):
            if is_odd(mail):
                body["headers"] = {}
        return mails


class Twenty(GoodMerge):
    def mails(self, message: Message) -> list[dict[str, Any]]:
        return super().mails(message)[:20]


class WithoutLast(GoodMerge):
    def mails(self, message: Message) -> list[dict[str, Any]]:
        mails = super().mails(message)
        return mails[:-1] if len(mails) > 5 else mails


class Rotated(GoodMerge):
    """
    Everybody gets the next one's mail.
    """

    def mails(self, message: Message) -> list[dict[str, Any]]:
        mails = super().mails(message)
        people = [mail["to"] for mail in mails]
        return [mail | {"to": to} for mail, to in zip(mails, [*people[1:], people[0]], strict=True)]


class Backwards(GoodMerge):
    def mails(self, message: Message) -> list[dict[str, Any]]:
        mails = super().mails(message)
        people = [mail["to"] for mail in mails]
        return [mail | {"to": to} for mail, to in zip(mails, people[::-1], strict=True)]


class FirstForAll(GoodMerge):
    def mails(self, message: Message) -> list[dict[str, Any]]:
        first, *others = super().mails(message)
        return [first, *(first | {"to": one["to"]} for one in others)]


class SubjectOfFirst(GoodMerge):
    def mails(self, message: Message) -> list[dict[str, Any]]:
        first, *others = super().mails(message)
        return [first, *(one | {"subject": first["subject"]} for one in others)]


class Without(GoodMerge):
    """
    Loses a field of merges alone.
    """

    field = ""

    def mails(self, message: Message) -> list[dict[str, Any]]:
        return [mail | {self.field: []} for mail in super().mails(message)]


def without(field: str) -> type[GoodMerge]:
    """
    A plugin that loses *field* of merges.
    """
    return type("Without", (Without,), {"field": field, "__slots__": ()})


class SharedMetadata(GoodMerge):
    def mails(self, message: Message) -> list[dict[str, Any]]:
        return [mail | {"metadata": dict(message.metadata)} for mail in super().mails(message)]


class SharedHeaders(GoodMerge):
    def mails(self, message: Message) -> list[dict[str, Any]]:
        return [mail | {"headers": dict(message.headers)} for mail in super().mails(message)]


class Unfilled(GoodMerge):
    def mails(self, message: Message) -> list[dict[str, Any]]:
        return [
            mail | {"text": message.text, "subject": message.subject}
            for mail in super().mails(message)
        ]


class ForgetsNames(GoodMerge):
    def mails(self, message: Message) -> list[dict[str, Any]]:
        mails = super().mails(message)
        return [mail | {"to": [one.email]} for mail, one in zip(mails, message.to, strict=True)]


class CutsValues(GoodMerge):
    def mails(self, message: Message) -> list[dict[str, Any]]:
        return [mail | {"text": mail["text"][:255]} for mail in super().mails(message)]


class OneAnswer(GoodMerge):
    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted, ...]:
        return (self.parse_response(Response(200, {}, b'{"id": "1"}'), message),)


MERGES: dict[str, Wrong] = {
    "refuses too late": Wrong(RefusesTooLate, BEFORE, "is refused by build_batch, before"),
    "looks at the first": Wrong(LooksAtFirst, BEFORE, "of recipient 1 is refused, and of others"),
    "looks at the last": Wrong(LooksAtLast, BEFORE, "of recipient 3 is refused, and of others"),
    "leaves a header off": Wrong(LeavesHeaderOff, BEFORE, "zqöddqz is nowhere in the request"),
    "refuses while signing": Wrong(
        RefusesWhileSigning, "test_signatures_refuse_nothing", "auth refuses a mail"
    ),
    "cuts values": Wrong(CutsValues, BEFORE, "a long value"),
    "twenty of all": Wrong(Twenty, NOBODY_OUT, "30 of 50 recipients of a merge are nowhere"),
    "without the last": Wrong(WithoutLast, NOBODY_OUT, "1 of 10 recipients"),
    "rotated": Wrong(Rotated, NOBODY_OUT, "what is meant for another"),
    "backwards": Wrong(Backwards, NOBODY_OUT, "what is meant for another"),
    "first for all": Wrong(FirstForAll, LOST, "zqmergetwoqz"),
    "subject of the first": Wrong(SubjectOfFirst, LOST, "zqordertwoqz"),
    "no reply_to": Wrong(without("reply_to"), NOBODY_OUT, "REPLY_TO: zqreplynameqz"),
    "no files": Wrong(without("attachments"), NOBODY_OUT, "ATTACHMENTS: zqcontentqz"),
    "no tags": Wrong(without("tags"), NOBODY_OUT, "TAGS: zqtagqz"),
    "no HTML": Wrong(without("html"), NOBODY_OUT, "HTML: zqhtmlqz"),
    "metadata of all only": Wrong(SharedMetadata, LOST, "zqmmvalueqz"),
    "headers of all only": Wrong(SharedHeaders, LOST, "zqmhoneqz"),
    "not filled in": Wrong(Unfilled, LOST, "zqmergeoneqz"),
    "names lost": Wrong(ForgetsNames, LOST, "zqonenameqz"),
    "one answer": Wrong(OneAnswer, "test_merge_is_read_by_recipient", "speaks of 1 recipients of"),
}
