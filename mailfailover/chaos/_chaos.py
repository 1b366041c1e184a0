"""
All vendors of this machine, their doors, and what was accepted.
"""

from __future__ import annotations

import random
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from mailfailover._values.face import published_in
from mailfailover.chaos._acceptance import Acceptance
from mailfailover.chaos._certificates import Certificates
from mailfailover.chaos._conditions import Conditions
from mailfailover.chaos._control import Control
from mailfailover.chaos._courier import Courier
from mailfailover.chaos._doors import Door, Doors, address_of
from mailfailover.chaos._event_templates import KINDS_OF_EVENTS, told_kinds
from mailfailover.chaos._hooks import Hooks
from mailfailover.chaos._key_pages import key_page
from mailfailover.chaos._keys import Keys
from mailfailover.chaos._mailbox import Mailbox
from mailfailover.chaos._providers import HTTP_VENDORS, SMTP, hosts, written_dsn
from mailfailover.chaos._smtp_vendor import SMTP_KINDS, SMTPDoor
from mailfailover.chaos._town import addressed, vendor_of_host
from mailfailover.chaos._vendor import Vendor, http_kinds
from mailfailover.testing._http_wire import render
from mailfailover.transports.http import HTTPTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from mailfailover.chaos._courier import Told
    from mailfailover.chaos._incident_play import IncidentPlay
    from mailfailover.chaos._mail import AcceptedMail
    from mailfailover.testing import RecordedRequest
    from mailfailover.testing._channel import Channel

__all__ = ["Chaos"]

_CERTIFICATES = ("expired_certificate", "wrong_certificate")


@published_in("mailfailover.chaos")
class Chaos:
    """
    Every vendor that mailfailover knows, on this machine, failing on command.

    A context manager::

        with Chaos() as chaos:
            mailer = Mailer([chaos.dsn("mailgun"), chaos.dsn("sendgrid")], from_email=...)
            chaos.fail("mailgun", "suspended")

    HTTP and HTTPS share a port: a vendor is addressed by the first part of the path
    (``/mailgun/...``) or by the host. Nothing is sent anywhere but to the webhooks that
    `webhook` sets.

    Args:
        host, port: Where to listen; port 0 is any free one.

        own_ports: Give each vendor a port of its own, after *port*, so that it can refuse
            connections; opened when its DSN is asked for.

        smtp_port: Where the vendor ``smtp`` listens.

        names: Host names of the self-made certificate, beside those of this machine.

        certificate: A certificate and its key, to be shown instead.

        keep: How many accepted mails are kept.

        delivered_after: Seconds until the event of a mail is posted.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        own_ports: bool = False,
        smtp_port: int = 0,
        names: Sequence[str] = (),
        certificate: tuple[Path, Path] | None = None,
        keep: int = 1000,
        delivered_after: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.vendors: tuple[str, ...] = (*HTTP_VENDORS, SMTP)
        self.mailbox: Mailbox = Mailbox(keep)
        self.keys: Keys = Keys()
        self._own_ports = own_ports
        self._first_port = port
        self._conditions = Conditions(
            {name: self.kinds(name) for name in self.vendors}, clock, chance, self._open_and_close
        )
        troubles = self._conditions.troubles
        self._courier = Courier(self.keys, HTTPTransport().send)
        self._hooks = Hooks(self._courier)
        accepting = Acceptance(
            self.mailbox,
            self._courier,
            troubles=troubles,
            webhooks=self._hooks.urls,
            after=delivered_after,
        )
        self._http = {
            name: Vendor(name, troubles[name], accepting.over_http) for name in HTTP_VENDORS
        }
        own = (f"{name}.localhost" for name in HTTP_VENDORS)
        known = ("localhost", "127.0.0.1", "::1", *own, *hosts())
        self._certificates = Certificates((*names, *known), certificate, self._certificate_kind)
        tls = partial(self._context_of, SMTP) if self._certificates.can_be_made else None
        smtp = SMTPDoor(host, smtp_port, troubles[SMTP], accepting.over_smtp, tls)
        shared = Door(host, port, self._answer, self._certificates.context)
        self._doors = Doors(shared, {SMTP: smtp}, self._make_door)
        self._control = Control(
            conditions=self._conditions,
            hooks=self._hooks,
            courier=self._courier,
            mailbox=self.mailbox,
            describe=self.describe,
            ca_pem=lambda: self.ca_pem,
            is_local=lambda: shared.host.startswith(("127.", "localhost")),
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """
        Listen.
        """
        self._doors.start()
        self._courier.start()
        self._conditions.start()

    def close(self) -> None:
        """
        End every connection, and give the ports back.
        """
        self._conditions.stop()
        self._courier.stop()
        self._doors.close()

    # How programs are pointed here

    @property
    def url(self) -> str:
        """
        The page, and the address that the paths of vendors follow.
        """
        return f"http://{address_of(self._doors.shared)}"

    @property
    def ca_pem(self) -> bytes:
        """
        The authority that HTTPS clients must trust, in PEM.

        Raises:
            ConfigurationError: If the package trustme is not installed.
        """
        return self._certificates.ca_pem

    def url_of(self, vendor: str, *, tls: bool = False) -> str:
        """
        The URL that replaces the vendor's scheme and host, for a provider's ``base_url``.
        """
        self._conditions.named(vendor)
        if vendor == SMTP:
            return f"smtp://{address_of(self._doors.own(SMTP))}"
        scheme = "https" if tls else "http"
        if not self._own_ports:
            return f"{scheme}{self.url.removeprefix('http')}/{vendor}"
        address = address_of(self._doors.own(vendor))
        self._open_and_close()
        return f"{scheme}://{address}"

    def dsn(self, vendor: str, *, tls: bool = False) -> str:
        """
        The DSN of the provider for its vendor here, with the secrets of its webhooks.
        """
        url = self.url_of(vendor, tls=tls)
        if vendor == SMTP:
            return f"{url}?tls=none"
        keys = self.keys if self._certificates.can_be_made else None
        return written_dsn(vendor, url, self._hooks.url_of(vendor), keys)

    # Failing

    def fail(self, vendor: str, kind: str, **options: Any) -> None:
        """
        Let a vendor fail from now on, in this way only; ``"*"`` stands for all vendors.

        Args:
            options: See :class:`Trouble`.

        Raises:
            ConfigurationError: If the vendor, the kind or an option is unknown.
        """
        self._conditions.fail(vendor, kind, **options)

    def heal(self, vendor: str = "*") -> None:
        """
        End the failures of a vendor, or of all vendors, and the incident that is played.
        """
        self._conditions.heal(vendor)

    def play(self, name: str, speed: float = 1.0) -> IncidentPlay:
        """
        Play an incident of the drill, or the one in a TOML file, *speed* times as fast.

        Raises:
            ConfigurationError: If there is none, or *speed* is not positive.
        """
        return self._conditions.play(name, speed)

    def kinds(self, vendor: str) -> Mapping[str, str]:
        """
        The kinds of trouble that a vendor can have, in words.
        """
        return SMTP_KINDS if vendor == SMTP else http_kinds(vendor)

    # Accepted mails and their events

    def mails(self, vendor: str = "", recipient: str = "") -> tuple[AcceptedMail, ...]:
        """
        The accepted mails that are kept, oldest first: all, one vendor's, or one recipient's.
        """
        return self.mailbox.mails(vendor, recipient)

    def clear(self) -> None:
        """
        Forget the accepted mails.
        """
        self.mailbox.clear()

    def webhook(self, vendor: str, url: str) -> None:
        """
        Have a vendor post the events of its mails to *url*; "" for nowhere.

        Raises:
            ConfigurationError: If the vendor has no webhooks, or *url* is no URL.
        """
        self._hooks.set(self._conditions.named(vendor), url)

    def tell(self, mail: AcceptedMail, kind: str, recipient: str = "") -> int:
        """
        Post an event of a mail now, for each recipient or for one; how many are posted.

        Raises:
            ConfigurationError: If the vendor tells no such events, or has no webhook here.
        """
        return self._hooks.tell(mail, kind, recipient)

    @property
    def told(self) -> Sequence[Told]:
        """
        The attempts to post events, oldest first.
        """
        return self._courier.told

    @property
    def incident(self) -> IncidentPlay | None:
        """
        The incident that is played, None between incidents.
        """
        return self._conditions.incident

    def describe(self, vendor: str) -> dict[str, Any]:
        """
        A vendor as JSON has it.
        """
        return {
            "name": vendor,
            "url": self.url_of(vendor),
            "dsn": self.dsn(vendor),
            "troubles": [one.to_dict() for one in self._conditions.troubles[vendor].now()],
            "kinds": dict(self.kinds(vendor)),
            "events": [kind for kind in KINDS_OF_EVENTS if kind in told_kinds(vendor)],
            "webhook": self._hooks.url_of(vendor),
        }

    def _answer(self, channel: Channel, request: RecordedRequest) -> None:
        vendor, request = addressed(request)
        self._answer_for(vendor, channel, request)

    def _answer_for(self, vendor: str | None, channel: Channel, request: RecordedRequest) -> None:
        if page := key_page(request, vendor, self.keys):
            channel.send(render(page))
        elif vendor:
            self._http[vendor].answer(channel, request)
        else:
            self._control.answer(channel, request)

    def _make_door(self, vendor: str) -> Door:
        first = self._first_port
        port = first + 1 + HTTP_VENDORS.index(vendor) if first else 0
        answer = partial(self._answer_for, vendor)
        return Door(self._doors.shared.host, port, answer, partial(self._context_of, vendor))

    def _context_of(self, vendor: str) -> ssl.SSLContext:
        return self._certificates.context(partial(self._bad_certificate, vendor))

    def _certificate_kind(self, name: str | None) -> str:
        vendor = vendor_of_host(name) if name else None
        return self._bad_certificate(vendor) if vendor else ""

    def _bad_certificate(self, vendor: str) -> str:
        trouble = self._conditions.troubles[vendor].strikes(_CERTIFICATES)
        return trouble.kind if trouble else ""

    def _open_and_close(self) -> None:
        self._doors.open_and_close(self._is_refusing)

    def _is_refusing(self, vendor: str) -> bool:
        trouble = self._conditions.troubles[vendor].find(("refuse",))
        return trouble is not None and trouble.probability >= 1
