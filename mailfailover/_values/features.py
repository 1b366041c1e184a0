"""
Features: what a mail can require beyond addresses, a subject and text.
"""

from __future__ import annotations

from enum import Flag, auto

from mailfailover._values.face import published_in


@published_in("mailfailover")
class Feature(Flag):
    """
    One ability of a provider, or a set of them.

    Every provider can send a subject and a text from one address to several (to, cc
    and bcc). All else is declared; what is not declared is never dropped in silence.
    """

    HTML = auto()
    REPLY_TO = auto()
    """One Reply-To address."""

    MULTIPLE_REPLY_TO = auto()
    HEADERS = auto()
    """Custom headers, List-Unsubscribe included."""

    REPEATED_HEADERS = auto()
    """A custom header more than once."""

    MESSAGE_ID = auto()
    """The mail's own Message-ID. A provider without this feature assigns another."""

    ATTACHMENTS = auto()
    INLINE_IMAGES = auto()
    CALENDAR = auto()
    """An invitation (text/calendar) as one more form of the text."""

    AMP = auto()
    """AMP for Email (text/x-amp-html) as one more form of the text."""

    ALTERNATIVES = auto()
    """A form of the text of any other type."""

    MIME = auto()
    """A MIME message that goes out as it is, byte for byte."""

    TAGS = auto()
    METADATA = auto()
    TRACKING = auto()
    """Switching the tracking of opens and clicks on or off for one mail."""

    SEND_AT = auto()
    TEMPLATES = auto()
    """Templates stored at the vendor, with data."""

    TEMPLATE_FROM = auto()
    """The mail's sender instead of the stored template's."""

    TEMPLATE_SUBJECT = auto()
    """The mail's subject instead of the stored template's."""

    TEMPLATE_OVERRIDE = auto()
    """A template together with the mail's own text or HTML."""

    MERGE = auto()
    """Per-recipient data in one call. Other providers get one rendered mail per recipient."""

    MERGE_METADATA = auto()
    MERGE_HEADERS = auto()
    """Headers that differ per recipient, where every recipient has all of them."""

    MERGE_UNEVEN_HEADERS = auto()
    """Headers that only some recipients of a merge have."""

    ENVELOPE_FROM = auto()
    UNICODE_LOCAL_PART = auto()
    """Addresses with a non-ASCII part before the @ (SMTPUTF8)."""

    EMPTY_BODY = auto()
    """A mail without any text, HTML or template."""

    EMPTY_SUBJECT = auto()
    WITHOUT_TO = auto()
    """A mail that names nobody in To, only in cc or bcc."""

    @property
    def names(self) -> tuple[str, ...]:
        """
        The single features in it, by name.
        """
        return tuple(str(feature.name) for feature in self)


NO_FEATURES = Feature(0)
DROPPABLE = Feature.TAGS | Feature.METADATA | Feature.TRACKING
"""The features that may be dropped unless a mail says otherwise."""

PREFERENCES = Feature.MESSAGE_ID | Feature.TEMPLATE_FROM | Feature.TEMPLATE_SUBJECT
"""
What may be left off any mail: a provider that can goes first, and who cannot says so in
:attr:`Attempt.dropped`.
"""

MAY_BE_LEFT_OFF = (
    DROPPABLE
    | Feature.HTML
    | Feature.REPLY_TO
    | Feature.MULTIPLE_REPLY_TO
    | Feature.HEADERS
    | Feature.ATTACHMENTS
    | Feature.INLINE_IMAGES
    | Feature.CALENDAR
    | Feature.AMP
    | Feature.ALTERNATIVES
    | Feature.SEND_AT
    | Feature.ENVELOPE_FROM
)
"""The features that a mail may allow to drop; without any other it would be a different mail."""
