"""
Checks of a Scaleway project: the sender's domain.

https://www.scaleway.com/en/developers/api/transactional-email/ (2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from mailfailover import plugin


def checks(
    ask: Callable[[str], plugin.HTTPRequest], project: str, asked: plugin.AccountQuestion
) -> Iterator[plugin.AccountCheck]:
    """
    Yield the check of the domain.
    """

    def read_domains(response: plugin.Response) -> Iterator[plugin.AccountFact]:
        states = [
            plugin.as_text(one.get("status"))
            for one in asked.of_domain(response.json_object().get("domains"), "name")
        ]
        status = "" if "checked" in states else next(iter(states), "unknown there")
        yield plugin.sender_fact(asked.domain, ok="checked" in states, status=status)

    if asked.domain:
        path = f"domains?name={quote(asked.domain)}&project_id={quote(project)}"
        yield plugin.AccountCheck("sender", ask(path), read_domains)
