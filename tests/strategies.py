"""
Random values as a caller may give them, for property tests.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from mailfailover._message.address import Address
from mailfailover._message.alternative import Alternative
from mailfailover._message.attachment import Attachment
from mailfailover._message.message import Message
from mailfailover._values.features import MAY_BE_LEFT_OFF, Feature

_ATEXT = "abcXYZ019!#$%&'*+/=?^_`{|}~-"
_FORBIDDEN = "\u2028\u2029"

lines = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=_FORBIDDEN), max_size=60
).filter(lambda value: "=?" not in value)
"""One line of any Unicode; encoded words have tests of their own."""

words = lines.filter(bool)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=60)
"""Any Unicode of many lines, which end as in Python."""

header_names = st.from_regex(r"X-[A-Za-z0-9]{1,20}", fullmatch=True)

_labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
_domains = st.builds("{}.{}.example".format, _labels, _labels)
_atoms = st.lists(st.text(_ATEXT, min_size=1, max_size=8), min_size=1, max_size=3).map(".".join)
_quoted = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20).map(
    lambda text: '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))
)
_unicode_locals = st.text("abcäöüßñ漢字λ", min_size=1, max_size=8)

emails = st.builds("{}@{}".format, _atoms | _quoted | _unicode_locals, _domains)
addresses = st.builds(Address, emails, lines)
addressees = st.lists(addresses, max_size=4, unique_by=lambda address: address.email)

attachments = st.builds(
    Attachment,
    filename=words,
    content=st.binary(max_size=100),
    content_type=st.sampled_from(
        ["application/pdf", "text/calendar; method=REQUEST", 'text/plain; charset="utf-8"']
    ),
)
images = st.builds(
    Attachment,
    filename=words,
    content=st.binary(max_size=100),
    content_type=st.just("image/png"),
    content_id=st.from_regex(r"[a-z0-9]{1,9}(@[a-z]{1,9})?", fullmatch=True),
)
_headers = st.dictionaries(
    header_names,
    lines.map(str.strip) | st.lists(words.map(str.strip), min_size=2, max_size=3),
    max_size=3,
).filter(lambda found: len({name.lower() for name in found}) == len(found))
_forms = st.builds(
    Alternative,
    st.sampled_from(
        [
            "text/calendar; method=REQUEST",
            "text/x-amp-html",
            "text/watch-html",
            "application/ld+json",
        ]
    ),
    texts,
    preferred=st.booleans(),
)
alternatives = st.lists(_forms, max_size=2, unique_by=lambda one: one.kind).map(
    lambda found: tuple(sorted(found, key=lambda one: one.preferred))
)
"""In the order that MIME keeps: those after the HTML last."""

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
_times = st.integers(946684800, 4102444800).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)


def _mime_fields() -> dict[str, st.SearchStrategy[Any]]:
    return {
        "to": addressees,
        "cc": addressees,
        "reply_to": addressees,
        "from_email": addresses,
        "subject": lines,
        "text": texts,
        "html": texts,
        "alternatives": alternatives,
        "headers": _headers,
        "attachments": st.tuples(
            st.lists(images, max_size=2, unique_by=lambda image: image.content_id),
            st.lists(attachments, max_size=2),
        ).map(lambda found: found[0] + found[1]),
        "unsubscribe": st.sampled_from(
            [(), "https://a.example/u?x=1", ("https://a.example/u", "mailto:u@a.example")]
        ),
        "created": _times,
    }


mime_messages = st.builds(Message, **_mime_fields())
"""Messages with all that MIME can say; images first, as MIME puts them."""

messages = st.builds(
    Message,
    **_mime_fields(),
    bcc=addressees,
    tags=st.lists(words, max_size=3),
    metadata=st.dictionaries(words, lines, max_size=3),
    track_opens=st.none() | st.booleans(),
    track_clicks=st.none() | st.booleans(),
    send_at=st.none() | _times,
    template_id=lines | st.dictionaries(words, lines, max_size=2),
    template_data=st.dictionaries(words, _json, max_size=3),
    stream=words,
    envelope_from=st.just("") | emails,
    provider_options=st.dictionaries(words, st.dictionaries(words, _json, max_size=2), max_size=2),
    via=st.lists(words, max_size=2),
    droppable=st.lists(st.sampled_from(list(MAY_BE_LEFT_OFF))).map(
        lambda found: Feature(sum(feature.value for feature in set(found)))
    ),
    id=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
)
"""Messages with every field but a merge."""
