"""
What is sent: :class:`Message` and its parts, frozen and checked when they are made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mailfailover._features import DROPPABLE, MAY_BE_LEFT_OFF, Feature
from mailfailover._frozen import EMPTY, FrozenDict, freeze
from mailfailover._mailboxes import split_list, split_mailbox
from mailfailover._ulid import new_id
from mailfailover._validation import check_body, check_header_name, check_text, normalize_email
from mailfailover._wire import Base64, File
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from email.message import EmailMessage
    from email.message import Message as ParsedMessage

_set = object.__setattr__


@dataclass(frozen=True, slots=True, init=False)
class Address:
    """
    One mailbox.

    Attributes:
        email:
            ``local@domain``, checked strictly. The domain is in lower case and, where
            it is international, in its ASCII form, because that is what goes out.

        name: The display name, plain Unicode, "" for none.
    """

    email: str
    name: str = ""

    def __init__(self, email: str, name: str = "") -> None:
        _set(self, "email", normalize_email(email))
        _set(self, "name", check_text("name", name) if name else "")

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``local@domain`` or ``Name <local@domain>``, strictly.

        Raises:
            InvalidMessage: If *text* is anything else; nothing is guessed or repaired.
        """
        if not isinstance(text, str):
            message = f"address must be a str, not {type(text).__name__}"
            raise InvalidMessage(message, field="address")
        return cls._parse(text, "address")

    @classmethod
    def _parse(cls, text: str, field: str) -> Self:
        name, email = split_mailbox(text, field) if ">" in text else ("", text.strip(" \t"))
        return cls._of(email, name, field)

    @classmethod
    def _of(cls, email: str, name: str, field: str) -> Self:
        """
        Make one whose errors name *field*.
        """
        self = object.__new__(cls)
        _set(self, "email", normalize_email(email, field))
        _set(self, "name", check_text(field, name) if name else "")
        return self

    @property
    def domain(self) -> str:
        """
        The part after the ``@``.
        """
        return self.email.rpartition("@")[2]

    def __str__(self) -> str:
        """
        The form for a header: ``"Doe, Jane" <jane@example.com>``, in Unicode.
        """
        if not self.name:
            return self.email
        if self.name.replace(" ", "").isalnum() and self.name == self.name.strip(" "):
            return f"{self.name} <{self.email}>"
        quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{self.email}>'


Recipients = str | Address | Iterable[str | Address]


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
        if not check_text("filename", filename):
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
    main, slash, sub = check_text("content_type", given).partition(";")[0].partition("/")
    if not slash or not main.strip() or not sub.strip() or not given.isascii():
        message = "content_type of an attachment is not of the form type/subtype"
        raise InvalidMessage(message, field="attachments")
    if main.strip().lower() == "multipart":
        message = "content_type of an attachment cannot be multipart: attach each part by itself"
        raise InvalidMessage(message, field="attachments")
    return given


def _content_id(given: str) -> str:
    check_text("content_id", given)
    if given.startswith("<") and given.endswith(">"):
        given = given[1:-1]
    if not given.isascii() or any(c in given for c in '<>" \\'):
        message = (
            'content_id has a character that is not allowed: use letters, digits and any of "@._-"'
        )
        raise InvalidMessage(message, field="attachments")
    return given


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Message:
    """
    One mail, checked when it is made and the same for every attempt, provider and process.

    Attributes:
        to, cc, bcc, reply_to:
            Recipients: a str (a strict RFC 5322 list), an :class:`Address`, or an
            iterable of them. A tuple is a sequence of recipients, never a pair of name
            and email.

        from_email: The sender; the mailer's own where None.

        subject, text, html: What it says; ``{{name}}`` is filled in from *merge_data*.

        headers:
            Custom headers; a tuple of values repeats one. Those with a field of their
            own (To, Subject, Content-Type) are refused.

        attachments: Files and inline images.

        tags, metadata: For the vendor's statistics and for webhooks.

        track_opens, track_clicks: None leaves the account's setting.

        send_at: When the vendor shall send it (aware), at once where None.

        template_id, template_data:
            A template stored at the vendor; a mapping gives its id per chain key.

        merge_data, merge_metadata, merge_headers:
            ``{email: {...}}``: each recipient of *to* gets a mail of their own and sees
            nobody else in it.

        unsubscribe: An https URL, a ``mailto:``, or both: sets the headers of RFC 8058.

        stream: What kind of mail it is, for routing and suppression.

        envelope_from: Where bounces go, where the provider lets one choose.

        provider_options: ``{chain key or provider name: {...}}``, passed on as it is.

        via: Chain keys or labels: no other provider is tried.

        droppable: What may be left off when no usable provider can express all of it.

        id: The caller's own, else a ULID.

        created: When it was made, for the Date header.
    """

    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    from_email: Address | None
    subject: str
    text: str
    html: str
    headers: Mapping[str, str | tuple[str, ...]]
    attachments: tuple[Attachment, ...]
    tags: tuple[str, ...]
    metadata: Mapping[str, str]
    track_opens: bool | None
    track_clicks: bool | None
    send_at: datetime | None
    template_id: str | Mapping[str, str]
    template_data: Mapping[str, Any]
    merge_data: Mapping[str, Mapping[str, str]]
    merge_metadata: Mapping[str, Mapping[str, str]]
    merge_headers: Mapping[str, Mapping[str, str]]
    unsubscribe: tuple[str, ...]
    stream: str
    envelope_from: str
    provider_options: Mapping[str, Mapping[str, Any]]
    via: tuple[str, ...]
    droppable: Feature
    id: str
    created: datetime = dataclasses.field(compare=False)
    part: str = ""
    """Which mail of a merge this is, "" for the whole."""

    idempotency_key: str = dataclasses.field(default="", compare=False)
    """Set by the chain for providers that know such keys."""

    def __init__(
        self,
        to: Recipients = (),
        *,
        cc: Recipients = (),
        bcc: Recipients = (),
        reply_to: Recipients = (),
        from_email: str | Address | None = None,
        subject: str = "",
        text: str = "",
        html: str = "",
        headers: Mapping[str, str | Iterable[str]] = EMPTY,
        attachments: Iterable[Attachment] = (),
        tags: str | Iterable[str] = (),
        metadata: Mapping[str, str | int | float] = EMPTY,
        track_opens: bool | None = None,
        track_clicks: bool | None = None,
        send_at: datetime | None = None,
        template_id: str | Mapping[str, str] = "",
        template_data: Mapping[str, Any] = EMPTY,
        merge_data: Mapping[str, Mapping[str, str | int | float]] = EMPTY,
        merge_metadata: Mapping[str, Mapping[str, str | int | float]] = EMPTY,
        merge_headers: Mapping[str, Mapping[str, str]] = EMPTY,
        unsubscribe: str | Iterable[str] = (),
        stream: str = "transactional",
        envelope_from: str = "",
        provider_options: Mapping[str, Mapping[str, Any]] = EMPTY,
        via: str | Iterable[str] = (),
        droppable: Feature = DROPPABLE,
        id: str = "",
        created: datetime | None = None,
    ) -> None:
        _set(self, "to", _recipients(to, "to"))
        _set(self, "cc", _recipients(cc, "cc") if cc else ())
        _set(self, "bcc", _recipients(bcc, "bcc") if bcc else ())
        _set(self, "reply_to", _recipients(reply_to, "reply_to") if reply_to else ())
        _set(self, "from_email", _one(from_email))
        _set(self, "subject", check_text("subject", subject))
        _set(self, "text", check_body("text", text))
        _set(self, "html", check_body("html", html))
        _set(self, "headers", _headers(headers) if headers else EMPTY)
        _set(self, "attachments", _attachments(attachments) if attachments else ())
        _set(self, "tags", _texts("tags", tags) if tags else ())
        _set(self, "metadata", _data("metadata", metadata, line=True) if metadata else EMPTY)
        _set(self, "track_opens", _switch("track_opens", track_opens))
        _set(self, "track_clicks", _switch("track_clicks", track_clicks))
        _set(self, "send_at", _aware("send_at", send_at))
        _set(self, "template_id", _template(template_id) if template_id else "")
        _set(
            self, "template_data", _json("template_data", template_data) if template_data else EMPTY
        )
        _set(self, "merge_data", _per_recipient("merge_data", merge_data, line=False))
        _set(self, "merge_metadata", _per_recipient("merge_metadata", merge_metadata, line=True))
        _set(self, "merge_headers", _merge_headers(merge_headers) if merge_headers else EMPTY)
        _set(self, "unsubscribe", _unsubscribe(unsubscribe) if unsubscribe else ())
        _set(self, "stream", _stream(stream))
        _set(self, "envelope_from", _envelope_from(envelope_from) if envelope_from else "")
        _set(self, "provider_options", _options(provider_options) if provider_options else EMPTY)
        _set(self, "via", _texts("via", via) if via else ())
        _set(self, "droppable", droppable if droppable is DROPPABLE else _droppable(droppable))
        _set(self, "id", _own_id(id) if id else new_id())
        _set(self, "created", _aware("created", created) or datetime.now(UTC))
        _set(self, "part", "")
        _set(self, "idempotency_key", "")
        _check_together(self)

    @property
    def message_id(self) -> str:
        """
        The Message-ID, which is the caller's own header or made from our id.

        It is a hint for finding the mail again, never a required feature.
        """
        for name, value in self.headers.items():
            if name.lower() == "message-id" and isinstance(value, str):
                return value
        domain = self.from_email.domain if self.from_email else "localhost"
        return f"<{self.id}{self.part and '.' + self.part}@{domain}>"

    @property
    def recipients(self) -> tuple[Address, ...]:
        """
        All of *to*, *cc* and *bcc*, in this order.
        """
        return self.to + self.cc + self.bcc

    @property
    def sender(self) -> Address:
        """
        *from_email*, which is set once the mail is on its way.
        """
        if self.from_email is None:
            message = "from_email is missing: give it to the message, the mailer or the link"
            raise InvalidMessage(message, field="from_email")
        return self.from_email

    @property
    def is_merge(self) -> bool:
        """
        Whether each recipient gets a mail of their own.
        """
        return bool(self.merge_data or self.merge_metadata or self.merge_headers)

    def header_items(self) -> Iterator[tuple[str, str]]:
        """
        Yield every custom header with its value, those of *unsubscribe* included.
        """
        for name, value in self.headers.items():
            if isinstance(value, str):
                yield name, value
            else:
                for one in value:
                    yield name, one
        if self.unsubscribe:
            yield from unsubscribe_headers(self.unsubscribe)

    def options(self, *names: str) -> dict[str, Any]:
        """
        Return *provider_options* for the first names given, later ones taking precedence.
        """
        found: dict[str, Any] = {}
        for name in names:
            found.update(self.provider_options.get(name, EMPTY))
        return found

    def replace(self, **changes: Any) -> Self:
        """
        Return a copy with these fields changed and checked; the id stays unless given.
        """
        fields = {name: getattr(self, name) for name in FIELDS}
        if unknown := changes.keys() - fields.keys():
            message = f"Message has no field {min(unknown)!r}"
            raise TypeError(message)
        return type(self)(**(fields | changes))

    def bound(self, **changes: Any) -> Self:
        """
        Return a copy with these fields set unchecked: for values that were checked before.
        """
        copy = object.__new__(type(self))
        for name in _SLOTS:
            _set(copy, name, getattr(self, name))
        for name, value in changes.items():
            _set(copy, name, value)
        return copy

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data, without the fields that have their default.

        The content of every attachment is in it, also of those that are paths.
        """
        from mailfailover._json import message_to_dict

        return message_to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """
        Read what :meth:`to_dict` wrote, with every check of the constructor.

        Raises:
            InvalidMessage: If a field is unknown or has a wrong value.
        """
        from mailfailover._json import message_from_dict

        return message_from_dict(cls, data)

    @classmethod
    def from_email_message(cls, source: ParsedMessage | bytes, **fields: Any) -> Self:
        """
        Read a MIME message: the standard library's object, or its bytes.

        Args:
            source: Any MIME message.

            fields: More fields, for what a MIME message cannot say; they take precedence.

        Raises:
            InvalidMessage:
                If it is broken, or cannot be taken apart without harm (signed or encrypted).
        """
        from mailfailover._mime import parse_fields

        return cls(**(parse_fields(source) | fields))

    def as_email_message(self) -> EmailMessage:
        """
        Return it as the standard library's ``EmailMessage``, Bcc not in it.
        """
        from mailfailover._mime import build_email_message

        return build_email_message(self)

    def __repr__(self) -> str:
        return f"Message(id={self.id!r}, recipients={len(self.recipients)})"


def unsubscribe_headers(urls: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """
    Yield the headers of RFC 8058 for the field *unsubscribe*.
    """
    yield "List-Unsubscribe", ", ".join(f"<{url}>" for url in urls)
    if any(url.startswith("https:") for url in urls):
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"


_SLOTS = tuple(field.name for field in dataclasses.fields(Message))
FIELDS = tuple(name for name in _SLOTS if name not in ("part", "idempotency_key"))
"""What the constructor takes."""


def _recipients(value: Recipients, field: str) -> tuple[Address, ...]:
    if isinstance(value, str):
        if value.count("@") == 1 and "," not in value:
            return (Address._parse(value, field),)  # noqa: SLF001 -- same module
        return tuple([Address._parse(one, field) for one in split_list(value, field)])  # noqa: SLF001
    if isinstance(value, Address):
        return (value,)
    found = []
    try:
        for one in value:
            if isinstance(one, Address):
                found.append(one)
            elif isinstance(one, str):
                found.append(Address._parse(one, field))  # noqa: SLF001
            else:
                raise TypeError
    except TypeError:
        message = f"{field} must be a str, an Address or an iterable of them"
        raise InvalidMessage(message, field=field) from None
    return tuple(found)


def _one(value: str | Address | None) -> Address | None:
    if value is None or isinstance(value, Address):
        return value
    if isinstance(value, str):
        return Address._parse(value, "from_email")  # noqa: SLF001
    message = f"from_email must be a str or an Address, not {type(value).__name__}"
    raise InvalidMessage(message, field="from_email")


def _mapping(label: str, value: object, field: str = "") -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        message = f"{label} must be a mapping, not {type(value).__name__}"
        raise InvalidMessage(message, field=field or label)
    return value


def _headers(value: Mapping[str, str | Iterable[str]]) -> FrozenDict[str, str | tuple[str, ...]]:
    found: dict[str, str | tuple[str, ...]] = {}
    seen: set[str] = set()
    for name, content in _mapping("headers", value).items():
        label = f"headers[{check_header_name(name)!r}]"
        if name.lower() in seen:
            message = f"{label} is given twice in different case: give a tuple of values"
            raise InvalidMessage(message, field="headers")
        seen.add(name.lower())
        if isinstance(content, (list, tuple)):
            found[name] = _repeated(label, content)
        else:
            found[name] = check_text(label, content)
    return FrozenDict(found)


def _repeated(label: str, values: Iterable[str]) -> str | tuple[str, ...]:
    found = tuple(check_text(label, one) for one in values)
    if not found:
        message = f"{label} has no value: leave the header out"
        raise InvalidMessage(message, field="headers")
    if len(found) > 1 and "message-id" in label.lower():
        message = f"{label} is given more than once: keep one"
        raise InvalidMessage(message, field="headers")
    return found if len(found) > 1 else found[0]


def _attachments(value: Iterable[Attachment]) -> tuple[Attachment, ...]:
    found = (value,) if isinstance(value, Attachment) else _sequence("attachments", value)
    for one in found:
        if not isinstance(one, Attachment):
            message = (
                f"attachments must hold Attachment objects, not {type(one).__name__}: "
                "use Attachment(filename, content) or Attachment.from_path(path)"
            )
            raise InvalidMessage(message, field="attachments")
    ids = [one.content_id for one in found if one.content_id]
    if len(ids) != len(set(ids)):
        message = "two attachments have the same content_id: give each its own"
        raise InvalidMessage(message, field="attachments")
    return found


def _sequence(field: str, value: Iterable[Any]) -> tuple[Any, ...]:
    if isinstance(value, (bytes, Mapping)) or not isinstance(value, Iterable):
        message = f"{field} must be a list, not {type(value).__name__}"
        raise InvalidMessage(message, field=field)
    return tuple(value)


def _texts(field: str, value: str | Iterable[str]) -> tuple[str, ...]:
    found = (value,) if isinstance(value, str) else _sequence(field, value)
    for one in found:
        if not check_text(field, one):
            message = f"{field} contains an empty string: leave it out"
            raise InvalidMessage(message, field=field)
    return found


def _data(field: str, value: Mapping[str, Any], *, line: bool) -> FrozenDict[str, str]:
    found = {}
    for key, content in _mapping(field, value).items():
        if not check_text(f"a key of {field}", key):
            message = f"a key of {field} is empty: name it"
            raise InvalidMessage(message, field=field)
        if isinstance(content, (int, float)) and not isinstance(content, bool):
            content = str(content)  # noqa: PLW2901 -- numbers are common and mean no harm
        label = f"{field}[{key!r}]"
        found[key] = check_text(label, content) if line else check_body(label, content)
    return FrozenDict(found)


def _per_recipient(
    field: str, value: Mapping[str, Mapping[str, Any]], *, line: bool
) -> FrozenDict[str, FrozenDict[str, str]]:
    if not value:
        return EMPTY
    return FrozenDict(
        {
            normalize_email(email, f"a key of {field}"): _data(field, data, line=line)
            for email, data in _mapping(field, value).items()
        }
    )


def _merge_headers(
    value: Mapping[str, Mapping[str, str]],
) -> FrozenDict[str, FrozenDict[str, str | tuple[str, ...]]]:
    return FrozenDict(
        {
            normalize_email(email, "a key of merge_headers"): _headers(headers)
            for email, headers in _mapping("merge_headers", value).items()
        }
    )


def _template(value: str | Mapping[str, str]) -> str | FrozenDict[str, str]:
    if isinstance(value, Mapping):
        return _data("template_id", value, line=True)
    return check_text("template_id", value)


def _json(field: str, value: Mapping[str, Any]) -> FrozenDict[str, Any]:
    import json

    try:
        frozen: FrozenDict[str, Any] = freeze(_mapping(field, value))
        json.dumps(frozen, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as exc:
        if isinstance(exc, InvalidMessage):
            raise
        message = (
            f"{field} is not JSON-safe ({type(exc).__name__}): "
            "use dicts with str keys, lists, str, numbers, booleans and None"
        )
        raise InvalidMessage(message, field=field) from None
    return frozen


def _aware(field: str, value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        message = f"{field} must be an aware datetime: give it a tzinfo, such as datetime.UTC"
        raise InvalidMessage(message, field=field)
    try:
        value.astimezone(UTC)
    except OverflowError:
        message = f"{field} is outside the years 1 to 9999: correct it"
        raise InvalidMessage(message, field=field) from None
    return value


def _switch(field: str, value: bool | None) -> bool | None:  # noqa: FBT001 -- it is the value
    if value is None or isinstance(value, bool):
        return value
    message = f"{field} must be True, False or None, not {type(value).__name__}"
    raise InvalidMessage(message, field=field)


def _stream(value: str) -> str:
    if not check_text("stream", value):
        message = 'stream is empty: name the kind of mail, such as "transactional"'
        raise InvalidMessage(message, field="stream")
    return value


def _droppable(value: Feature) -> Feature:
    if not isinstance(value, Feature):
        message = f"droppable must be a Feature, not {type(value).__name__}"
        raise InvalidMessage(message, field="droppable")
    if kept := value & ~MAY_BE_LEFT_OFF:
        message = (
            f"droppable names {', '.join(kept.names)}, which cannot be left off without making "
            f"another mail of it; it may hold {', '.join(MAY_BE_LEFT_OFF.names)}"
        )
        raise InvalidMessage(message, field="droppable")
    return value


def _envelope_from(value: str) -> str:
    return normalize_email(value, "envelope_from")


def _options(value: Mapping[str, Mapping[str, Any]]) -> FrozenDict[str, FrozenDict[str, Any]]:
    for key, options in _mapping("provider_options", value).items():
        _mapping(f"provider_options[{key!r}]", options, "provider_options")
    return _json("provider_options", value)


def _unsubscribe(value: str | Iterable[str]) -> tuple[str, ...]:
    found = _texts("unsubscribe", value)
    for url in found:
        if (
            not url.startswith(("https://", "mailto:"))
            or not url.isascii()
            or set(url) & set("<> ,")
        ):
            message = (
                "unsubscribe must be an https:// URL or a mailto:, ASCII, "
                "without spaces, commas or angle brackets: percent-encode them"
            )
            raise InvalidMessage(message, field="unsubscribe")
    return found


def _own_id(value: str) -> str:
    allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
    if not isinstance(value, str) or len(value) > 64 or value.strip(allowed):  # noqa: PLR2004
        message = (
            "id must be 1 to 64 letters, digits, '-' or '_', because it goes into a Message-ID"
        )
        raise InvalidMessage(message, field="id")
    return value


def _check_together(message: Message) -> None:
    if message.unsubscribe and any(
        n.lower().startswith("list-unsubscribe") for n in message.headers
    ):
        text = "unsubscribe and a List-Unsubscribe header are both given: keep one"
        raise InvalidMessage(text, field="unsubscribe")
    if message.is_merge:
        from mailfailover._merge import check_merge

        check_merge(message)
