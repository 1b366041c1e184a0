"""
The parts of a parsed mail: its text, its HTML, its attachments and inline images.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email import errors as defects
from email.message import Message as ParsedMessage
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from mailfailover._message.attachment import Attachment
from mailfailover._message.encoded_words import decode_bytes
from mailfailover._message.mime_part import BYTE_ORDER_MARK, Header, read_bytes, read_header
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Callable

_UNTOUCHABLE = {
    "multipart/signed": "signed",
    "multipart/encrypted": "encrypted",
    "application/pkcs7-mime": "signed or encrypted (S/MIME)",
    "application/x-pkcs7-mime": "signed or encrypted (S/MIME)",
}
_LOSSES: dict[type, str] = {
    defects.NoBoundaryInMultipartDefect: "a multipart names no boundary",
    defects.StartBoundaryNotFoundDefect: "the boundary of a multipart is nowhere in it",
    defects.CloseBoundaryNotFoundDefect: "a multipart has no end, as if it was cut off",
    defects.MultipartInvariantViolationDefect: "a multipart has no parts",
    defects.FirstHeaderLineIsContinuationDefect: "a header begins with a continuation line",
    defects.MisplacedEnvelopeHeaderDefect: "a line 'From ' stands inside a header",
    defects.MissingHeaderBodySeparatorDefect: "a line of a header has no name and colon",
}
# Attached mails are kept as they are, so only what the parser throws away matters there.
_LOSSES_INSIDE = (defects.StartBoundaryNotFoundDefect, defects.FirstHeaderLineIsContinuationDefect)

Body = tuple[str | None, str | None]
"""Text and HTML that say the same; None for a form that is not there."""


class _File(NamedTuple):
    filename: str
    content: bytes
    content_type: str
    content_id: str
    related: bool


@dataclass(slots=True)
class _Found:
    """
    The pieces of the body, in their order, and the files.
    """

    bodies: list[Body] = field(default_factory=list)
    files: list[_File] = field(default_factory=list)


def check_complete(part: ParsedMessage, *, inside: bool = False) -> None:
    """
    Refuse a mail of which the parser lost something.
    """
    for defect in part.defects:
        kind = type(defect)
        if kind is defects.MissingHeaderBodySeparatorDefect and not part.keys():
            continue  # the body begins at once: nothing is lost
        if kind in _LOSSES and (not inside or kind in _LOSSES_INSIDE):
            raise _broken(_LOSSES[kind])
    inside = inside or not _kind(part).startswith("multipart/")
    for child in _children(part):
        check_complete(child, inside=inside)


def content_fields(mail: ParsedMessage) -> dict[str, Any]:
    """
    Read the body of *mail*: the fields text, html and attachments.

    Raises:
        InvalidMessage: If a part is signed, encrypted or cannot be decoded.
    """
    found = _Found()
    _collect(mail, found)
    text, html = _join(found.bodies)
    attachments = tuple(_attachment(file, html or "") for file in found.files)
    return {"text": text or "", "html": html or "", "attachments": attachments}


def _broken(problem: str) -> InvalidMessage:
    return InvalidMessage(
        f"the MIME message is broken: {problem}; take it anew from where it was written"
    )


def _kind(part: ParsedMessage) -> str:
    kind = read_header(part, "content-type").value
    return kind if kind.count("/") == 1 else part.get_default_type()


def _collect(part: ParsedMessage, found: _Found) -> None:
    kind = _kind(part)
    if kind in _UNTOUCHABLE:
        message = (
            f"the MIME message is {_UNTOUCHABLE[kind]} ({kind}), which taking it apart would "
            "destroy: send it without, or through SMTP as it is"
        )
        raise InvalidMessage(message)
    if kind.startswith("multipart/"):
        if not part.is_multipart():
            raise _broken("a multipart has no parts")
        _MULTIPARTS.get(kind, _mixed)(part, found)
        return
    disposition = read_header(part, "content-disposition")
    content_type = read_header(part, "content-type")
    if kind in ("text/plain", "text/html") and not _is_file(disposition, content_type):
        found.bodies.append(_body(part, kind, content_type))
    else:
        found.files.append(_file(part, kind, len(found.files)))


def _is_file(disposition: Header, content_type: Header) -> bool:
    return disposition.value == "attachment" or bool(_filename(disposition, content_type))


def _filename(disposition: Header, content_type: Header) -> str:
    return disposition.params.get("filename") or content_type.params.get("name", "")


def _body(part: ParsedMessage, kind: str, content_type: Header) -> Body:
    name = "html" if kind == "text/html" else "text"
    charset = content_type.params.get("charset", "").strip("'")
    text = decode_bytes(read_bytes(part, name), charset, name)
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix(BYTE_ORDER_MARK)
    return (text, None) if name == "text" else (None, text)


def _file(part: ParsedMessage, kind: str, number: int, *, related: bool = False) -> _File:
    content_type = read_header(part, "content-type")
    filename = _filename(read_header(part, "content-disposition"), content_type)
    return _File(
        filename=filename or _invented_name(kind, number),
        content=read_bytes(part, "attachments"),
        # Its parameters matter for text (charset) and calendars (method).
        content_type=kind if "name" in content_type.params else content_type.text or kind,
        content_id=read_header(part, "content-id").text.strip("<> "),
        related=related,
    )


def _invented_name(kind: str, number: int) -> str:
    from mimetypes import guess_extension

    extension = ".eml" if kind == "message/rfc822" else guess_extension(kind) or ".bin"
    return f"attachment-{number + 1}{extension}"


def _attachment(file: _File, html: str) -> Attachment:
    """
    Make it an inline image where the HTML shows it, or where it was one.

    Not every attachment that has a Content-ID is meant so.
    """
    content_id = file.content_id
    shown = f"cid:{content_id}" in html or f"cid:{quote(content_id)}" in html
    return Attachment(
        file.filename,
        file.content,
        file.content_type,
        content_id if content_id and (file.related or shown) else "",
    )


def _mixed(part: ParsedMessage, found: _Found) -> None:
    for child in _children(part):
        _collect(child, found)


def _alternative(part: ParsedMessage, found: _Found) -> None:
    """
    Take the last text and the last HTML: the later, the better (RFC 2046, 5.1.4).
    """
    text: str | None = None
    html: str | None = None
    for child in _children(part):
        one = _Found(files=found.files)
        _collect(child, one)
        one_text, one_html = _join(one.bodies)
        text = text if one_text is None else one_text
        html = html if one_html is None else one_html
    if text is not None or html is not None:
        found.bodies.append((text, html))


def _related(part: ParsedMessage, found: _Found) -> None:
    """
    The root is the body, all else belongs to it (RFC 2387).
    """
    children = _children(part)
    start = read_header(part, "content-type").params.get("start", "")
    ids = [read_header(child, "content-id").text for child in children]
    root = ids.index(start) if start and start in ids else 0
    for number, child in enumerate(children):
        kind = _kind(child)
        if number == root or kind.startswith("multipart/") or kind in _UNTOUCHABLE:
            _collect(child, found)
        else:
            found.files.append(_file(child, kind, len(found.files), related=True))


_MULTIPARTS: dict[str, Callable[[ParsedMessage, _Found], None]] = {
    "multipart/alternative": _alternative,
    "multipart/related": _related,
}


def _children(part: ParsedMessage) -> list[ParsedMessage]:
    children = part.get_payload()
    if not isinstance(children, list):
        return []
    return [child for child in children if isinstance(child, ParsedMessage)]


def _join(bodies: list[Body]) -> Body:
    """
    Join the pieces of a body: HTML, where there is any, has all of them.

    The text is left out where a piece has none: half a text would hide the other half.
    """
    texts = [text for text, _ in bodies if text is not None]
    htmls = [html if html is not None else _as_html(text or "") for text, html in bodies]
    has_html = any(html is not None for _, html in bodies)
    return (
        _lines(texts) if texts and len(texts) == len(bodies) else None,
        _lines(htmls) if has_html else None,
    )


def _as_html(text: str) -> str:
    return f'<div style="white-space: pre-wrap">{escape(text)}</div>'


def _lines(pieces: list[str]) -> str:
    """
    Join *pieces*, each beginning on a line of its own.
    """
    ended = [piece if not piece or piece.endswith("\n") else f"{piece}\n" for piece in pieces[:-1]]
    return "".join([*ended, pieces[-1]])
