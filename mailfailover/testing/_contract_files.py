"""
Claims about files: in their order, in the base64 that vendors take, inline where they are images.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from mailfailover._message.attachment import Attachment
from mailfailover.testing._claim import claim
from mailfailover.testing._contract_wire import build, frozen, refusable
from mailfailover.testing._wire_text import wire_leaves

if TYPE_CHECKING:
    from mailfailover._message.message import Message

__all__ = ["check_base64", "check_file_is_no_image", "check_files_in_order", "check_inline"]

_URL_SAFE = str.maketrans("-_", "+/")


@refusable()
def check_files_in_order(provider: Any, message: Message) -> None:
    """
    Files stand in the request as they do in the mail: recipients see them so.
    """
    places: dict[str, int] = {}
    for place, leaf in enumerate(wire_leaves(build(provider, message))):
        for attachment in message.attachments:
            if leaf.data == attachment.read():
                places.setdefault(attachment.filename, place)
    found = [one.filename for one in message.attachments if one.filename in places]
    claim(found == sorted(found, key=places.__getitem__), "files are in another order")


@refusable()
def check_base64(provider: Any, message: Message) -> None:
    """
    Base64 in a document is that of RFC 4648: padded, in one line, with + and /.
    """
    expected = {b64encode(one.read()).decode() for one in message.attachments} - {""}
    plain = {one.rstrip("=") for one in expected}
    for leaf in wire_leaves(build(provider, message)):
        whole = "".join(leaf.text.split()).translate(_URL_SAFE).rstrip("=")
        claim(
            whole not in plain or leaf.text in expected or "part" in leaf.path,
            "a file is in no plain base64: write it in one line, in the alphabet with + and /, "
            "and with its padding",
        )


@refusable()
def check_inline(provider: Any, message: Message) -> None:
    """
    An inline image is written in another way than a file, and by its content id.
    """
    (image,) = message.attachments
    other = Attachment(image.filename, image.read(), image.content_type, "zqothercidqz")
    mails = [message.bound(attachments=(one,)) for one in (image, other)]
    first, second = (frozen(build(provider, mail)) for mail in mails)
    claim(first != second, "content_id of an inline image is not in the request")


@refusable()
def check_file_is_no_image(provider: Any, message: Message) -> None:
    """
    A file is written in another way than an inline image of that name.
    """
    (image,) = message.attachments
    name, content, kind = image.filename, image.read(), image.content_type
    mails = [
        message.bound(attachments=(Attachment(name, content, kind, cid),)) for cid in ("", name)
    ]
    first, second = (frozen(build(provider, mail)) for mail in mails)
    claim(first != second, "a file is written as an inline image: recipients would not see it")
