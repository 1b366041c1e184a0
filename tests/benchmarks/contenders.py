"""
Who is measured: each is made ready in a process of its own, and then sends so many mails.

Run as ``python -m tests.benchmarks.contenders NAME COUNT URL...``; prints what a send took.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import uvloop

from mailfailover import Mailer, Message
from mailfailover.plugin import Response
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.mandrill import Mandrill
from mailfailover.providers.postmark import Postmark
from mailfailover.providers.resend import Resend
from mailfailover.providers.sendgrid import SendGrid
from mailfailover.transports.http import HTTPTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from mailfailover.plugin import HTTPRequest

    Sends = Callable[[int], object]

TEXT = "It is on its way. " * 112  # 2 kB
FIELDS = {
    "from": "shop@example.com",
    "to": "ann@example.org",
    "subject": "Your order",
    "text": TEXT,
}
AS_JSON = {
    "personalizations": [{"to": [{"email": FIELDS["to"]}]}],
    "from": {"email": FIELDS["from"]},
    "subject": FIELDS["subject"],
    "content": [{"type": "text/plain", "value": TEXT}],
}


def mail() -> Message:
    """
    The mail that all contenders send.
    """
    return Message(to=FIELDS["to"], from_email=FIELDS["from"], subject=FIELDS["subject"], text=TEXT)


def mailgun(url: str) -> Mailgun:
    """
    An account at a vendor of forms.
    """
    return Mailgun(api_key="key", domain="mg.example.com", base_url=url)


def three(url: str) -> dict[str, Mailgun]:
    """
    A chain of three.
    """
    return dict.fromkeys("abc", mailgun(url))


RAW = b"POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000


class Instant:
    """
    A transport that costs nothing.
    """

    answer = Response(200, {}, b'{"id": "1", "message": "Queued."}')

    def send(self, request: HTTPRequest, timeout: float) -> Response:
        """
        Answer at once.
        """
        return self.answer

    def close(self) -> None:
        """
        Nothing is open.
        """


class InstantAsync:
    """
    The same for an event loop.
    """

    async def send(self, request: HTTPRequest, timeout: float) -> Response:
        """
        Answer at once.
        """
        return Instant.answer

    async def close(self) -> None:
        """
        Nothing is open.
        """


def repeat(send: Callable[[], object]) -> Sends:
    """
    One mail after the other.
    """

    def sends(count: int) -> None:
        for _ in range(count):
            send()

    return sends


def in_threads(send: Callable[[], object], threads: int, pool: ThreadPoolExecutor) -> Sends:
    """
    The mails shared by so many threads.
    """

    def sends(count: int) -> None:
        one = repeat(send)
        for done in [pool.submit(one, count // threads) for _ in range(threads)]:
            done.result()

    return sends


def _post(stack: ExitStack, url: str, **body: Any) -> Callable[[], object]:
    session = stack.enter_context(requests.Session())
    adapter = requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=128)
    session.mount("http://", adapter)
    target = f"{url}/v3/mg.example.com/messages"
    return lambda: session.post(target, auth=("api", "key"), **body).json()


def _mailer(stack: ExitStack, chain: Any) -> Callable[[], object]:
    mailer = stack.enter_context(Mailer(chain, from_email=FIELDS["from"]))
    return lambda: mailer.send(to=FIELDS["to"], subject=FIELDS["subject"], text=TEXT)


def post(stack: ExitStack, url: str) -> Sends:
    return repeat(_post(stack, url, data=FIELDS))


def post_json(stack: ExitStack, url: str) -> Sends:
    return repeat(_post(stack, url, json=AS_JSON))


def mailer(stack: ExitStack, url: str) -> Sends:
    return repeat(_mailer(stack, three(url)))


def _of(stack: ExitStack, provider: Any) -> Sends:
    return repeat(_mailer(stack, dict.fromkeys("abc", provider)))


def mailer_mandrill(stack: ExitStack, url: str) -> Sends:
    return _of(stack, Mandrill(api_key="key", base_url=url))


def mailer_postmark(stack: ExitStack, url: str) -> Sends:
    return _of(stack, Postmark(server_token="key", base_url=url))


def mailer_resend(stack: ExitStack, url: str) -> Sends:
    return _of(stack, Resend(api_key="key", base_url=url))


def mailer_sendgrid(stack: ExitStack, url: str) -> Sends:
    return _of(stack, SendGrid(api_key="key", base_url=url))


def hand(stack: ExitStack, url: str) -> Sends:
    provider, transport = mailgun(url), HTTPTransport()
    stack.callback(transport.close)

    def once() -> None:
        message = mail()
        provider.parse_response(transport.send(provider.build_request(message), 10), message)

    return repeat(once)


def instant_mailer(stack: ExitStack, url: str) -> Sends:
    message, sender = mail(), Mailer(three(url), transport=Instant())
    return repeat(lambda: sender.send(message))


def instant_hand(stack: ExitStack, url: str) -> Sends:
    message, provider, transport = mail(), mailgun(url), Instant()
    return repeat(
        lambda: provider.parse_response(
            transport.send(provider.build_request(message), 10), message
        )
    )


def tls_kept(stack: ExitStack, url: str, ca_file: str) -> Sends:
    provider, transport, message = mailgun(url), HTTPTransport(ca_file=ca_file), mail()
    stack.callback(transport.close)
    return repeat(lambda: transport.send(provider.build_request(message), 10))


def tls_new(stack: ExitStack, url: str, ca_file: str) -> Sends:
    provider, transport, message = mailgun(url), HTTPTransport(ca_file=ca_file), mail()

    def once() -> None:
        transport.send(provider.build_request(message), 10)
        transport.close()

    return repeat(once)


def tls_bare(stack: ExitStack, url: str, ca_file: str) -> Sends:
    """
    The least that a new connection can cost.
    """
    where, context = urlsplit(url), ssl.create_default_context(cafile=ca_file)

    def once() -> None:
        with (
            socket.create_connection((where.hostname, where.port)) as plain,
            context.wrap_socket(plain, server_hostname=where.hostname) as sock,
        ):
            sock.sendall(RAW)
            sock.recv(65536)

    return repeat(once)


def tls_resumed(stack: ExitStack, url: str, ca_file: str) -> Sends:
    """
    The same with the session of the connection before.
    """
    where, context = urlsplit(url), ssl.create_default_context(cafile=ca_file)
    session: ssl.SSLSession | None = None

    def once() -> None:
        nonlocal session
        with (
            socket.create_connection((where.hostname, where.port)) as plain,
            context.wrap_socket(plain, server_hostname=where.hostname, session=session) as sock,
        ):
            sock.sendall(RAW)
            sock.recv(65536)
            session = session or sock.session

    return repeat(once)


def _raw(url: str, threads: int) -> Sends:
    """
    The least that mails in so many threads can cost: bytes made before, on a socket for each.
    """
    where = urlsplit(url)

    def worker(count: int) -> None:
        with socket.create_connection((where.hostname, where.port), timeout=10) as sock:
            for _ in range(count):
                sock.sendall(RAW)
                sock.recv(65536)

    def sends(count: int) -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(worker, [count // threads] * threads))

    return sends


def raw(stack: ExitStack, url: str) -> Sends:
    return _raw(url, 1)


def raw_128_threads(stack: ExitStack, url: str) -> Sends:
    return _raw(url, 128)


def _threads(stack: ExitStack, threads: int) -> ThreadPoolExecutor:
    return stack.enter_context(ThreadPoolExecutor(threads))


def post_32_threads(stack: ExitStack, url: str) -> Sends:
    return in_threads(_post(stack, url, data=FIELDS), 32, _threads(stack, 32))


def mailer_32_threads(stack: ExitStack, url: str) -> Sends:
    return in_threads(_mailer(stack, three(url)), 32, _threads(stack, 32))


def mailer_128_threads(stack: ExitStack, url: str) -> Sends:
    return in_threads(_mailer(stack, three(url)), 128, _threads(stack, 128))


def send_many_32(stack: ExitStack, url: str) -> Sends:
    sender = stack.enter_context(Mailer(three(url)))
    return lambda count: sender.send_many([mail() for _ in range(count)], workers=32)


def _async(url: str, run: Callable[[Coroutine[Any, Any, None]], None], **options: Any) -> Sends:
    from mailfailover.aio import AsyncMailer

    async def sends(count: int) -> None:
        async with AsyncMailer(three(url), **options) as sender:
            await sender.send_many([mail() for _ in range(count)], limit=50)

    return lambda count: run(sends(count))


def async_50(stack: ExitStack, url: str) -> Sends:
    return _async(url, asyncio.run)


def uvloop_50(stack: ExitStack, url: str) -> Sends:
    return _async(url, uvloop.run)


def instant_async(stack: ExitStack, url: str) -> Sends:
    return _async(url, asyncio.run, transport=InstantAsync())


CONTENDERS: dict[str, Callable[..., Sends]] = {
    function.__name__: function
    for function in (
        post,
        post_json,
        mailer,
        mailer_mandrill,
        mailer_postmark,
        mailer_resend,
        mailer_sendgrid,
        hand,
        instant_mailer,
        instant_hand,
        tls_kept,
        tls_new,
        tls_bare,
        tls_resumed,
        raw,
        raw_128_threads,
        post_32_threads,
        mailer_32_threads,
        mailer_128_threads,
        send_many_32,
        async_50,
        uvloop_50,
        instant_async,
    )
}


def main() -> None:
    """
    Measure one contender, warm.
    """
    name, count, *where = sys.argv[1:]
    with ExitStack() as stack:
        sends = CONTENDERS[name](stack, *where)
        sends(max(int(count) // 10, 128))
        cpu, wall = time.process_time(), time.perf_counter()
        sends(int(count))
        spent = time.process_time() - cpu, time.perf_counter() - wall
    print(json.dumps([seconds / int(count) for seconds in spent]))


if __name__ == "__main__":
    main()
