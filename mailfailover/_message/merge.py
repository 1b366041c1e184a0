"""
``{{name}}`` in a mail's text, filled in here or rewritten into a vendor's own syntax.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from html import escape
from itertools import repeat
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from mailfailover._message.alternative import Alternative
from mailfailover._message.validation import check_text
from mailfailover._values.features import Feature
from mailfailover._values.frozen import EMPTY, FrozenDict
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mailfailover._message.address import Address
    from mailfailover._message.mail import Mail

M = TypeVar("M", bound="Mail")

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
HTML_SUFFIX = "__html"
"""What the name of a variable's HTML-escaped twin ends with, in a vendor's variables."""


def _names(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text)) if "{{" in text else set()


def _header_names(message: Mail) -> set[str]:
    return set().union(*(_names(value) for _, value in message.header_items()))


def check_merge(message: Mail) -> None:
    """
    Refuse a merge that would leave a gap or show one recipient to another.
    """
    if message.cc or message.bcc:
        text = "cc and bcc cannot go with per-recipient data: put everybody into to"
        raise InvalidMessage(text, field="cc" if message.cc else "bcc")
    to = [address.email for address in message.to]
    _check_recipients(message, to)
    shared = [message.subject, *(value for _, value in message.header_items())]
    body = _names(message.text) | _names(message.html)
    body = body.union(*(_names(one.content) for one in message.alternatives))
    for number, email in enumerate(to, 1):
        data = message.merge_data.get(email, {})
        lines = [*shared, *_values(message.merge_headers.get(email, {}))]
        if missing := body.union(*map(_names, lines)) - data.keys():
            text = (
                f"merge_data has no {min(missing)!r} for recipient {number} of {len(to)}, "
                "but the message uses it: give it a value, even an empty one"
            )
            raise InvalidMessage(text, field="merge_data")
        where = f"merge_data, filled into the subject or a header of mail {number} of {len(to)},"
        for line in lines:
            if "{{" in line:
                check_text(where, fill(line, data))


def _check_recipients(message: Mail, to: list[str]) -> None:
    if len(to) != len(set(to)):
        text = "to names a recipient twice in a merge: name each once"
        raise InvalidMessage(text, field="to")
    for field in ("merge_data", "merge_metadata", "merge_headers"):
        if not getattr(message, field).keys() <= set(to):
            text = f"{field} names a recipient who is not in to: add them there or leave them out"
            raise InvalidMessage(text, field=field)
    spelling = {name.lower(): name for name, _ in message.header_items()}
    for headers in message.merge_headers.values():
        for name in headers:
            if spelling.setdefault(name.lower(), name) != name:
                text = f"merge_headers has {name!r} in another case elsewhere: write it alike"
                raise InvalidMessage(text, field="merge_headers")
            if message.unsubscribe and name.lower().startswith("list-unsubscribe"):
                text = f"merge_headers has {name!r}, and unsubscribe is given too: keep one"
                raise InvalidMessage(text, field="merge_headers")


def _values(headers: Mapping[str, str | tuple[str, ...]]) -> Iterator[str]:
    for value in headers.values():
        yield from (value,) if isinstance(value, str) else value


def merge_features(message: Mail) -> Feature:
    """
    The features that a provider needs to send this merge in one call.

    A header that uses ``{{name}}`` differs per recipient like those of *merge_headers*.
    """
    needed = Feature.MERGE
    if message.merge_metadata:
        needed |= Feature.MERGE_METADATA
    if message.merge_headers or _header_names(message):
        needed |= Feature.MERGE_HEADERS
    if message.merge_headers and _are_uneven(message):
        needed |= Feature.MERGE_UNEVEN_HEADERS
    return needed


def _are_uneven(message: Mail) -> bool:
    own = {
        frozenset(message.merge_headers.get(one.email, ())).difference(message.headers)
        for one in message.to
    }
    return len(own) > 1


def fill(text: str, data: Mapping[str, str], *, html: bool = False) -> str:
    """
    Replace each ``{{name}}`` in *text*, HTML-escaped where *html*.
    """
    if "{{" not in text:
        return text
    return PLACEHOLDER.sub(lambda m: escape(data[m[1]]) if html else data[m[1]], text)


def rewrite(text: str, wrap: Callable[[str], str], *, html: bool = False) -> str:
    """
    Replace each ``{{name}}`` by a vendor's placeholder: *wrap* makes it of a variable's name.

    In *html* the variable is the escaped twin; :func:`variables` makes both.
    """
    if "{{" not in text:
        return text
    return PLACEHOLDER.sub(lambda m: wrap(m[1] + HTML_SUFFIX if html else m[1]), text)


def variables(message: Mail, email: str) -> dict[str, str]:
    """
    The variables of one recipient for texts that :func:`rewrite` made.
    """
    return _variables(message.merge_data.get(email, EMPTY), *_body_names(message))


def all_variables(message: Mail) -> Iterator[Mapping[str, str]]:
    """
    Yield the variables of each recipient, in the order of *to*, one at a time to save memory.
    """
    plain, rich = _body_names(message)
    data = message.merge_data
    own = (data.get(address.email, EMPTY) for address in message.to)
    if not rich and all(len(one) == len(plain) for one in data.values()):
        return own  # It holds all that the texts use, and nothing else.
    return (_variables(one, plain, rich) for one in own)


def _body_names(message: Mail) -> tuple[list[str], list[str]]:
    plain = _names(message.subject) | _names(message.text)
    return sorted(plain), sorted(_names(message.html))


def _variables(data: Mapping[str, str], plain: list[str], rich: list[str]) -> dict[str, str]:
    found = {name: data[name] for name in plain}
    for name in rich:
        found[name + HTML_SUFFIX] = escape(data[name])
    return found


def without_texts(message: M) -> Iterator[M]:
    """
    Yield the mail of each recipient, without subject, text and HTML.

    Where only those differ it is one and the same mail, made once.
    """
    bare = message.bound(subject="", text="", html="")
    lines = (*(value for _, value in message.header_items()), *message.unsubscribe)
    own = message.merge_metadata or message.merge_headers or message.template_id
    if own or any("{{" in line for line in lines):
        return (for_recipient(bare, address) for address in message.to)
    return repeat(for_recipient(bare, message.to[0]), len(message.to))


def for_recipient(message: M, address: Address) -> M:
    """
    The mail that *address* alone gets of a merge, filled in.
    """
    data = message.merge_data.get(address.email, EMPTY)
    headers = {**message.headers, **message.merge_headers.get(address.email, EMPTY)}
    own = message.merge_metadata.get(address.email)
    return message.bound(  # all of it was checked when the merge was made
        to=(address,),
        subject=fill(message.subject, data),
        text=fill(message.text, data),
        html=fill(message.html, data, html=True),
        alternatives=tuple(_fill_alternative(one, data) for one in message.alternatives),
        headers=FrozenDict({name: _fill_values(value, data) for name, value in headers.items()}),
        unsubscribe=_fill_urls(message.unsubscribe, data),
        metadata=FrozenDict({**message.metadata, **own}) if own else message.metadata,
        template_data=FrozenDict(
            {**message.template_data, **(data if message.template_id else {})}
        ),
        merge_data=EMPTY,
        merge_metadata=EMPTY,
        merge_headers=EMPTY,
        part=part_of(address),
    )


def _fill_alternative(alternative: Alternative, data: Mapping[str, str]) -> Alternative:
    if "{{" not in alternative.content:
        return alternative
    content = fill(alternative.content, data, html="html" in alternative.kind)
    return Alternative(alternative.content_type, content, preferred=alternative.preferred)


def _fill_urls(urls: tuple[str, ...], data: Mapping[str, str]) -> tuple[str, ...]:
    if not any("{{" in url for url in urls):
        return urls
    quoted = {name: quote(value, safe="") for name, value in data.items()}
    return tuple(fill(url, quoted) for url in urls)


def _fill_values(value: str | tuple[str, ...], data: Mapping[str, str]) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return fill(value, data)
    return tuple(fill(one, data) for one in value)


def part_of(*addresses: Address) -> str:
    """
    A short name for the mail to these recipients of a merge, which does not tell them.
    """
    emails = "\n".join(address.email for address in addresses)
    return blake2b(emails.encode(), digest_size=6).hexdigest()


def part_for(message: M, addresses: tuple[Address, ...]) -> M:
    """
    The part of a merge for some of its recipients.
    """
    if len(addresses) == len(message.to):
        return message.bound(to=addresses, part=part_of(*addresses))
    emails = {address.email for address in addresses}

    def only(data: Mapping[str, Mapping[str, str]]) -> FrozenDict[str, Mapping[str, str]]:
        return FrozenDict({email: one for email, one in data.items() if email in emails})

    return message.bound(
        to=addresses,
        merge_data=only(message.merge_data),
        merge_metadata=only(message.merge_metadata),
        merge_headers=only(message.merge_headers),
        part=part_of(*addresses),
    )
