"""
Checks of a Mailgun account: its domain and its webhooks.

https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/domains and .../webhooks;
fields as in the vendor's own client, github.com/mailgun/mailgun-go (2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mailfailover import plugin

EVENTS = (
    "delivered",
    "permanent_fail",
    "temporary_fail",
    "complained",
    "unsubscribed",
    "opened",
    "clicked",
)


def checks(
    domain: str, ask: Callable[[str], plugin.HTTPRequest], asked: plugin.AccountQuestion
) -> Iterator[plugin.AccountCheck]:
    """
    Yield the checks of the sending *domain*.
    """

    def read_domain(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        body = response.json_object()
        state = plugin.as_text(plugin.dig(body, "domain", "state"))
        records = plugin.as_objects(body.get("sending_dns_records"))
        names = [plugin.as_text(one.get("name")) for one in records]
        yield plugin.sender_fact(
            domain,
            ok=state == "active",
            status=state,
            dkim=[name for name in names if "._domainkey." in name],
        )

    def read_webhooks(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        hooks = plugin.as_object(response.json_object().get("webhooks"))
        found = [plugin.as_object(hooks.get(event)) for event in EVENTS]
        urls = [url for one in found for url in (one.get("url"), *plugin.as_list(one.get("urls")))]
        yield plugin.webhook_fact(asked.webhook_url, urls)

    yield plugin.AccountCheck("sender", ask("v4/domains/{}"), read_domain)
    yield plugin.AccountCheck("webhook", ask("v3/domains/{}/webhooks"), read_webhooks)
    if asked.templates:
        yield from plugin.template_checks(asked, lambda name: ask(f"v3/{{}}/templates/{name}"))
