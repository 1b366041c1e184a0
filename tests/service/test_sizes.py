from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.service.problems import FieldError, Problem
from mailfailover.service.rules import Rules
from mailfailover.service.sizes import MAX_FIELDS, MAX_LINE, find_oversized
from tests.samples import each

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from mailfailover.service.parts import Service

SEND = "/email/api/1.0/send"
FORM: dict[str, Any] = {
    "to": "ann@example.com",
    "from_email": "shop@example.com",
    "subject": "Hi",
    "text": "Hello",
}
FORM_TYPE = "application/x-www-form-urlencoded"


@each(
    ("fields", "expected"),
    [
        ({"to": "a@b.c," * 21}, FieldError("to", "a mail may have at most 2 recipients")),
        ({"to": ["a@b.c"] * 21}, FieldError("to", "a mail may have at most 2 recipients")),
        ({"bcc": [1] * 21}, FieldError("to", "a mail may have at most 2 recipients")),
        ({"to": "=?utf-8?q?x?= " * 21}, FieldError("to", "a mail may have at most 2 recipients")),
        ({"cc": "x" * 1_000_001}, FieldError("to", "a mail may have at most 2 recipients")),
        (
            {"merge_data": {"a": 1, "b": 1, "c": 1}},
            FieldError("merge_data", "may have at most 2 entries, not 3"),
        ),
        ({"tags": ["x"] * 1001}, FieldError("tags", "may have at most 1000 entries, not 1001")),
        ({"subject": "x" * 10_001}, FieldError("subject", "may have at most 10000 characters")),
        (
            {"headers": {"X-A": ["x" * 10_001]}},
            FieldError("headers", "may have at most 10000 characters"),
        ),
    ],
)
def test_what_is_too_long_is_not_read(fields: dict[str, Any], expected: FieldError) -> None:
    """
    Each field has a limit, and says it.
    """
    assert [expected] == list(find_oversized(fields, 2))


@each(
    "fields",
    [
        {"to": '"a@b" <a@b.c>, d@e.f', "text": "@" * 1000, "html": "x" * 20_000},
        {"to": None, "subject": "x" * MAX_LINE, "template_data": {"a": "x" * 20_000}},
        {"headers": {}, "tags": [], "track_opens": True, "metadata": {"a": 1}},
    ],
)
def test_what_is_not_too_long_is_left_alone(fields: dict[str, Any]) -> None:
    """
    A name may have an @, and a body any length.
    """
    assert [] == list(find_oversized(fields, 2))


def test_form_of_too_many_fields_is_counted_only(client: FlaskClient) -> None:
    """
    A form of a megabyte with 100,000 fields gets a short answer, whatever it asks for.
    """
    body = "&".join(f"f{number}=1" for number in range(100_000))

    for path in (SEND, "/", "/sign-in"):
        answer = client.post(path, data=body, content_type=FORM_TYPE)
        assert 413 == answer.status_code
        assert len(answer.data) < 1000


def test_json_of_too_many_fields_is_counted_only() -> None:
    """
    The same for an object of JSON.
    """
    with pytest.raises(Problem, match="at most 1000 fields"):
        list(find_oversized(dict.fromkeys(map(str, range(MAX_FIELDS + 1))), 2))


def test_sign_in_takes_no_large_form(client: FlaskClient) -> None:
    """
    Anybody may post there, and a key is short.
    """
    assert 413 == client.post("/sign-in", data={"key": "x" * 100_000}).status_code


def test_recipients_are_counted_by_the_rules_of_the_key(
    client: FlaskClient, service: Service
) -> None:
    """
    A key that may send to two at once is told so before 400,000 addresses are read.
    """
    key = service.keys.add("shop", Rules(max_recipients=2))
    many = ",".join(f"a{number}@example.com" for number in range(400_000))

    answer = client.post(SEND, data=FORM | {"to": many}, headers={"Authorization": f"Bearer {key}"})

    problem = answer.get_json()
    assert [{"field": "to", "detail": "a mail may have at most 2 recipients"}] == problem["errors"]


def test_twenty_errors_are_listed_at_most(client: FlaskClient) -> None:
    """
    The others are counted, and no long name is repeated.
    """
    answer = client.post(SEND, json=FORM | {"x" * 999 + str(number): 1 for number in range(30)})

    problem = answer.get_json()
    assert (400, 20, 10) == (answer.status_code, len(problem["errors"]), problem["more_errors"])
    assert {"x" * 64} == {error["field"] for error in problem["errors"]}


def test_double_click_is_one_mail(client: FlaskClient, service: Service) -> None:
    """
    The same form twice is the same mail; a changed one is another.
    """
    page = client.get("/", headers={"Accept": "text/html"}).text
    hidden = dict(re.findall(r'type="hidden" name="([a-z]+)" value="([^"]+)"', page))

    urls = [
        client.post("/", data=FORM | hidden | more).location
        for more in ({}, {}, {"subject": "Hi again"}, {"subject": "Hi again"})
    ]

    assert urls[0] == urls[1] != urls[2] == urls[3]
    assert 2 == len(service.outbox.list())


def test_files_are_part_of_a_form(client: FlaskClient, service: Service) -> None:
    """
    Another file makes another mail.
    """
    page = client.get("/", headers={"Accept": "text/html"}).text
    hidden = dict(re.findall(r'type="hidden" name="([a-z]+)" value="([^"]+)"', page))

    for content in (b"1", b"1", b"2"):
        file = (BytesIO(content), "a.txt")
        client.post("/", data=FORM | hidden | {"attachments": [file]})

    assert 2 == len(service.outbox.list())


def test_form_keeps_its_name_while_it_is_corrected(client: FlaskClient, service: Service) -> None:
    """
    What comes back with errors is the same form; one without a name can be sent twice.
    """
    page = client.get("/", headers={"Accept": "text/html"}).text
    hidden = dict(re.findall(r'type="hidden" name="([a-z]+)" value="([^"]+)"', page))

    wrong = client.post("/", data=FORM | hidden | {"to": "nobody"})
    for _ in range(2):
        client.post("/", data=FORM | hidden | {"nonce": "!"})

    assert f'name="nonce" value="{hidden["nonce"]}"' in wrong.text
    assert 2 == len(service.outbox.list())
