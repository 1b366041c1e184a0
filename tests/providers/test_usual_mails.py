"""
Which of a hundred usual mails each vendor refuses, and by which page.

A refusal without a source would be an invention of ours, and a mail lost to a chain of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import UnsupportedFeature
from mailfailover.testing._marked import fitting
from tests.providers.registrations import vendors
from tests.providers.usual_mails import USUAL

if TYPE_CHECKING:
    from mailfailover import Message

OTHER_TYPE = ("file of its own type", "file without ending")
STANDARD_HEADERS = ("auto-submitted", "precedence", "importance", "list id", "thread")

# Beyond what a provider does not declare: by vendor, what it refuses and where that is said.
REFUSED: dict[str, dict[str, tuple[str, ...]]] = {
    # The name is set in the portal: github.com/Azure/azure-sdk-for-java/issues/39910.
    "azure": {
        "ADDRESS_NAME": (
            "sender with comma",
            "sender non-ASCII",
            "sender with quotes",
            "sender with braces",
        )
    },
    # The type is told by the ending, and raw bytes are sent: django-anymail's limitations.
    "brevo": {"ATTACHMENTS": OTHER_TYPE, "HEADERS": ("header non-ASCII",)},
    # No such fields beside MIME: EmailSendMimeRequestSchema of infobip-api-python-client.
    "infobip": {"TRACKING": ("tracking off", "tracking on")},
    # A campaign has no space and 48 bytes: the client mailchannels.
    "mailchannels": {"TAGS": ("tag with a blank",)},
    # Ten in cc and bcc: the page of the call. The type is told by the ending: django-anymail.
    "mailersend": {"max_recipients=10": ("eleven in cc",), "ATTACHMENTS": OTHER_TYPE},
    # 255 characters: the page of the call's properties.
    "mailjet": {"max_subject=255": ("subject of 300", "subject of 998")},
    # Three headers, each a field: the page of the call.
    "mailpace": {
        "HEADERS": (
            "header",
            "header non-ASCII",
            "long header",
            "auto-submitted",
            "precedence",
            "importance",
            "list id",
            "unsubscribe by URL",
        )
    },
    # Dropped without an error: django-anymail's limitations.
    "resend": {"ATTACHMENTS": ("file of its own type",)},
    # Five headers X-..., tags of 20 letters, the type by the ending: its pages of each.
    "sweego": {
        "HEADERS": (*STANDARD_HEADERS, "unsubscribe by URL"),
        "ATTACHMENTS": OTHER_TYPE,
        "TAGS": ("tag with a blank",),
    },
    # The page of the call, and the models of unione-sdk.
    "unisender": {
        "HEADERS": (*STANDARD_HEADERS, "unsubscribe by URL", "unsubscribe by mail"),
        "ATTACHMENTS": ("two files of one name", "file with a slash"),
        "max_recipients=10": ("eleven in cc",),
    },
}


def _refusal(provider: Any, mail: Message) -> tuple[str, ...]:
    """
    The features by whose names *provider* refuses *mail*; a merge goes one by one at worst.
    """
    try:
        if mail.is_merge and hasattr(provider, "build_batch"):
            provider.build_batch(mail)
        elif not mail.is_merge:
            provider.build_request(mail)
    except UnsupportedFeature as refusal:
        return () if "MERGE" in refusal.features else refusal.features
    return ()


@pytest.mark.parametrize("vendor", vendors())
def test_a_vendor_refuses_what_its_pages_say(vendor: str) -> None:
    """
    Of the mails whose features it declares it refuses those of the table, and no other.
    """
    provider = vendors()[vendor].provider
    mails = fitting(USUAL, provider.capabilities)

    refused = {name: _refusal(provider, mail) for name, mail in mails.items()}

    expected = {
        name: (feature,) for feature, names in REFUSED.get(vendor, {}).items() for name in names
    }
    assert expected == {name: features for name, features in refused.items() if features}
