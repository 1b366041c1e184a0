"""
An alternative: one more form of a mail's text, beside plain text and HTML.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mailfailover._message.content_type import check_content_type, split_charset
from mailfailover._message.encoded_words import decode_bytes
from mailfailover._message.validation import check_body
from mailfailover._values.face import published_in
from mailfailover._values.features import Feature
from mailfailover.errors import InvalidMessage

_set = object.__setattr__

_FEATURES = {"text/calendar": Feature.CALENDAR, "text/x-amp-html": Feature.AMP}
_OWN_FIELD = {"text/plain": "text", "text/html": "html"}


@published_in("mailfailover")
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Alternative:
    """
    One more form of the same text: an invitation, AMP for Email, or any other.

    Attributes:
        content_type:
            Its MIME type with its parameters, ``"text/calendar; method=REQUEST"``. A charset
            is left out, because the text goes out as UTF-8.

        content: The text itself. Bytes are decoded by the charset of *content_type*, UTF-8
            where it names none.

        preferred:
            Whether it stands after the HTML, for receivers that show the last form they
            know (RFC 2046, 5.1.4). Two alternatives that differ only in this are equal.

    Raises:
        InvalidMessage: If the type is no text of its own, or the content cannot be decoded.

    .. versionadded:: 0.1.0
    """

    content_type: str
    content: str
    preferred: bool = field(default=False, compare=False)

    def __init__(self, content_type: str, content: str | bytes, *, preferred: bool = False) -> None:
        label = "content_type of an alternative"
        content_type, charset = split_charset(
            check_content_type("alternatives", label, content_type)
        )
        kind = content_type.partition(";")[0].strip().lower()
        if kind in _OWN_FIELD:
            message = f"{label} is {kind}, which has a field of its own: use {_OWN_FIELD[kind]}"
            raise InvalidMessage(message, field="alternatives")
        if kind.startswith("message/"):
            message = f"{label} is {kind}, which is a mail and no form of one: attach it as a file"
            raise InvalidMessage(message, field="alternatives")
        if isinstance(content, (bytes, bytearray, memoryview)):
            content = decode_bytes(bytes(content), charset or "utf-8", "alternatives content")
        _set(self, "content_type", content_type)
        _set(self, "content", check_body("alternatives content", content))
        if not isinstance(preferred, bool):
            message = f"preferred must be True or False, not {type(preferred).__name__}"
            raise InvalidMessage(message, field="alternatives")
        _set(self, "preferred", preferred)

    @property
    def kind(self) -> str:
        """
        The type in lower case and without parameters, such as ``"text/calendar"``.
        """
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def feature(self) -> Feature:
        """
        The feature that a provider needs to carry it.
        """
        return _FEATURES.get(self.kind, Feature.ALTERNATIVES)

    def __repr__(self) -> str:
        return f"Alternative({self.content_type!r})"
