"""
What large bodies cost: merges and attachments, in CPU and in memory.
"""

from __future__ import annotations

import base64
import socket
import statistics
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mailfailover import Attachment, Mailer, Message
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.mandrill import Mandrill
from mailfailover.providers.sendgrid import SendGrid
from mailfailover.transports.http import HTTPTransport
from tests.benchmarks.table import Row
from tests.benchmarks.vendor import vendor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailfailover.plugin import Provider

ROUNDS = 7
MIB = 1024 * 1024
CONTENT = bytes(range(256)) * (10 * MIB // 256)
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"


def rows() -> Iterator[Row]:
    """
    Measure it all.
    """
    with vendor() as url:
        yield from _merge(url)
        yield from _attachments(url)
    yield from _merge_memory()


def _merge(url: str) -> Iterator[Row]:
    people = [f"u{number}@example.org" for number in range(1000)]
    text = "Dear {{name}}, " + "it is on its way. " * 110
    merge_data = {one: {"name": one} for one in people}
    fields: dict[str, Any] = {"from_email": "shop@example.com", "subject": "Order"}
    merged = Message(people, text=text, merge_data=merge_data, **fields)
    account = Mailgun(api_key="key", domain="mg.example.com", base_url=url)
    with Mailer(account) as mailer:
        mailer.send(merged)

        def one_by_one() -> None:
            for one in people:
                mailer.send(to=one, text=text.replace("{{name}}", one), **fields)

        single, merge = _cpu(one_by_one), min(_cpu(lambda: mailer.send(merged)) for _ in range(9))
    ratio = single / merge
    yield Row("1,000 recipients one by one: CPU", ratio, "x one merge", 90, True, single, merge)


def _attachments(url: str) -> Iterator[Row]:
    for name, provider, encode in (
        ("mailgun", Mailgun(api_key="key", domain="mg.example.com", base_url=url), bytes),
        ("sendgrid", SendGrid(api_key="key", base_url=url), base64.b64encode),
    ):
        message = Message(
            to="ann@example.org",
            from_email="shop@example.com",
            subject="Your order",
            text="It is attached.",
            attachments=[Attachment("scan.bin", CONTENT)],
        )
        transport = HTTPTransport()
        send = _sender(provider, transport, message)
        floor = _raw_socket(url, encode)
        send()
        ours, raw = _turns(send, floor)
        yield Row(f"10 MiB to {name}: CPU", ours / raw, "x encoding and a socket", 1.5)
        yield Row(f"10 MiB to {name}: copies", _peak(send) / len(CONTENT), "x its size", 0.1)
        transport.close()
    yield from _from_a_path(url)


def _from_a_path(url: str) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.bin")
        path.write_bytes(bytes(100 * MIB))
        account = Mailgun(api_key="key", domain="mg.example.com", base_url=url)
        transport = HTTPTransport()
        message = Message(
            to="ann@example.org",
            from_email="shop@example.com",
            subject="Your order",
            text="It is attached.",
            attachments=[Attachment.from_path(path)],
        )
        peak = _peak(_sender(account, transport, message))
        transport.close()
    yield Row("100 MiB from a path: memory", peak / MIB, "MiB", 1.0)


def _merge_memory() -> Iterator[Row]:
    """
    Building the body of the largest merges, over the bytes that go out.
    """
    people = [f"u{number}@example.org" for number in range(10_000)]
    message = Message(
        people,
        from_email="shop@example.com",
        subject="Order",
        html="<p>Dear {{name}}</p>" + "<p>It is on its way.</p>" * 4000,
        merge_data={one: {"name": one} for one in people},
    )
    for provider in (
        Mailgun(api_key="key", domain="mg.example.com"),
        Mandrill(api_key="key"),
        SendGrid(api_key="key"),
    ):
        size = sum(map(len, _parts(provider, message)))
        peak = _peak(lambda one=provider: _parts(one, message))  # type: ignore[misc]  # the loop's own
        yield Row(f"merge of 10,000 to {provider.name}: memory", peak / size, "x its body", 2.0)


def _parts(provider: Provider, message: Message) -> list[bytes]:
    body = provider.build_batch(message).body  # type: ignore[attr-defined]  # those of _merge_memory have it
    return [body] if isinstance(body, bytes) else list(body)


def _sender(provider: Provider, transport: HTTPTransport, message: Message) -> Callable[[], object]:
    return lambda: transport.send(provider.build_request(message), 60)


def _raw_socket(url: str, encode: Callable[[bytes], bytes]) -> Callable[[], object]:
    port = urlsplit(url).port
    sock = socket.create_connection(("127.0.0.1", port))

    def send() -> None:
        content = encode(CONTENT)
        sock.sendall(HEAD % len(content))
        sock.sendall(content)
        sock.recv(65536)

    return send


def _cpu(function: Callable[[], object]) -> float:
    started = time.process_time()
    function()
    return time.process_time() - started


def _turns(*functions: Callable[[], object]) -> list[float]:
    runs = [[_cpu(function) for function in functions] for _ in range(ROUNDS)]
    return [statistics.median(column) for column in zip(*runs, strict=True)]


def _peak(function: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
