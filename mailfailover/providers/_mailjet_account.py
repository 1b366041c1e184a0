"""
Checks of a Mailjet account: DNS of the sender's domain, event webhooks and templates.

https://dev.mailjet.com/email/reference/sender-addresses-and-domains/dns/ and
.../reference/webhook/ (2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from mailfailover import plugin

EVENTS = ("sent", "open", "click", "bounce", "spam", "blocked", "unsub")


def checks(
    ask: Callable[[str], plugin.HTTPRequest], asked: plugin.AccountQuestion
) -> Iterator[plugin.AccountCheck]:
    """
    Yield the checks that *asked* has a question for.
    """

    def read_dns(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        found = plugin.as_objects(response.json_object().get("Data"))
        status = plugin.as_text(found[0].get("DKIMStatus")) if found else "unknown there"
        names = [plugin.as_text(one.get("DKIMRecordName")).rstrip(".") for one in found]
        yield plugin.sender_fact(
            asked.domain,
            ok=status == "OK",
            status="" if status == "OK" else f"DKIM: {status}" if found else status,
            dkim=[name for name in names if name],
        )

    def read_webhooks(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        found = plugin.as_objects(response.json_object().get("Data"))
        urls = [one.get("Url") for one in found if one.get("Status", "alive") == "alive"]
        yield plugin.webhook_fact(asked.webhook_url, urls)

    if asked.domain:
        path = f"dns/{quote(asked.domain, safe='')}"
        yield plugin.AccountCheck("sender", ask(path), read_dns, reads_absence=True)
    yield plugin.AccountCheck("webhook", ask("eventcallbackurl?Limit=100"), read_webhooks)
    yield from plugin.template_checks(asked, lambda name: ask(f"template/{quote(name, safe='')}"))
