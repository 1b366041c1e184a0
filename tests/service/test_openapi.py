from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from mailfailover import DeliveryEvent, EventType, Mailer
from mailfailover._sql.database import open_engine
from mailfailover.outbox import Outbox, OutboxWorker
from mailfailover.service.app import create_app
from mailfailover.service.keys import Keys
from mailfailover.service.parts import Service
from mailfailover.service.reading import POSTED
from mailfailover.service.schemas import MAIL_FIELDS
from mailfailover.service.visit import API
from mailfailover.testing import PLAIN
from mailfailover.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

# By hand, for longer: MAILFAILOVER_EXAMPLES=2000 pytest tests/service/test_openapi.py
EXAMPLES = int(os.environ.get("MAILFAILOVER_EXAMPLES", "15"))


@pytest.fixture(name="document")
def _document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


def test_document_is_valid(document: dict[str, Any]) -> None:
    """
    It is OpenAPI 3.1, by the validator of others.
    """
    validate(document)

    assert "3.1.0" == document["openapi"]


def test_every_field_of_a_mail_is_in_it() -> None:
    """
    What can be posted is described, and nothing else.
    """
    assert set(POSTED) == set(MAIL_FIELDS)


def test_every_path_of_the_api_is_in_it(client: FlaskClient, document: dict[str, Any]) -> None:
    """
    No view is forgotten; webhooks are spoken in the vendors' languages.
    """
    rules = {
        str(rule).replace("<", "{").replace(">", "}")
        for rule in client.application.url_map.iter_rules()
        if str(rule).startswith(("/email/api", "/healthz", "/readyz"))
    }

    assert rules - {f"{API}/webhooks/{{key}}"} == set(document["paths"])


def test_examples_are_as_described(document: dict[str, Any]) -> None:
    """
    Every example, asked and answered, fits its schema.
    """
    found = list(_examples(document["paths"]))

    for schema, example in found:
        jsonschema.validate(example, document | schema)
    assert len(found) > 40


def _examples(node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """
    Yield every schema with each of its examples.
    """
    if isinstance(node, list):
        for one in node:
            yield from _examples(one)
    elif isinstance(node, dict):
        if "schema" in node:
            named = [one["value"] for one in node.get("examples", {}).values()]
            for example in (*named, *([node["example"]] if "example" in node else [])):
                yield node["schema"], example
        for one in node.values():
            yield from _examples(one)


def test_mail_that_was_sent_is_as_described(
    client: FlaskClient, service: Service, document: dict[str, Any]
) -> None:
    """
    A mail with attempts and events has the form of the document, all its fields and no other.
    """
    tracking = Tracking(service.outbox.engine)
    tracking.init()
    service.outbox.add(PLAIN)
    OutboxWorker(service.outbox, service.mailer).run_once()
    tracking(DeliveryEvent(event_id="1", type=EventType.DELIVERED, mail_id=PLAIN.id))
    client = create_app(dataclasses.replace(service, tracking=tracking)).test_client()

    found = client.get(f"{API}/messages/{PLAIN.id}").get_json()
    listed = client.get(f"{API}/messages").get_json()

    assert (1, 1) == (len(found["attempts"]), len(found["events"]))
    for name, data in (("Mail", found), ("Mails", listed)):
        jsonschema.validate(data, document | {"$ref": f"#/components/schemas/{name}"})


@pytest.fixture(name="api_schema", scope="module")
def _api_schema() -> Iterator[Any]:
    """
    The service as schemathesis sees it: with a key, so that authentication is tried too.
    """
    with TemporaryDirectory() as directory:
        engine = open_engine(f"sqlite:///{Path(directory, 'mails.db')}")
        parts = Service(mailer=Mailer("memory://"), outbox=Outbox(engine), keys=Keys(engine))
        parts.outbox.init()
        parts.keys.init()
        key = parts.keys.add("schemathesis")
        found = schemathesis.openapi.from_wsgi("/openapi.json", create_app(parts))
        found.config.update(headers={"Authorization": f"Bearer {key}"})
        yield found
        engine.dispose()


RIGHT, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        ("POST", f"{API}/send", RIGHT),
        ("POST", f"{API}/send", WRONG),
        ("GET", f"{API}/messages", RIGHT),
        ("GET", f"{API}/messages", WRONG),
        ("GET", f"{API}/messages/{{mail_id}}", RIGHT),  # any text is an id: none is wrong
        ("DELETE", f"{API}/messages/{{mail_id}}", RIGHT),
        ("GET", "/healthz", RIGHT),
        ("GET", "/readyz", RIGHT),
    ],
)
def test_service_keeps_to_its_document(
    api_schema: Any, method: str, path: str, mode: GenerationMode
) -> None:
    """
    Whatever is asked, right or wrong, the answer is of the form that the document tells.
    """
    cases = api_schema[path][method].as_strategy(generation_mode=mode)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def ask(case: Any) -> None:
        # A random text is no address, so data that fits the schema may be refused all the same.
        # The key that the test itself gives is valid; test_gate.py tries others.
        case.call_and_validate(excluded_checks=[positive_data_acceptance, ignored_auth])

    ask()
