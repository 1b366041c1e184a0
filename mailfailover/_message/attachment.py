"""
An attachment: a file that goes with a mail. Its content is not copied until it is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mailfailover._message.content_type import check_content_type
from mailfailover._message.validation import check_text
from mailfailover._values.face import published_in
from mailfailover._values.wire import Base64, File
from mailfailover.errors import InvalidMessage

_set = object.__setattr__


@published_in("mailfailover")
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Attachment:
    """
    A file that goes with the mail, or an image shown inside its HTML.

    Attributes:
        filename: Its name as the recipient sees it; any name but one with control characters.

        content: Its bytes, or a path that is read anew for each attempt.

        content_type: Its MIME type; guessed from the file name when not given.

        content_id:
            Set (``"logo"``) for an inline image that the HTML shows as ``src="cid:logo"``.
    """

    filename: str
    content: bytes | Path
    content_type: str = ""
    content_id: str = ""

    def __init__(
        self,
        filename: str,
        content: bytes | bytearray | memoryview | Path,
        content_type: str = "",
        content_id: str = "",
    ) -> None:
        if isinstance(content, (bytearray, memoryview)):
            content = bytes(content)
        if not isinstance(content, (bytes, Path)):
            message = (
                f"content of an attachment must be bytes or a Path, not {type(content).__name__}: "
                "encode text first, or use Attachment.from_path"
            )
            raise InvalidMessage(message, field="attachments")
        if not check_text("attachments filename", filename):
            message = "filename of an attachment is empty: name it"
            raise InvalidMessage(message, field="attachments")
        _set(self, "filename", filename)
        _set(self, "content", content)
        _set(self, "content_type", _content_type(content_type, filename))
        _set(self, "content_id", _content_id(content_id))

    @classmethod
    def from_path(
        cls, path: str | Path, filename: str = "", content_type: str = "", content_id: str = ""
    ) -> Self:
        """
        Attach the file at *path*, which is read anew for each attempt.

        Raises:
            InvalidMessage: If there is no readable file.
        """
        path = Path(path)
        if not path.is_file():
            message = f"attachment {path.name!r} is not a file: check the path"
            raise InvalidMessage(message, field="attachments")
        return cls(filename or path.name, path.absolute(), content_type, content_id)

    @property
    def size(self) -> int:
        """
        Its size in bytes, as it is now.
        """
        return len(self.content) if isinstance(self.content, bytes) else _stat(self.content)

    def raw(self) -> memoryview | File:
        """
        Its bytes as a part of a request's body, not copied.
        """
        if isinstance(self.content, bytes):
            return memoryview(self.content)
        return File(self.content, _stat(self.content))

    def base64(self) -> Base64:
        """
        Its bytes as a part of a request's body, base64 encoded while it is written.
        """
        return Base64(self.raw())

    def read(self) -> bytes:
        """
        All its bytes at once.
        """
        if isinstance(self.content, bytes):
            return self.content
        try:
            return self.content.read_bytes()
        except OSError as exc:
            raise _unreadable(self.content, exc) from exc

    def __repr__(self) -> str:
        return f"Attachment({self.filename!r}, {self.content_type!r})"


def _stat(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _unreadable(path: Path, exc: OSError) -> InvalidMessage:
    return InvalidMessage(
        f"attachment {path.name!r} cannot be read ({exc.strerror}): "
        "put the file back or leave it out",
        field="attachments",
    )


def _content_type(given: str, filename: str) -> str:
    if not given:
        from mimetypes import guess_type

        guessed, encoding = guess_type(filename, strict=False)
        return guessed if guessed and not encoding else "application/octet-stream"
    return check_content_type("attachments", "content_type of an attachment", given)


def _content_id(given: str) -> str:
    check_text("attachments content_id", given)
    if given.startswith("<") and given.endswith(">"):
        given = given[1:-1]
    if not given.isascii() or any(c in given for c in '<>" \\'):
        message = (
            'content_id has a character that is not allowed: use letters, digits and any of "@._-"'
        )
        raise InvalidMessage(message, field="attachments")
    return given
