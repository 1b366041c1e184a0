"""
Consistency: fields of a mail that are right by themselves and wrong together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from mailfailover._message.mail import Mail

_CHANGE_BYTES = (
    "subject",
    "text",
    "html",
    "alternatives",
    "attachments",
    "headers",
    "cc",
    "bcc",
    "reply_to",
    "unsubscribe",
    "template_id",
    "template_data",
    "merge_data",
    "merge_metadata",
    "merge_headers",
)
"""What cannot stand beside *mime*, whose bytes nothing may change."""


def check_together(message: Mail) -> None:
    """
    Refuse a mail whose fields contradict each other.

    Raises:
        InvalidMessage: Naming one of the fields.
    """
    if message.mime:
        _check_raw(message)
    if message.unsubscribe and any(
        n.lower().startswith("list-unsubscribe") for n in message.headers
    ):
        text = "unsubscribe and a List-Unsubscribe header are both given: keep one"
        raise InvalidMessage(text, field="unsubscribe")
    if message.after and message.after == message.id:
        text = "after is the mail's own id: name the earlier mail, and leave out id"
        raise InvalidMessage(text, field="after")
    if message.is_merge:
        if message.deliver_within is not None:
            text = "deliver_within cannot go with per-recipient data: send one mail to each"
            raise InvalidMessage(text, field="deliver_within")
        from mailfailover._message.merge import check_merge

        check_merge(message)


def _check_raw(message: Mail) -> None:
    for field in _CHANGE_BYTES:
        if getattr(message, field):
            text = (
                f"{field} and mime are both given, but the bytes of mime go out as they are: "
                "put it into them, or send it as fields"
            )
            if field in ("cc", "bcc"):
                text = f"{field} and mime are both given: name every recipient in to"
            raise InvalidMessage(text, field=field)
