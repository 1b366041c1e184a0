"""
The fields of a mail as most vendors write them: addresses, files, headers, metadata.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mailfailover._message.attachment import Attachment
from mailfailover._message.encoded_words import encode_header
from mailfailover._provider.event_reading import MAIL_ID
from mailfailover._values.face import published_in
from mailfailover._values.frozen import EMPTY
from mailfailover.errors import UnsupportedFeature

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailfailover._message.address import Address
    from mailfailover._message.message import Message

_OCTETS = "application/octet-stream"
"""The type of a file about which nothing is known."""


def unsupported(text: str, *features: str) -> UnsupportedFeature:
    """
    Make the error of a mail that one vendor cannot express, and another perhaps can.

    Args:
        text: The limit of the vendor, written after its name.

        features: The features or limits that the mail goes beyond.
    """
    return UnsupportedFeature(text, features=features)


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return *fields* without None and empty values; False and 0 stay.
    """
    # 0 == False, and nothing that is empty equals either.
    return {name: value for name, value in fields.items() if value or value == 0}


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class AddressFields:
    """
    A vendor's names for the two fields of an address.
    """

    email: str = "email"
    name: str = "name"

    def one(self, address: Address) -> dict[str, str]:
        """
        Write an address, without the name where it has none.
        """
        if address.name:
            return {self.email: address.email, self.name: address.name}
        return {self.email: address.email}

    def all(self, addresses: Iterable[Address]) -> list[dict[str, str]]:
        """
        Write a list of addresses.
        """
        return [self.one(address) for address in addresses]

    def first(self, addresses: Iterable[Address]) -> dict[str, str] | None:
        """
        Write the first of *addresses*, for a field that takes a single one; None for none.
        """
        return next(map(self.one, addresses), None)


def address_line(addresses: Iterable[Address], *, encoded: bool = False) -> str:
    """
    Write addresses as a header has them, ``Ann <ann@example.org>, bob@example.org``.

    Args:
        addresses: The addresses.

        encoded: Whether names that are not ASCII become encoded words (RFC 2047).
    """
    return ", ".join(map(encoded_address if encoded else str, addresses))


def encoded_address(address: Address) -> str:
    """
    Write an address as a header has it, its name in encoded words where it is not ASCII.
    """
    if address.name.isascii():
        return str(address)
    return f"{encode_header(address.name)} <{address.email}>"


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class FileFields:
    """
    A vendor's names for the fields of an attached file.

    Attributes:
        name: The file's name.

        content: Its content in base64.

        type:
            Its Content-Type. Where empty, the vendor tells the type by the file's name, and a
            file whose name does not fit its type is refused.

        content_id:
            The Content-ID of an inline image. Where empty, the vendor's HTML names an image by
            its file name, so the Content-ID takes that place.

        id_form: The vendor's form of a Content-ID, such as ``"<{}>"``.

        always: Fields that every file has.

        inline: The fields that an inline image has beside or instead of these.

    .. versionadded:: 0.1.0
    """

    name: str
    content: str
    type: str = ""
    content_id: str = ""
    id_form: str = field(default="{}", kw_only=True)
    always: Mapping[str, Any] = field(default=EMPTY, kw_only=True)
    inline: Mapping[str, Any] = field(default=EMPTY, kw_only=True)

    def all(self, message: Message) -> list[dict[str, Any]]:
        """
        Write all attachments of a mail, for a vendor that has one list for them.

        Raises:
            UnsupportedFeature: If a file's name does not fit its type, where the name tells it.
        """
        return [self.one(attachment) for attachment in message.attachments]

    def files(self, message: Message) -> list[dict[str, Any]]:
        """
        Write the attachments that are no inline images; raises as :meth:`all`.
        """
        return [self.one(one) for one in message.attachments if not one.content_id]

    def images(self, message: Message) -> list[dict[str, Any]]:
        """
        Write the inline images; raises as :meth:`all`.
        """
        return [self.one(one) for one in message.attachments if one.content_id]

    def one(self, attachment: Attachment) -> dict[str, Any]:
        """
        Write one attachment; raises as :meth:`all`.
        """
        if not self.type and not type_fits_name(attachment):
            message = "the vendor tells a file's type by its name, and one of the files has another"
            raise unsupported(message, "ATTACHMENTS")
        fields = {
            **self.always,
            self.name: attachment.filename,
            self.content: attachment.base64(),
        }
        if self.type:
            fields[self.type] = attachment.content_type
        if attachment.content_id:
            place = self.content_id or self.name
            fields |= {**self.inline, place: self.id_form.format(attachment.content_id)}
        return fields


def type_fits_name(attachment: Attachment) -> bool:
    """
    Whether who knows only a file's name takes it for what it is, or for nothing known.
    """
    kind = attachment.content_type.partition(";")[0].strip().lower()
    return kind in (_OCTETS, Attachment(attachment.filename, b"").content_type)


def own_headers(message: Message, *, encoded: bool = False) -> dict[str, str]:
    """
    Return the headers of a mail beyond its Message-ID, for a vendor that takes each name once.

    Args:
        message: The mail.

        encoded: Whether values that are not ASCII become encoded words (RFC 2047).
    """
    return {
        name: encode_header(value) if encoded and not value.isascii() else value
        for name, value in message.header_items()
        if name.lower() != "message-id"
    }


def own_metadata(message: Message, *, limit: int | None = None) -> dict[str, str]:
    """
    Return a mail's metadata and our id, which is how an event of the vendor finds the mail.

    Args:
        message: The mail.

        limit: How many keys the vendor takes: our id, a hint, stays behind where there is no
            room for it.
    """
    if limit is not None and len(message.metadata) >= limit:
        return dict(message.metadata)
    return {**message.metadata, MAIL_ID: message.id}


def template_number(message: Message) -> int | str:
    """
    Return the id of a stored template as the number it is, any other id as it is given.

    What is no number is for the vendor to refuse: its answer names the field.
    """
    template = str(message.template_id)
    return int(template) if template.isascii() and template.isdecimal() else template


def check_template_data(message: Message) -> None:
    """
    Refuse the data of a template without a template, for a vendor that needs both.

    Raises:
        UnsupportedFeature: If there is data and no template.
    """
    if message.template_data and not message.template_id:
        text = "the vendor fills in the data of a template only in a template"
        raise unsupported(text, "TEMPLATES")
