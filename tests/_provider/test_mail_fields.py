"""
The fields of a mail as vendors write them.
"""

from __future__ import annotations

import pytest

from mailfailover import plugin
from mailfailover.errors import UnsupportedFeature
from mailfailover.plugin import Address, AddressFields, Attachment, FileFields, Message
from mailfailover.testing import PLAIN
from tests.samples import each

ANN, BOB = Address("ann@example.org", "Ann"), Address("bob@example.net")
TEXT = Attachment("r.txt", b"text", "text/plain")
LOGO = Attachment("logo.png", b"PNG", "image/png", content_id="logo")


def _with_files(*attachments: Attachment) -> Message:
    return PLAIN.replace(attachments=attachments)


def test_only_what_is_empty_is_left_out() -> None:
    """
    A switch that is off and a count of nothing are values.
    """
    fields: dict[str, object] = {"a": "", "b": None, "c": [], "d": {}, "e": False, "f": 0, "g": "x"}

    assert {"e": False, "f": 0, "g": "x"} == plugin.filled(fields)


def test_an_address_without_a_name() -> None:
    """
    The field of a name is not there, rather than empty.
    """
    fields = AddressFields("Email", "Name")

    assert [
        {"Email": "ann@example.org", "Name": "Ann"},
        {"Email": "bob@example.net"},
    ] == fields.all((ANN, BOB))


def test_the_first_of_several_addresses() -> None:
    """
    A field that takes a single address gets the first, or None.
    """
    fields = AddressFields()

    assert ({"email": "bob@example.net"}, None) == (fields.first((BOB, ANN)), fields.first(()))


def test_a_line_of_addresses() -> None:
    """
    Names stand as they are, or as encoded words where a header must be ASCII.
    """
    zoe = Address("zoe@example.org", "Zoë")

    assert "Zoë <zoe@example.org>, bob@example.net" == plugin.address_line((zoe, BOB))
    assert "=?utf-8?q?Zo=C3=AB?= <zoe@example.org>, bob@example.net" == plugin.address_line(
        (zoe, BOB), encoded=True
    )


def test_a_file_has_the_vendors_fields() -> None:
    """
    Those of every file, of its content, and of an inline image.
    """
    fields = FileFields(
        "n", "c", "t", "id", id_form="<{}>", always={"d": "file"}, inline={"d": "inline"}
    )

    text, logo = fields.all(_with_files(TEXT, LOGO))

    assert {"d": "file", "n": "r.txt", "c": text["c"], "t": "text/plain"} == text
    assert {
        "d": "inline",
        "n": "logo.png",
        "c": logo["c"],
        "t": "image/png",
        "id": "<logo>",
    } == logo


def test_an_image_takes_its_id_for_a_name() -> None:
    """
    Where a vendor's HTML names images by their file names, a Content-ID is one.
    """
    fields, message = FileFields("n", "c", "t"), _with_files(TEXT, LOGO)

    assert ["r.txt"] == [one["n"] for one in fields.files(message)]
    assert ["logo"] == [one["n"] for one in fields.images(message)]


def test_a_type_that_the_name_does_not_tell_is_refused() -> None:
    """
    A vendor that looks at the name only would send the file as something else.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        FileFields("n", "c").all(_with_files(Attachment("r.txt", b"", "image/png")))

    assert ("ATTACHMENTS",) == caught.value.features


def test_a_type_that_says_nothing_fits_every_name() -> None:
    """
    Bytes of an unknown type lose nothing where the vendor guesses.
    """
    file = Attachment("r.txt", b"", "application/octet-stream")

    (fields,) = FileFields("n", "c").all(_with_files(file))

    assert {"n": "r.txt", "c": fields["c"]} == fields


def test_headers_go_without_the_message_id() -> None:
    """
    Many vendors make their own Message-ID, so it has a place apart.
    """
    message = PLAIN.replace(headers={"Message-ID": "<1@example.com>", "X-Name": "Zoë"})

    assert {"X-Name": "Zoë"} == plugin.own_headers(message)
    assert {"X-Name": "=?utf-8?q?Zo=C3=AB?="} == plugin.own_headers(message, encoded=True)


def test_our_id_needs_room_among_the_metadata() -> None:
    """
    Our id is a hint: it never takes the place of the caller's metadata.
    """
    message = PLAIN.replace(metadata={"a": "1", "b": "2"})

    assert {"a": "1", "b": "2", "mailfailover-id": "plain"} == plugin.own_metadata(message, limit=3)
    assert {"a": "1", "b": "2"} == plugin.own_metadata(message, limit=2)


@each(("given", "written"), [("12", 12), ("welcome", "welcome"), ("１２", "１２")])
def test_template_number(given: str, written: int | str) -> None:
    """
    Only what the vendor would read as a number becomes one.
    """
    assert written == plugin.template_number(PLAIN.replace(template_id=given))


def test_data_without_a_template_is_refused() -> None:
    """
    The data would be dropped: with a template they are fine.
    """
    message = PLAIN.replace(template_data={"a": "1"})

    plugin.check_template_data(message.replace(template_id="welcome"))
    with pytest.raises(UnsupportedFeature) as caught:
        plugin.check_template_data(message)

    assert ("TEMPLATES",) == caught.value.features


def test_mime_has_bcc_only_where_it_is_asked_for() -> None:
    """
    Who reads the Bcc takes it out; anybody else would show it.
    """
    message = PLAIN.replace(bcc=("cat@example.edu", "dan@example.edu"))

    whole = plugin.mime_bytes(message)

    assert b"cat@" not in whole
    assert plugin.mime_bytes_with_bcc(message).startswith(
        b"Bcc: cat@example.edu,\r\n dan@example.edu\r\n"
    )
    assert plugin.mime_bytes_with_bcc(PLAIN) == plugin.mime_bytes(PLAIN)
