"""
Checks of an SES account: the identity, the sandbox and quota, event destinations and templates.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/ (2026-11): GetAccount, GetEmailIdentity,
GetConfigurationSetEventDestinations, GetEmailTemplate
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from mailfailover import plugin


def checks(
    ask: Callable[[str], plugin.HTTPRequest], configuration_set: str, asked: plugin.AccountQuestion
) -> Iterator[plugin.AccountCheck]:
    """
    Yield the checks that *asked* has a question for.
    """

    def read_identity(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        body = response.json_object()
        status = plugin.as_text(body.get("VerificationStatus")) if response.ok else "unknown there"
        tokens = plugin.as_list(plugin.dig(body, "DkimAttributes", "Tokens"))
        yield plugin.sender_fact(
            asked.domain,
            ok=body.get("VerifiedForSendingStatus") is True,
            status=status,
            dkim=[f"{plugin.as_text(one)}._domainkey.{asked.domain}" for one in tokens],
        )

    def read_account(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        body = response.json_object()
        if body.get("ProductionAccessEnabled") is False:
            yield plugin.AccountFact(
                "account",
                ok=False,
                text="the account is in the sandbox: it sends to verified addresses only",
                remedy="ask for production access in the console of SES",
            )
        if body.get("SendingEnabled") is False:
            yield plugin.AccountFact("account", ok=False, text="sending is switched off by SES")
        most, used = (
            plugin.dig(body, "SendQuota", name) for name in ("Max24HourSend", "SentLast24Hours")
        )
        if isinstance(most, int | float) and isinstance(used, int | float):
            yield plugin.quota_fact(None if most < 0 else most - used, "mails today")

    def read_destinations(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        found = plugin.as_objects(response.json_object().get("EventDestinations"))
        ok = any(one.get("Enabled") is True and "SnsDestination" in one for one in found)
        text = "sends events to SNS" if ok else "sends no events to SNS"
        remedy = "" if ok else "add an event destination to it, and subscribe the webhook there"
        yield plugin.AccountFact("webhook", ok, f"{configuration_set} {text}", remedy)

    if asked.domain:
        path = f"identities/{quote(asked.domain, safe='')}"
        yield plugin.AccountCheck("sender", ask(path), read_identity, reads_absence=True)
    yield plugin.AccountCheck("quota", ask("account"), read_account)
    if configuration_set:
        path = f"configuration-sets/{quote(configuration_set, safe='')}/event-destinations"
        yield plugin.AccountCheck("webhook", ask(path), read_destinations)
    yield from plugin.template_checks(asked, lambda name: ask(f"templates/{quote(name, safe='')}"))
