"""
Runs the calls of docs/webhook-setup.md, each against the provider that its section sets up.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from mailfailover import DeliveryEvent, Mailer
from mailfailover._setup.registry import find, installed
from mailfailover.webhooks.wsgi import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[1] / "docs" / "webhook-setup.md"
START, *PARTS = re.split(r"(?m)^## ", PAGE.read_text("utf-8"))
BLOCK = re.compile(r"(?ms)^```sh\n(.*?)^```$")
DSNS = [match[0] for part in PARTS if (match := re.search(r"(?m)^`(\w+://[^`]+)`$", part))]
SECTIONS = {dsn[1:].partition(":")[0]: part for dsn, part in zip(DSNS, PARTS, strict=True)}
ONLY_THE_VENDOR_SIGNS = {"mailchannels", "scaleway", "ses"}
TRIED = sorted(SECTIONS.keys() - ONLY_THE_VENDOR_SIGNS)

needs_tools = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "openssl"))),
    reason="the calls of the page need bash, curl and openssl",
)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None: ...


def _provider(key: str, directory: Path) -> Any:
    """
    What the section's DSN sets up; its own public key is what the call writes into a file.
    """
    dsn = next(one.strip("`") for one in DSNS if one.startswith(f"`{key}:"))
    (link,) = Mailer(dsn).chain.links
    if "PUBLIC-KEY" not in dsn:
        return link.provider
    file = directory / f"{key}.pub"
    return dataclasses.replace(link.provider, webhook_public_key=file.read_text)  # type: ignore[type-var]  # it has the field


@pytest.fixture
def events() -> list[DeliveryEvent]:
    """
    What was told.
    """
    return []


@pytest.fixture
def url(
    request: pytest.FixtureRequest, events: list[DeliveryEvent], tmp_path: Path
) -> Iterator[str]:
    """
    Where the webhooks of the test's provider are taken.
    """
    key = request.node.callspec.params["key"]
    mailer = Mailer({key: _provider(key, tmp_path)}, on_event=[events.append])
    with make_server("127.0.0.1", 0, create_app(mailer), handler_class=_Quiet) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/webhooks"
        server.shutdown()
        thread.join()


def test_every_vendor_has_its_section() -> None:
    """
    Each provider with webhooks is on the page, and each DSN there is one.
    """
    schemes = {one.scheme for one in installed() if one.builtin}

    assert {one for one in schemes if hasattr(find(one), "verify_webhook")} == SECTIONS.keys()
    assert all(BLOCK.search(SECTIONS[key]) for key in TRIED)


@needs_tools
@pytest.mark.parametrize("key", TRIED)
def test_call_is_taken(key: str, url: str, events: list[DeliveryEvent], tmp_path: Path) -> None:
    """
    The sample of the section is an event about Ann.
    """
    blocks = [*BLOCK.findall(START), *BLOCK.findall(SECTIONS[key])]
    script = "set -eu\n" + "\n".join(blocks).replace("http://127.0.0.1:8026/webhooks", url)

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (0, "1 events\n") == (done.returncode, done.stdout), done.stderr
    assert [(key, "ann@example.org")] == [(one.provider, one.recipient) for one in events]
