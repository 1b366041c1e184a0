"""
Account checks: read-only calls that ask a vendor whether an account is ready to send.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import quote, urlsplit

from mailfailover._provider.answers import as_objects
from mailfailover._provider.event_reading import as_text
from mailfailover._provider.signatures import reveal_all
from mailfailover._values.face import published_in
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mailfailover._provider.signatures import Secrets
    from mailfailover._values.wire import HTTPRequest, Response

About: TypeAlias = Literal["account", "quota", "sender", "templates", "webhook"]


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class AccountQuestion:
    """
    The set-up that an account is checked for.

    Attributes:
        domain: The domain of the From, "" if none is configured.

        webhook_url: The URL at which this provider's webhooks must arrive, "" if it is unknown.

        templates: The ids of the templates that are configured for the provider.

    .. versionadded:: 0.1.0
    """

    domain: str = ""
    webhook_url: str = ""
    templates: tuple[str, ...] = ()

    def of_domain(self, entries: object, field: str) -> list[Mapping[str, Any]]:
        """
        Pick the objects in a vendor's list whose *field* is the domain.
        """
        return [
            one for one in as_objects(entries) if as_text(one.get(field)).lower() == self.domain
        ]


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class AccountFact:
    """
    An answer to one part of the question.

    Attributes:
        about: The part.

        ok: Whether it is ready; None if the vendor does not tell.

        text: The fact in words.

        remedy: What to do if it is not ready.

        dkim: The DNS names at which the vendor's DKIM keys of the domain must be.

    .. versionadded:: 0.1.0
    """

    about: About
    ok: bool | None
    text: str
    remedy: str = ""
    dkim: tuple[str, ...] = ()


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class AccountCheck:
    """
    One call, and the reader of its answer.

    Attributes:
        about: The part of the question that the call answers.

        request: A call that changes nothing.

        read:
            Reads an answer of success, or a 404 if *reads_absence* is set. It yields facts, and
            further checks where one answer leads to the next call.

        reads_absence: Whether a 404 says something about the question.

    .. versionadded:: 0.1.0
    """

    about: About
    request: HTTPRequest
    read: Callable[[Response], Iterable[AccountFact | AccountCheck]]
    reads_absence: bool = False


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class WebhookSetup:
    """
    A call that registers a webhook at the vendor.

    Attributes:
        request: The call.

        secrets: Reads the options of the provider that the answer holds, such as its secret.

    .. versionadded:: 0.1.0
    """

    request: HTTPRequest
    secrets: Callable[[Response], dict[str, str]] = lambda _response: {}


def webhook_credentials(provider: str, username: Secrets, password: Secrets) -> tuple[str, str]:
    """
    Return the user name and password that a new webhook must send.

    Raises:
        ConfigurationError: If one is not set: no webhook would be accepted.
    """
    names, passwords = reveal_all(username), reveal_all(password)
    if not (names and passwords):
        message = f"{provider} needs webhook_username and webhook_password: set both first"
        raise ConfigurationError(message)
    return names[0], passwords[0]


def with_credentials(url: str, credentials: tuple[str, str]) -> str:
    """
    Return *url* with a user name and password in it, for vendors that take them there.
    """
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{':'.join(quote(one, safe='') for one in credentials)}@{rest}"


def sender_fact(
    domain: str, *, ok: bool, status: object = "", dkim: Iterable[str] = ()
) -> AccountFact:
    """
    Make the fact about the domain of the From.
    """
    told = f" ({status})" if status else ""
    if ok:
        return AccountFact("sender", ok=True, text=f"{domain} is verified", dkim=tuple(dkim))
    return AccountFact(
        "sender",
        ok=False,
        text=f"{domain} is not verified{told}",
        remedy=f"add {domain} in the vendor's console and set the DNS records that it shows",
        dkim=tuple(dkim),
    )


def quota_fact(left: float | None, unit: str) -> AccountFact:
    """
    Make the fact about what is left to send; None is no limit.
    """
    if left is None:
        return AccountFact("quota", ok=True, text="no limit is told")
    if left > 0:
        return AccountFact("quota", ok=True, text=f"{left:,.0f} {unit} left")
    return AccountFact("quota", ok=False, text=f"no {unit} left", remedy="raise the plan or wait")


def template_fact(template: str, *, ok: bool) -> AccountFact:
    """
    Make the fact about one template.
    """
    if ok:
        return AccountFact("templates", ok=True, text=f"{template} is there")
    text = f"{template} does not exist at the vendor"
    return AccountFact("templates", ok=False, text=text, remedy="create it, or correct its id")


def webhook_fact(wanted: str, found: Iterable[object]) -> AccountFact:
    """
    Make the fact about webhooks: whether one of those *found* points at *wanted*.

    A user name and password in a URL do not count: vendors hide them.
    """
    urls = [url for url in found if isinstance(url, str) and url]
    if not wanted:
        if urls:
            hosts = ", ".join(sorted({urlsplit(url).hostname or "?" for url in urls}))
            return AccountFact("webhook", ok=True, text=f"set, to {hosts}")
    elif any(_place(url) == _place(wanted) for url in urls):
        return AccountFact("webhook", ok=True, text=f"points at {_place(wanted)}")
    text = f"none points at {_place(wanted)}" if wanted else "none is set"
    remedy = "run `mailfailover webhooks setup`, or set it in the vendor's console"
    return AccountFact("webhook", ok=False, text=text, remedy=remedy)


def _place(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def template_checks(
    asked: AccountQuestion, request: Callable[[str], HTTPRequest]
) -> Iterable[AccountCheck]:
    """
    Yield a check for each template, where a 404 tells that it does not exist.

    Args:
        asked: The question.

        request: Returns the call that reads the template with an id.
    """
    for template in asked.templates:

        def read(response: Response, template: str = template) -> Iterable[AccountFact]:
            yield template_fact(template, ok=response.ok)

        yield AccountCheck("templates", request(template), read, reads_absence=True)
