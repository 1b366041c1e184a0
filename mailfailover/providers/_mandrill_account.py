"""
Checks of a Mandrill account: sending domains, hourly quota, webhooks and templates.

https://mailchimp.com/developer/transactional/api/senders/ and .../webhooks/ (2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mailfailover import plugin

EVENTS = (
    "send",
    "deferral",
    "hard_bounce",
    "soft_bounce",
    "delivered",
    "open",
    "click",
    "spam",
    "unsub",
    "reject",
)


def checks(
    call: Callable[[str, dict[str, Any]], plugin.HTTPRequest], asked: plugin.AccountQuestion
) -> Iterator[plugin.AccountCheck]:
    """
    Yield the checks that *asked* has a question for.
    """

    def read_domains(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        found = asked.of_domain(response.json(), "domain")
        ok = any(one.get("valid_signing") is True and one.get("verified_at") for one in found)
        yield plugin.sender_fact(asked.domain, ok=ok, status="" if found else "unknown there")

    def read_user(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        quota = response.json_object().get("hourly_quota")
        left = quota if isinstance(quota, int | float) else None
        yield plugin.quota_fact(left, "mails an hour")

    def read_webhooks(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        urls = [one.get("url") for one in plugin.as_objects(response.json())]
        yield plugin.webhook_fact(asked.webhook_url, urls)

    if asked.domain:
        yield plugin.AccountCheck("sender", call("senders/domains", {}), read_domains)
    yield plugin.AccountCheck("quota", call("users/info", {}), read_user)
    yield plugin.AccountCheck("webhook", call("webhooks/list", {}), read_webhooks)
    yield from plugin.template_checks(asked, lambda name: call("templates/info", {"name": name}))


def read_secret(response: plugin.Response) -> dict[str, str]:
    """
    Read the secret of a webhook that was just made.
    """
    return {"webhook_key": plugin.as_text(response.json_object().get("auth_key"))}
