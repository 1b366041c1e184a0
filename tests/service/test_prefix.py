from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import requests

from mailfailover.service.wiring import application
from tests.cli.running import listening, run
from tests.service import nginx

if TYPE_CHECKING:
    from pathlib import Path

    from mailfailover.service.parts import Service

SEND = "/email/api/1.0/send"
FORM = {"to": "ann@example.com", "from_email": "shop@example.com", "subject": "Hi", "text": "Hello"}
PREFIX = {"SCRIPT_NAME": "/mail"}
HEADERS = """
proxy_set_header Host $host:$server_port;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Host $host:$server_port;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-Prefix /mail;
proxy_buffering off;
"""


def links(text: str) -> set[str]:
    """
    Every address in a page that is on this site.
    """
    return set(re.findall(r'(?:href|src|action|data-[a-z]+)="(/[^"]*)"', text))


def test_every_link_is_below_the_prefix(service: Service) -> None:
    """
    Links, forms, scripts, redirects, the cookie and the document of the API.
    """
    client = application(service).test_client()
    client.post(SEND, data=FORM)

    pages = [
        client.get(path, environ_overrides=PREFIX, headers={"Accept": "text/html"})
        for path in ("/", "/mails", "/mailbox/", "/nothing")
    ]
    document = client.get("/openapi.json", environ_overrides=PREFIX).get_json()
    moved = client.get("/sign-in", environ_overrides=PREFIX)

    for page in pages:
        assert {"/mail"} == {link[:5] for link in links(page.text)}
    assert "Path=/mail;" in pages[0].headers["Set-Cookie"]
    assert [{"url": "/mail"}] == document["servers"]
    assert "/mail/" == moved.location


def test_header_of_a_believed_proxy_is_the_prefix(service: Service) -> None:
    """
    X-Forwarded-Prefix of a proxy that is believed, and of nobody else.
    """
    headers = {
        "Authorization": f"Bearer {service.keys.add('shop')}",
        "X-Forwarded-Prefix": "/mail",
    }

    urls = [
        application(service, proxies=proxies)
        .test_client()
        .post(SEND, data=FORM, headers=headers)
        .get_json()["status_url"]
        for proxies in (0, 1)
    ]

    assert ["/email", "/mail/"] == [url.removeprefix("http://localhost")[:6] for url in urls]


@pytest.mark.skipif(bool(nginx.MISSING), reason=nginx.MISSING)
@pytest.mark.parametrize(
    ("options", "more"),
    [
        (("--prefix", "/mail"), "proxy_set_header Host $host:$server_port;"),
        (("--proxies", "1"), HEADERS),
    ],
)
def test_service_works_below_a_path_of_nginx(
    options: tuple[str, ...], more: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    By an option, where the proxy hands on the whole path, or by a header, where it cuts it.
    """
    monkeypatch.chdir(tmp_path)
    key = run("keys", "add", "shop").stdout.strip()
    headers = {"Authorization": f"Bearer {key}"}
    with listening("serve", "--dsn", "null://", "--workers", "0", *options) as (_, url):
        upstream = url if "--prefix" in options else f"{url}/"
        with nginx.proxying(upstream, tmp_path, location="/mail/", more=more) as proxy:
            sent = requests.post(f"{proxy}/mail{SEND}", data=FORM, headers=headers, timeout=30)
            page = requests.get(f"{proxy}/mail/sign-in", timeout=30)
            style = next(link for link in links(page.text) if link.endswith(".css"))
            styled = requests.get(f"{proxy}{style}", timeout=30)
            known = requests.get(sent.json()["status_url"], headers=headers, timeout=30)

    assert [202, 200, 200, 200] == [one.status_code for one in (sent, page, styled, known)]
    assert known.url.startswith(f"{proxy}/mail/")
