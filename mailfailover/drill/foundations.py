"""
The foundations of vendors: clouds, regions and edges, which two links of a chain may share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover._provider.link import Link


class Foundation(NamedTuple):
    """
    A foundation of a vendor.

    Attributes:
        name: ``"kind:name"``, such as ``"edge:cloudflare"``.

        source: Where that was read.

        seen: When, as year and month.

        sure: Whether the vendor says so itself.
    """

    name: str
    source: str
    seen: str = "2026-11"
    sure: bool = True


_RESEND = "https://resend.com/blog/incident-report-for-november-18-2025"
_FOUNDATIONS: dict[str, tuple[Foundation, ...]] = {
    # All API traffic is proxied through Cloudflare and goes on to origins in AWS; SMTP needs it.
    "resend": (
        Foundation("edge:cloudflare", _RESEND),
        Foundation("cloud:aws", _RESEND),
    ),
    "cloudflare": (
        Foundation("edge:cloudflare", "https://developers.cloudflare.com/email-service/"),
    ),
    "ses": (Foundation("cloud:aws", "https://docs.aws.amazon.com/ses/latest/dg/regions.html"),),
    # "Our cloud architecture" is AWS, its name servers included.
    "sparkpost": (
        Foundation(
            "cloud:aws", "https://messagebird.com/blog/undocumented-limit-dns-aws", "2017-02"
        ),
    ),
    "azure": (
        Foundation("cloud:azure", "https://learn.microsoft.com/azure/communication-services/"),
    ),
    "msgraph": (Foundation("cloud:azure", "https://learn.microsoft.com/graph/overview"),),
    "gmail": (Foundation("cloud:google", "https://developers.google.com/workspace/gmail/api"),),
    "scaleway": (
        Foundation("cloud:scaleway", "https://www.scaleway.com/en/docs/transactional-email/"),
    ),
}
"""By the scheme of the vendor; who is not here publishes nothing that we know of."""

_HOSTS = {
    "smtp.mailgun.org": "mailgun",
    "smtp.eu.mailgun.org": "mailgun",
    "smtp.mandrillapp.com": "mandrill",
    "smtp.sendgrid.net": "sendgrid",
    "smtp.postmarkapp.com": "postmark",
    "smtp-broadcasts.postmarkapp.com": "postmark",
    "smtp.resend.com": "resend",
    "smtp.sparkpostmail.com": "sparkpost",
    "smtp.eu.sparkpostmail.com": "sparkpost",
    "smtp-relay.brevo.com": "brevo",
    "in-v3.mailjet.com": "mailjet",
    "smtp.mailersend.net": "mailersend",
    "live.smtp.mailtrap.io": "mailtrap",
    "smtp.tem.scaleway.com": "scaleway",
    "smtp.elasticemail.com": "elasticemail",
    "mail.smtp2go.com": "smtp2go",
    "smtp.mailchannels.net": "mailchannels",
    "smtp.gmail.com": "gmail",
    "smtp-relay.gmail.com": "gmail",
    "smtp.office365.com": "msgraph",
}
"""The vendors behind SMTP hosts, from their own documentation (2026-11)."""

_SES_HOST = ("email-smtp.", ".amazonaws.com")


def vendor_of(link: Link) -> str:
    """
    Return the scheme of a link's vendor, also where it is reached by SMTP; "" where unknown.
    """
    host = str(getattr(link.provider, "host", "")).lower()
    if not host:
        return link.provider.name
    if host.startswith(_SES_HOST[0]) and host.endswith(_SES_HOST[1]):
        return "ses"
    return _HOSTS.get(host, "")


def door_of(link: Link) -> str:
    """
    Return by which door a link goes to its vendor, ``"api"`` or ``"smtp"``.
    """
    return "smtp" if hasattr(link.provider, "host") else "api"


def foundations_of(link: Link) -> tuple[Foundation, ...]:
    """
    Return what a link stands on, as far as that is known.
    """
    provider: Any = link.provider
    vendor = vendor_of(link)
    found = _FOUNDATIONS.get(vendor, ())
    if vendor == "ses":
        host = str(getattr(provider, "host", ""))
        region = host.split(".")[1] if host.startswith(_SES_HOST[0]) else _region(provider)
        if region:
            found += (Foundation(f"aws:{region}", "its own setting", sure=True),)
    if vendor == "smtp" or not vendor:
        host = str(getattr(provider, "host", ""))
        found += (Foundation(f"host:{host}", "its own setting"),) if host else ()
    return found


def _region(provider: Any) -> str:
    region = getattr(provider, "region", "")
    return region if isinstance(region, str) else ""


def shared(links: Iterable[Link]) -> dict[Foundation, tuple[str, ...]]:
    """
    Return what several links stand on, each with their keys.
    """
    found: dict[str, dict[str, Foundation]] = {}
    for link in links:
        for one in (*foundations_of(link), _own_vendor(link)):
            found.setdefault(one.name, {})[link.key] = one
    return {next(iter(keys.values())): tuple(keys) for keys in found.values() if len(keys) > 1}


def _own_vendor(link: Link) -> Foundation:
    return Foundation(f"vendor:{vendor_of(link) or link.key}", "its own setting")
