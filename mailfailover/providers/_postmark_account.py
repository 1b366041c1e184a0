"""
Checks of a Postmark server: its webhooks and templates.

A server's token cannot read the domains of its account: those need the account's token.

https://postmarkapp.com/developer/api/webhooks-api and .../templates-api (2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from mailfailover import plugin

TRIGGERS = {
    "Open": {"Enabled": True, "PostFirstOpenOnly": False},
    "Click": {"Enabled": True},
    "Delivery": {"Enabled": True},
    "Bounce": {"Enabled": True, "IncludeContent": False},
    "SpamComplaint": {"Enabled": True, "IncludeContent": False},
    "SubscriptionChange": {"Enabled": True},
}


def checks(
    ask: Callable[[str], plugin.HTTPRequest], asked: plugin.AccountQuestion
) -> Iterator[plugin.AccountCheck]:
    """
    Yield the checks that *asked* has a question for.
    """

    def read_webhooks(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        found = plugin.as_objects(response.json_object().get("Webhooks"))
        yield plugin.webhook_fact(asked.webhook_url, [one.get("Url") for one in found])

    yield plugin.AccountCheck("webhook", ask("webhooks"), read_webhooks)
    yield from plugin.template_checks(asked, lambda name: ask(f"templates/{quote(name, safe='')}"))
