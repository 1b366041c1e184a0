"""
The fields of a header or a report, read by name without errors for malformed ones.
"""

from __future__ import annotations

from email.parser import HeaderParser
from typing import TYPE_CHECKING

from mailfailover._message.encoded_words import decode_words
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from email.message import Message

__all__ = ["Fields"]


class Fields:
    """
    Header fields, read by name without regard to case; a missing one is "".
    """

    def __init__(self, text: str) -> None:
        self._message: Message = HeaderParser().parsestr(text)

    def __bool__(self) -> bool:
        return bool(self._message.keys())

    def get(self, name: str) -> str:
        """
        Return the first value of the field *name*, on one line.
        """
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """
        Return every value of the field *name*, each on one line.
        """
        return [" ".join(str(one).split()) for one in self._message.get_all(name, [])]

    def words(self, name: str) -> str:
        """
        Return the field *name* with its encoded words decoded.
        """
        value = self.get(name)
        try:
            return decode_words(value, name)
        except InvalidMessage:
            return value

    @property
    def content_type(self) -> str:
        """
        The media type, in lower case.
        """
        return self._message.get_content_type()

    def parameter(self, name: str) -> str:
        """
        Return a parameter of Content-Type, "" where there is none.
        """
        found = self._message.get_param(name, "")
        return str(found[2] if isinstance(found, tuple) else found or "")

    @property
    def encoding(self) -> str:
        """
        The transfer encoding, in lower case.
        """
        return self.get("content-transfer-encoding").split(";")[0].strip().lower()
