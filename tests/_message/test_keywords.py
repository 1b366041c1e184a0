"""
The typed keywords of a message.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from mailfailover import Mailer, Message
from mailfailover._message.keywords import MessageFields, check_keywords
from mailfailover.testing import FakeTransport
from tests.samples import each


def test_the_keywords_are_the_fields_of_a_message() -> None:
    """
    Each has the type that the constructor gives it, so that no call knows fewer.
    """
    parameters = inspect.signature(Message).parameters.values()
    fields = {one.name: one.annotation for one in parameters if one.kind is not one.VAR_KEYWORD}
    keywords = MessageFields.__annotations__.items()

    assert fields == {name: hint.__forward_arg__ for name, hint in keywords}


@each(
    ("name", "hint"),
    [
        ("body", "text= or html="),
        ("sender", "from_email="),
        ("from_", "from_email="),
        ("recipients", "to="),
        ("too", "to="),
        ("sbject", "subject="),
    ],
)
def test_a_name_of_another_library_is_told_ours(name: str, hint: str) -> None:
    """
    So is a misspelt one.
    """
    with pytest.raises(TypeError, match=f"no field '{name}': did you mean {hint}"):
        check_keywords([name])


def test_a_name_like_no_other_is_told_all_of_ours() -> None:
    """
    The list stands in for a hint.
    """
    with pytest.raises(TypeError, match=r"no field 'zzzz': its fields are .*subject"):
        check_keywords(["zzzz"])


def test_fields_and_further_names_pass() -> None:
    """
    The further ones are those that a function takes beside the fields.
    """
    check_keywords(["subject", "timeout"], known=["timeout"])


def test_nothing_is_sent_with_a_keyword_too_many() -> None:
    """
    Neither by a message nor by a mailer.
    """
    fields: Any = {"to": "ann@example.org", "body": "Hello"}
    transport = FakeTransport()
    mailer = Mailer("null://", transport=transport)

    for call in (Message, mailer.send):
        with pytest.raises(TypeError, match="no field 'body': did you mean text= or html="):
            call(**fields)

    assert not transport.requests
