"""
The body of a parsed mail: its text, HTML, alternatives, inline images and files.

A body is read only where the fields hold all of it: each part, their order, their types and
parameters. Whatever else a part says is *beyond fields*, and the mail goes out as it is.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from mailfailover._message.alternative import Alternative
from mailfailover._message.attachment import Attachment
from mailfailover._message.encoded_words import decode_bytes
from mailfailover._message.mime_part import (
    BYTE_ORDER_MARK,
    BeyondFields,
    Header,
    children_of,
    kind_of,
    read_bytes,
    read_header,
)
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from email.message import Message as ParsedMessage

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+")
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_ATTACHED_MAILS = frozenset({"message/rfc822", "message/global"})
_PART_HEADERS = frozenset(
    {
        "content-disposition",
        "content-id",
        "content-length",
        "content-transfer-encoding",
        "content-type",
        "mime-version",
        "x-attachment-id",  # Gmail repeats the Content-ID in it (seen 2026-11).
    }
)
_SHOWING = ("text/html", "text/plain")
"""What may show images."""

_MULTIPART_PARAMETERS = frozenset({"boundary", "charset", "start", "type"})
# A name is a parameter of files, and the size is that of the content.
_DISPOSITION_PARAMETERS = frozenset({"filename", "size"})


class _File(NamedTuple):
    attachment: Attachment
    disposition: str


@dataclass(slots=True)
class _Body:
    """
    The parts found so far, each in the place that a field gives it.
    """

    text: str | None = None
    html: str | None = None
    alternatives: list[Alternative] = field(default_factory=list)
    images: list[Attachment] = field(default_factory=list)
    files: list[_File] = field(default_factory=list)


def body_fields(mail: ParsedMessage) -> dict[str, Any]:
    """
    Read the body of *mail* into text, html, alternatives and attachments.

    Raises:
        BeyondFields: If the fields would not hold the whole body.
        InvalidMessage: If a part is damaged.
    """
    _check_headers(mail, is_root=True)
    body = _Body()
    _read_mixed(mail, body)
    return {
        "text": body.text or "",
        "html": body.html or "",
        "alternatives": tuple(body.alternatives),
        "attachments": _attachments(body),
    }


def _check_headers(part: ParsedMessage, *, is_root: bool = False) -> None:
    for name in part.keys():  # noqa: SIM118 -- the part is no mapping
        lower = name.lower()
        if lower not in _PART_HEADERS and (not is_root or lower.startswith("content-")):
            raise BeyondFields(f"the header {name} of a part")
    if kind_of(part).startswith("multipart/"):
        for child in children_of(part):
            _check_headers(child)


def _read_mixed(part: ParsedMessage, body: _Body) -> None:
    if kind_of(part) != "multipart/mixed":
        _read_body(part, body)
        return
    _check_multipart(part)
    files = children_of(part)
    if files and not _is_file(files[0]):
        _read_mixed(files[0], body)
        files = files[1:]
    for child in files:
        if not _is_file(child):
            raise BeyondFields("a body in several parts")
        body.files.append(_file(child, number=len(body.files)))


def _read_body(part: ParsedMessage, body: _Body) -> None:
    kind = kind_of(part)
    if kind == "multipart/alternative":
        _read_forms(part, body)
    elif kind == "multipart/related":
        _read_related(part, body, roots=(*_SHOWING, "multipart/alternative"))
    elif kind.startswith("multipart/"):
        raise BeyondFields(kind)
    elif _is_file(part):
        if not _file_name(part):
            raise BeyondFields(f"a mail that is {kind}")
        body.files.append(_file(part, number=0))
    else:
        _read_form(part, body)


def _read_forms(part: ParsedMessage, body: _Body) -> None:
    _check_multipart(part)
    for child in children_of(part):
        if kind_of(child) == "multipart/related":
            _read_related(child, body, roots=_SHOWING)
        else:
            _read_form(child, body)


def _read_form(part: ParsedMessage, body: _Body) -> None:
    kind = kind_of(part)
    if kind.startswith(("multipart/", "message/")) or kind in _SEALED:
        raise BeyondFields(f"{kind} as a form of the text")
    if kind == "text/plain":
        if body.text is not None or body.html is not None or body.alternatives:
            raise BeyondFields("plain text that is not the first form")
        body.text = _text(part, "text")
    elif kind == "text/html":
        if body.html is not None:
            raise BeyondFields("two forms in HTML")
        body.html = _text(part, "html")
    else:
        body.alternatives.append(_alternative(part, kind, body))


def _text(part: ParsedMessage, name: str) -> str:
    content_type = _check_form(part)
    if content_type.params.keys() - {"charset", "format"}:
        raise BeyondFields("a parameter of the text's type")
    if content_type.params.get("format", "fixed").lower() != "fixed":
        raise BeyondFields("format=flowed")
    return _decoded(part, content_type, name)


def _decoded(part: ParsedMessage, content_type: Header, name: str) -> str:
    charset = content_type.params.get("charset", "").strip("'")
    try:
        codecs.lookup(charset or "us-ascii")
    except (LookupError, ValueError):
        raise BeyondFields("a charset that is unknown here") from None
    text = decode_bytes(read_bytes(part, name), charset, name)
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix(BYTE_ORDER_MARK)


def _check_form(part: ParsedMessage) -> Header:
    """
    Return the Content-Type of a form of the text, of which nothing else says more.
    """
    disposition = read_header(part, "content-disposition")
    if disposition.value not in ("", "inline") or disposition.params:
        raise BeyondFields("a form of the text that is a file")
    if read_header(part, "content-id").text:
        raise BeyondFields("a form of the text with a Content-ID")
    return read_header(part, "content-type")


def _alternative(part: ParsedMessage, kind: str, body: _Body) -> Alternative:
    content_type = _check_form(part)
    if any(kind == one.kind for one in body.alternatives):
        raise BeyondFields(f"two forms in {kind}")
    try:
        content = _decoded(part, content_type, "alternatives")
        return Alternative(content_type.text, content, preferred=body.html is not None)
    except InvalidMessage:
        raise BeyondFields(f"{kind} that is no text") from None


def _read_related(part: ParsedMessage, body: _Body, roots: tuple[str, ...]) -> None:
    """
    Read a body and the images that it shows (RFC 2387).
    """
    _check_multipart(part)
    root, *images = children_of(part)
    start = read_header(part, "content-type").params.get("start", "")
    if kind_of(root) not in roots or start:
        raise BeyondFields("images that belong to another type of body")
    if kind_of(root) == "multipart/alternative":
        _read_forms(root, body)
    else:
        _read_form(root, body)
    if images and any(one.preferred for one in body.alternatives):
        raise BeyondFields("images after another form")
    for child in images:
        image, disposition = _file(child, number=len(body.images))
        if disposition == "attachment":
            raise BeyondFields("a file among the images of the HTML")
        if not image.content_id or any(image.content_id == one.content_id for one in body.images):
            raise BeyondFields("a related part without a Content-ID of its own")
        body.images.append(image)


def _check_multipart(part: ParsedMessage) -> None:
    if read_header(part, "content-type").params.keys() - _MULTIPART_PARAMETERS:
        raise BeyondFields("a parameter of a multipart")


def _is_file(part: ParsedMessage) -> bool:
    kind = kind_of(part)
    if kind.startswith("multipart/"):
        return False
    if read_header(part, "content-disposition").value == "attachment" or _file_name(part):
        return True
    return not kind.startswith("text/")


def _file_name(part: ParsedMessage) -> str:
    given = read_header(part, "content-disposition").params.get("filename", "")
    return given or read_header(part, "content-type").params.get("name", "")


def _file(part: ParsedMessage, number: int) -> _File:
    kind = kind_of(part)
    if kind.startswith(("multipart/", "message/")) and kind not in _ATTACHED_MAILS:
        raise BeyondFields(f"{kind} as a file")
    if kind in _SEALED:
        raise BeyondFields("a sealed mail in a part (S/MIME)")
    disposition = read_header(part, "content-disposition")
    if disposition.params.keys() - _DISPOSITION_PARAMETERS:
        raise BeyondFields("a parameter of a file's disposition")
    attachment = Attachment(
        _file_name(part) or _invented_name(kind, number),
        read_bytes(part, "attachments"),
        _type_without_name(kind, read_header(part, "content-type")),
        read_header(part, "content-id").text.strip("<> "),
    )
    return _File(attachment, disposition.value)


def _type_without_name(kind: str, content_type: Header) -> str:
    """
    Return the type with all its parameters but the file's name, which has its own place.
    """
    if "name" not in content_type.params:
        return content_type.text or kind
    others = ((key, value) for key, value in content_type.params.items() if key != "name")
    return "".join([kind, *(f"; {key}={_quoted(value)}" for key, value in others)])


def _quoted(value: str) -> str:
    if _TOKEN.fullmatch(value):
        return value
    return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))


def _invented_name(kind: str, number: int) -> str:
    from mimetypes import guess_extension

    extension = ".eml" if kind in _ATTACHED_MAILS else guess_extension(kind) or ".bin"
    return f"attachment-{number + 1}{extension}"


def _attachments(body: _Body) -> tuple[Attachment, ...]:
    """
    Return all files, inline images first, as they are written.

    Mailers give a Content-ID to every file: it is an image only where the HTML shows it.
    """
    found = list(body.images)
    html, only_files = body.html or "", False
    for attachment, disposition in body.files:
        content_id = attachment.content_id
        shown = f"cid:{content_id}" in html or f"cid:{quote(content_id)}" in html
        if content_id and shown:
            if only_files or any(content_id == one.content_id for one in found):
                raise BeyondFields("an image of the HTML that stands among the files")
            found.append(attachment)
        elif disposition == "inline":
            raise BeyondFields("a file that is to be shown in the mail")
        else:
            only_files = True
            found.append(_without_content_id(attachment))
    return tuple(found)


def _without_content_id(file: Attachment) -> Attachment:
    return Attachment(file.filename, file.content, file.content_type) if file.content_id else file
