"""
The doctor's look at DNS: SPF, DKIM and DMARC of each domain that mails are from.

Needs the extra ``dns``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._setup.extras import extra
from mailfailover.cli.finding import NOTE, OK, PROBLEM, WARNING, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Lookup = Callable[[str, str], tuple[str, ...]]
    """Returns the records of a name and a type, none if there are none; raises OSError."""

# RFC 2606 and 6761: these names are reserved, so there is nothing to look up.
_RESERVED = (
    ".example",
    ".example.com",
    ".example.net",
    ".example.org",
    ".invalid",
    ".local",
    ".localhost",
    ".test",
)


def examine_dns(
    domains: Mapping[str, Iterable[str]], timeout: float, lookup: Lookup | None = None
) -> Iterator[Finding]:
    """
    Look at the records of each domain.

    Args:
        domains: The names at which vendors' DKIM keys must be, by the domain of the From.

        timeout: Seconds for each look-up.

        lookup: The look-up; the system's resolver by default.
    """
    wanted = {
        domain: names for domain, names in domains.items() if domain and not _is_reserved(domain)
    }
    if not wanted:
        return
    try:
        lookup = lookup or _resolver(timeout)
    except ModuleNotFoundError as exc:
        yield Finding(NOTE, "DNS", f"SPF, DKIM and DMARC were not looked at: {exc}")
        return
    for domain, names in wanted.items():
        try:
            yield from _domain(domain, names, lookup)
        except OSError as exc:
            yield Finding(NOTE, f"DNS of {domain}", f"no answer: {exc}", "is there a name server?")


def _is_reserved(domain: str) -> bool:
    return f".{domain}".endswith(_RESERVED)


def _domain(domain: str, names: Iterable[str], lookup: Lookup) -> Iterator[Finding]:
    yield _spf(domain, lookup)
    yield _dmarc(domain, lookup)
    for name in sorted(set(names)):
        found = lookup(name, "CNAME") or lookup(name, "TXT")
        if found:
            yield Finding(OK, f"DKIM of {domain}", f"{name} is there")
        else:
            text = f"{name} has no record: mails of this vendor are not signed for {domain}"
            yield Finding(
                PROBLEM, f"DKIM of {domain}", text, "set the record that the vendor shows"
            )


def _spf(domain: str, lookup: Lookup) -> Finding:
    subject = f"SPF of {domain}"
    found = [text for text in lookup(domain, "TXT") if text.lower().split(" ")[0] == "v=spf1"]
    if len(found) == 1:
        return Finding(OK, subject, found[0])
    if found:
        text = f"there are {len(found)} records, so receivers ignore all of them (RFC 7208, 4.5)"
        return Finding(PROBLEM, subject, text, "join them into one")
    # Most vendors use an envelope sender of their own domain, whose SPF is theirs.
    return Finding(NOTE, subject, "there is no record", "set one if a vendor asks for it")


def _dmarc(domain: str, lookup: Lookup) -> Finding:
    subject = f"DMARC of {domain}"
    for parent in _parents(domain):
        found = [text for text in lookup(f"_dmarc.{parent}", "TXT") if text.startswith("v=DMARC1")]
        if found:
            return Finding(OK, subject, found[0])
    text = "there is no record: Gmail and Yahoo refuse larger senders without one"
    return Finding(WARNING, subject, text, f'set "v=DMARC1; p=none" at _dmarc.{domain}')


def _parents(domain: str) -> Iterator[str]:
    """
    Yield *domain* and the domains above it, without the top level.
    """
    while "." in domain:
        yield domain
        domain = domain.partition(".")[2]


def _resolver(timeout: float) -> Lookup:
    with extra("dns", "the look at SPF, DKIM and DMARC"):
        import dns.exception
        import dns.resolver

    def lookup(name: str, kind: str) -> tuple[str, ...]:
        try:
            answer = dns.resolver.resolve(name, kind, lifetime=timeout)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.exception.DNSException as exc:
            raise OSError(type(exc).__name__) from exc
        if kind == "TXT":
            return tuple(b"".join(one.strings).decode("utf-8", "replace") for one in answer)
        return tuple(str(one) for one in answer)

    return lookup
