"""
Plugins with ``send`` alone that do something else than they declare.
"""

from __future__ import annotations

from mailfailover.errors import UnsupportedFeature
from mailfailover.plugin import Capabilities, Feature, Message
from tests.testing.wrong_plugins import Wrong
from tests.testing.wrong_plugins.good import GoodSimple

LOOKS = "test_looks_at_what_it_declares"
SENDS = "test_sends"


class IgnoresHTML(GoodSimple):
    def send(self, message: Message) -> str | None:
        self.call([one.email for one in message.to], message.subject, message.text, "")
        return message.id


class IgnoresText(GoodSimple):
    def send(self, message: Message) -> str | None:
        self.call([one.email for one in message.to], message.subject, "", message.html)
        return message.id


class IgnoresSubject(GoodSimple):
    def send(self, message: Message) -> str | None:
        self.call([one.email for one in message.to], "News", message.text, message.html)
        return message.id


class FirstOnly(GoodSimple):
    def send(self, message: Message) -> str | None:
        self.call([message.to[0].email], message.subject, message.text, message.html)
        return message.id


class DeclaresFiles(GoodSimple):
    capabilities = Capabilities(Feature.HTML | Feature.ATTACHMENTS, max_copies=0)


class DeclaresCopies(GoodSimple):
    capabilities = Capabilities(Feature.HTML)


class DeclaresReplies(GoodSimple):
    capabilities = Capabilities(Feature.HTML | Feature.REPLY_TO, max_copies=0)


class DeclaresTime(GoodSimple):
    capabilities = Capabilities(Feature.HTML | Feature.SEND_AT, max_copies=0)


class Crashes(GoodSimple):
    def send(self, message: Message) -> str | None:
        raise KeyError(message.subject)


class Changes(GoodSimple):
    def send(self, message: Message) -> str | None:
        object.__setattr__(message, "tags", ("sent",))
        return super().send(message)


class Refuses(GoodSimple):
    def send(self, message: Message) -> str | None:
        if not message.subject.isascii():
            raise UnsupportedFeature("no such subjects", features=("SUBJECT",))
        return super().send(message)


class Numbers(GoodSimple):
    def send(self, message: Message) -> int:  # type: ignore[override]  # the fault
        return 7


class SameId(GoodSimple):
    def send(self, message: Message) -> str | None:
        super().send(message)
        return "7"


SIMPLE: dict[str, Wrong] = {
    "ignores the HTML": Wrong(IgnoresHTML, LOOKS, "never looks at html"),
    "ignores the text": Wrong(IgnoresText, LOOKS, "never looks at text"),
    "ignores the subject": Wrong(IgnoresSubject, LOOKS, "never looks at subject"),
    "first recipient": Wrong(FirstOnly, LOOKS, "a recipient is missing"),
    "declares files": Wrong(DeclaresFiles, LOOKS, "never looks at attachments"),
    "declares copies": Wrong(DeclaresCopies, LOOKS, "never looks at cc"),
    "declares reply_to": Wrong(DeclaresReplies, LOOKS, "never looks at reply_to"),
    "declares send_at": Wrong(DeclaresTime, LOOKS, "never looks at send_at"),
    "refuses": Wrong(Refuses, SENDS, "send refuses what is declared .no such subjects"),
    "crashes": Wrong(Crashes, SENDS, "send raises KeyError"),
    "changes the message": Wrong(Changes, SENDS, "sending has changed the message"),
    "numbers": Wrong(Numbers, SENDS, "send must return a str"),
    "same id": Wrong(SameId, "test_sends_from_threads", "two mails have got one message id"),
}
