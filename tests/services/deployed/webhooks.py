"""
The vendors' side of webhooks: each mail they took is told to be delivered, until that is heard.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from base64 import b64encode
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Self

import requests

from tests.services.deployed.deployment import API, SIGNING_KEY, WEBHOOK_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.services.deployed.deployment import Deployment

RECIPIENT = "ann@example.org"


class Telling:
    """
    A thread that posts a webhook for each mail that a vendor accepted.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.told: set[tuple[str, str]] = set()
        self.refused: list[int] = []
        self._over = Event()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def all_told(self) -> bool:
        """
        Tell whether nothing is left to be told.
        """
        return set(self._accepted()) == self.told

    def _accepted(self) -> Iterator[tuple[str, str]]:
        servers = {"mailgun": self.deployment.mailgun, "mandrill": self.deployment.mandrill}
        for name, server in servers.items():
            for mail_id in server.accepted_ids():
                yield name, mail_id

    def _run(self) -> None:
        while not self._over.wait(0.2):
            for vendor, mail_id in sorted(set(self._accepted()) - self.told):
                if self._over.is_set():
                    return
                if self._tell(vendor, mail_id):
                    self.told.add((vendor, mail_id))

    def _tell(self, vendor: str, mail_id: str) -> bool:
        url = f"{self.deployment.url}{API}/webhooks/{vendor}"
        try:
            answer = requests.post(url, timeout=20, **HOOKS[vendor](url, mail_id))
        except requests.RequestException:
            return False  # the service is down, and the vendor comes again
        if not answer.ok:
            self.refused.append(answer.status_code)
        return answer.ok


def _mailgun(url: str, mail_id: str) -> dict[str, Any]:
    stamp, token = str(int(time.time())), secrets.token_hex(25)
    signature = hmac.new(SIGNING_KEY.encode(), f"{stamp}{token}".encode(), hashlib.sha256)
    event = {
        "id": f"delivered-{mail_id}",
        "timestamp": time.time(),
        "event": "delivered",
        "recipient": RECIPIENT,
        "user-variables": {"mailfailover-id": mail_id},
        "message": {"headers": {"message-id": f"{mail_id}@mg.example.com"}},
    }
    block = {"timestamp": stamp, "token": token, "signature": signature.hexdigest()}
    return {"json": {"signature": block, "event-data": event}}


def _mandrill(url: str, mail_id: str) -> dict[str, Any]:
    event = {
        "event": "delivered",
        "_id": f"mandrill-{mail_id}",
        "ts": int(time.time()),
        "msg": {
            "_id": f"mandrill-{mail_id}",
            "email": RECIPIENT,
            "metadata": {"mailfailover-id": mail_id},
            "ts": int(time.time()),
            "state": "sent",
        },
    }
    form = {"mandrill_events": json.dumps([event])}
    signed = url + "".join(map("".join, sorted(form.items())))
    digest = hmac.new(WEBHOOK_KEY.encode(), signed.encode(), hashlib.sha1).digest()
    return {"data": form, "headers": {"X-Mandrill-Signature": b64encode(digest).decode()}}


HOOKS: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "mailgun": _mailgun,
    "mandrill": _mandrill,
}
