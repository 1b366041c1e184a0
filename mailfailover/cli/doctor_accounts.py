"""
The doctor's look at accounts: what each vendor says of the sender, quota, webhook and templates.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from mailfailover._message.address import Address
from mailfailover._provider.account import AccountCheck, AccountQuestion
from mailfailover.cli.doctor_dns import examine_dns
from mailfailover.cli.finding import NOTE, OK, PROBLEM, WARNING, Finding
from mailfailover.errors import SendError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._mailer.mailer import Mailer
    from mailfailover._provider.account import AccountFact
    from mailfailover._provider.link import Link

_FORBIDDEN = (401, 403)
_ABSENT = 404


def examine_accounts(mailer: Mailer, timeout: float, webhook_url: str) -> Iterator[Finding]:
    """
    Ask each vendor that can be asked, then look up the DNS of the domains that mails are from.

    Args:
        mailer: The mailer whose links are asked.

        timeout: Seconds for each call.

        webhook_url: The URL above the webhooks of all providers, "" if it is unknown.
    """
    dkim: dict[str, list[str]] = {}
    for link in mailer.chain.links:
        names = dkim.setdefault(sender_domain(mailer, link), [])
        for fact in account_facts(mailer, link, timeout, webhook_url):
            if isinstance(fact, Finding):
                yield fact
            else:
                names.extend(fact.dkim)
                yield _finding(link.key, fact, webhook_url)
    yield from examine_dns(dkim, timeout)


def account_facts(
    mailer: Mailer, link: Link, timeout: float, webhook_url: str
) -> Iterator[AccountFact | Finding]:
    """
    Yield what the vendor of *link* tells, and a note for each call that it does not answer.
    """
    provider: Any = link.provider
    if not hasattr(provider, "account_checks"):
        return
    transport: Any = link.transport or mailer.chain.transport
    waiting: deque[AccountCheck] = deque(
        provider.account_checks(_question(mailer, link, webhook_url))
    )
    while waiting:
        check = waiting.popleft()
        try:
            response = transport.send(check.request, timeout)
        except SendError as exc:
            yield _not_told(link.key, check, type(exc).__name__)
            continue
        if not (response.ok or (check.reads_absence and response.status_code == _ABSENT)):
            hint = "the key may not read it" if response.status_code in _FORBIDDEN else ""
            yield _not_told(link.key, check, f"HTTP {response.status_code}", hint)
            continue
        for found in check.read(response):
            if isinstance(found, AccountCheck):
                waiting.append(found)
            else:
                yield found


def sender_domain(mailer: Mailer, link: Link) -> str:
    """
    Return the domain of the From that goes through *link*, "" if none is configured.
    """
    sender = link.from_email or mailer.from_email
    return sender.domain if isinstance(sender, Address) else ""


def webhook_url_of(webhook_url: str, key: str) -> str:
    """
    Return the URL of one provider's webhooks below *webhook_url*.
    """
    return f"{webhook_url.rstrip('/')}/{key}" if webhook_url else ""


def _question(mailer: Mailer, link: Link, webhook_url: str) -> AccountQuestion:
    return AccountQuestion(
        domain=sender_domain(mailer, link),
        webhook_url=webhook_url_of(webhook_url, link.key),
        templates=tuple(link.templates.values()),
    )


def _finding(key: str, fact: AccountFact, webhook_url: str) -> Finding:
    severity = {True: OK, None: NOTE, False: PROBLEM}[fact.ok]
    if fact.about == "webhook" and severity == PROBLEM and not webhook_url:
        severity = WARNING
    return Finding(severity, f"{fact.about} of {key}", fact.text, fact.remedy, key)


def _not_told(key: str, check: AccountCheck, what: str, hint: str = "") -> Finding:
    text = f"the vendor did not tell: {what}" + (f" ({hint})" if hint else "")
    return Finding(NOTE, f"{check.about} of {key}", text, "look in its console", key)
