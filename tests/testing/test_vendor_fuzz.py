"""
Dialects and whatever a program may send: each answers, and none breaks.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailfailover.chaos._mail import headings_of, headings_of_mime
from mailfailover.testing import RecordedRequest
from mailfailover.testing._dialects import dialect_names, find_dialect

NAMES = [
    "to",
    "cc",
    "bcc",
    "recipients",
    "messages",
    "Messages",
    "personalizations",
    "requests",
    "messageVersions",
    "message",
    "destinations",
    "destination",
    "address",
    "email",
    "email_address",
    "emailAddress",
    "To",
    "Cc",
    "Bcc",
    "rcpt_to",
    "data",
    "Destination",
    "ToAddresses",
    "mergeData",
    "perMessage",
    "field",
    "value",
    "subject",
    "from",
    "headers",
    "metadata",
]
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("a@example.com"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
BODIES = st.binary(max_size=60) | DOCUMENTS.map(lambda one: json.dumps(one).encode())
TYPES = st.sampled_from(
    [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "text/plain",
    ]
)


@pytest.mark.parametrize("name", dialect_names())
@given(body=BODIES, kind=TYPES)
@example(body=b"[" * 100_000, kind="application/json")
@example(
    body=b"--x\r\nContent-Disposition: form-data; name*=x''%ff\r\n\r\n=?x\r\n--x--",
    kind="multipart/form-data; boundary=x",
)
def test_any_request_is_answered(name: str, body: bytes, kind: str) -> None:
    """
    A vendor on this machine does not fall over what a program under test does wrong.
    """
    dialect = find_dialect(name)
    request = RecordedRequest("POST", "/v3/x/messages", (("Content-Type", kind),), body, 0.0, 1)

    found = [
        *dialect.recipients(request),
        *dialect.mail_ids(request),
        dialect.refusal(request),
        *headings_of(request),
    ]

    assert all(isinstance(one, str) for one in found)
    assert dialect.accept(request).status < 300


@given(head=st.text(max_size=80))
@example(head="=?utf-8?q?=?= <")
@example(head="=?nothing?b?!!!?=")
@example(head='"\udcff')
def test_any_heading_is_read(head: str) -> None:
    """
    Sender and subject are for people: they show what can be shown.
    """
    data = head.encode("utf-8", "surrogateescape")
    mime = b"From: " + data + b"\r\nSubject: " + data + b"\r\n\r\n"

    sender, subject = headings_of_mime(mime)

    json.dumps([sender, subject]).encode()
