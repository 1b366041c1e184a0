from __future__ import annotations

import http.client
import json
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest
import requests

from mailfailover.outbox import Outbox
from mailfailover.testing import FaultServer
from tests.cli.running import listening, run
from tests.service import nginx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient

SEND = "/email/api/1.0/send"
FORM = {"to": "ann@example.com", "from_email": "shop@example.com", "subject": "Hi", "text": "Hello"}
HEADERS = (
    "CDN-Loop: cloudflare",
    "CF-Connecting-IP: 192.0.2.1",
    "CF-Ray: 1",
    "Client-IP: 192.0.2.1",
    "CloudFront-Forwarded-Proto: https",
    "Connect-Time: 1",
    "Disguised-Host: shop.example.com",
    "DO-Connecting-IP: 192.0.2.1",
    "Fastly-Client-IP: 192.0.2.1",
    "Fly-Client-IP: 192.0.2.1",
    "Forwarded: for=192.0.2.1",
    "Front-End-Https: on",
    "True-Client-IP: 192.0.2.1",
    "Via: 1.1 proxy",
    "X-Auth-Request-User: ann",
    "X-Forward-For: 192.0.2.1",
    "X-Goog-IAP-JWT-Assertion: x",
    "X-MS-Client-Principal: x",
    "X-Railway-Edge: x",
    "X-Amzn-Trace-Id: Root=1",
    "X-Azure-ClientIP: 192.0.2.1",
    "X-Client-IP: 192.0.2.1",
    "X-Cluster-Client-IP: 192.0.2.1",
    "X-Envoy-External-Address: 192.0.2.1",
    "X-Forwarded: 192.0.2.1",
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-Host: localhost",
    "X-Forwarded-Port: 443",
    "X-Forwarded-Prefix: /mail",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Server: proxy",
    "X-Forwarded-Ssl: on",
    "X-Original-Forwarded-For: 192.0.2.1",
    "X-Original-Host: mail.example.com",
    "X-Originating-IP: 192.0.2.1",
    "X-ProxyUser-Ip: 192.0.2.1",
    "X-Real-IP: 192.0.2.1",
    "X-Remote-Addr: 192.0.2.1",
    "X-Scheme: https",
    "X-Varnish: 1",
)


@pytest.fixture(name="folder", autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(name="vendor")
def _vendor() -> Iterator[FaultServer]:
    with FaultServer("sendgrid") as vendor:
        yield vendor


@pytest.fixture(name="url")
def _url(vendor: FaultServer) -> Iterator[str]:
    """
    A service without keys whose provider really sends.
    """
    with listening(*arguments(vendor)) as (_, url):
        yield url


def arguments(vendor: FaultServer) -> tuple[str, ...]:
    """
    The command that serves, and only stores.
    """
    dsn = f"sendgrid://KEY@default?base_url={vendor.url}"
    return ("serve", "--dsn", dsn, "--workers", "0")


def post(url: str, headers: dict[str, str] | None = None) -> int:
    """
    Post a mail.
    """
    return requests.post(f"{url}{SEND}", data=FORM, headers=headers, timeout=30).status_code


def stored() -> int:
    """
    How many mails were taken.
    """
    return len(Outbox().list())


def test_program_on_this_machine_may_send(url: str) -> None:
    """
    Python, even one that plays the vendor itself, and curl need no key on their own machine.
    """
    form = [f"-d{name}={value}" for name, value in FORM.items()]
    done = subprocess.run(["curl", "-s", *form, f"{url}{SEND}"], capture_output=True, check=True)

    assert 202 == post(url)
    assert "queued" == json.loads(done.stdout)["state"]
    assert 2 == stored()


@pytest.mark.parametrize("header", HEADERS)
def test_header_of_a_proxy_closes(header: str, client: FlaskClient) -> None:
    """
    Whichever header tells of a proxy, the request is not this machine's own.
    """
    name, _, value = header.partition(": ")

    answer = client.post(SEND, data=FORM, headers={name: value})

    assert 403 == answer.status_code
    assert name.lower() in answer.get_json()["detail"].lower()


@pytest.mark.skipif(bool(nginx.MISSING), reason=nginx.MISSING)
@pytest.mark.parametrize(
    "more",
    [
        "",
        "proxy_http_version 1.1;",
        'proxy_http_version 1.1; proxy_set_header Connection "";',
        "proxy_ignore_client_abort on;",
    ],
)
def test_shortest_nginx_opens_nothing(more: str, url: str, folder: Path) -> None:
    """
    A bare ``proxy_pass`` adds no header and sends our own Host: nobody sends or reads through it.
    """
    with nginx.proxying(url, folder, more=more) as proxy:
        answers = [
            post(proxy),
            requests.get(f"{proxy}/email/api/1.0/messages", timeout=30).status_code,
            requests.get(f"{proxy}/mails", timeout=30).status_code,
        ]

    assert [403] * 3 == answers
    assert 0 == stored()
    assert 202 == post(url)


@pytest.mark.skipif(bool(nginx.MISSING), reason=nginx.MISSING)
def test_mailbox_is_not_shown_through_a_proxy(folder: Path) -> None:
    """
    Where nothing is really sent, a stranger does not read either.
    """
    box = str(folder / "preview.db")
    with (
        listening("serve", "--preview", MAILFAILOVER_PREVIEW=box) as (_, url),
        nginx.proxying(url, folder, more="proxy_http_version 1.1;") as proxy,
    ):
        through = requests.get(f"{proxy}/mailbox/json", timeout=30).status_code
        direct = requests.get(f"{url}/mailbox/json", timeout=30).status_code

    assert (403, 200) == (through, direct)


def test_proxy_that_nobody_knows_opens_nothing(url: str) -> None:
    """
    A program that listens and passes on is a proxy, whatever its name is.
    """
    with passing_on(url) as proxy:
        assert 403 == post(proxy)
    assert 0 == stored()


@pytest.mark.skipif(bool(nginx.MISSING), reason=nginx.MISSING)
def test_trusted_proxy_opens(vendor: FaultServer, folder: Path) -> None:
    """
    With --trust-proxy the proxy decides who may send, and the page says what is open.
    """
    with (
        listening(*arguments(vendor), "--trust-proxy") as (_, url),
        nginx.proxying(url, folder) as proxy,
    ):
        assert 202 == post(proxy)
        assert (
            "every client that the proxy lets through may send"
            in requests.get(proxy, timeout=30).text
        )


@pytest.mark.skipif(bool(nginx.MISSING), reason=nginx.MISSING)
def test_key_opens_behind_a_proxy(vendor: FaultServer, folder: Path) -> None:
    """
    Whoever has a key may send from anywhere; whoever has none may not, not even here.
    """
    key = run("keys", "add", "shop").stdout.strip()

    with listening(*arguments(vendor)) as (_, url), nginx.proxying(url, folder) as proxy:
        assert 202 == post(proxy, {"Authorization": f"Bearer {key}"})
        assert [401, 401] == [post(proxy), post(url)]


def test_http_1_0_is_a_proxys(url: str) -> None:
    """
    Programs speak HTTP/1.1; proxies of old speak HTTP/1.0 to their upstream.
    """
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined]  # http.client has no option for it

    connection.request("GET", "/mails")

    assert 403 == connection.getresponse().status
    connection.close()


class passing_on:  # noqa: N801 -- used as a function
    """
    A small proxy in this process, which nobody can know by its name.
    """

    def __init__(self, upstream: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                asked = Request(  # noqa: S310 -- our own URL
                    upstream + self.path,
                    body,
                    {"Content-Type": self.headers["Content-Type"]},
                )
                status = 0
                try:
                    with urlopen(asked, timeout=30) as answer:  # noqa: S310 -- our own URL
                        status = answer.status
                except OSError as exc:
                    status = getattr(exc, "code", 502)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
