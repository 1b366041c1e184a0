"""
The receiver of a mail: who runs the recipient's mailbox.

::

    from mailfailover.receivers import receiver_of

    assert receiver_of("hotmail.co.uk") == "microsoft"

A company's own domain is its own receiver, unless :class:`Receivers` may ask the DNS: then a
domain whose mail exchanger is Google's counts as ``gmail``. That needs
``pip install "mailfailover[dns]"``.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Receivers", "is_named", "receiver_of"]

# Domains of mailboxes that a provider gives to anybody, from the providers' own sign-up pages and
# postmaster sites (2026-11).
_DOMAINS = {
    "gmail": "gmail.com googlemail.com",
    "microsoft": (
        "outlook.com hotmail.com live.com msn.com passport.com windowslive.com outlook.de "
        "outlook.fr outlook.it outlook.es outlook.jp outlook.co.id outlook.com.au "
        "outlook.com.br hotmail.co.uk hotmail.fr hotmail.de hotmail.it hotmail.es hotmail.be "
        "hotmail.nl hotmail.ca hotmail.com.br hotmail.com.ar hotmail.co.jp live.co.uk live.fr "
        "live.de live.it live.nl live.be live.se live.dk live.no live.ca live.com.au "
        "live.com.mx live.jp live.cn"
    ),
    "yahoo": (
        "yahoo.com ymail.com rocketmail.com myyahoo.com yahoo.co.uk yahoo.fr yahoo.de "
        "yahoo.it yahoo.es yahoo.ca yahoo.com.br yahoo.com.ar yahoo.com.mx yahoo.com.au "
        "yahoo.co.in yahoo.in yahoo.co.id yahoo.com.ph yahoo.com.sg yahoo.com.vn yahoo.gr "
        "yahoo.pl yahoo.ro yahoo.se yahoo.no yahoo.dk yahoo.ie yahoo.co.nz yahoo.co.za "
        "yahoo.com.tr aol.com aim.com aol.co.uk aol.de aol.fr verizon.net att.net "
        "sbcglobal.net bellsouth.net frontier.com"
    ),
    "yahoo-japan": "yahoo.co.jp ymail.ne.jp",
    "apple": "icloud.com me.com mac.com privaterelay.appleid.com",
    "gmx": "gmx.net gmx.de gmx.at gmx.ch gmx.com gmx.co.uk gmx.fr web.de mail.com email.de",
    "t-online": "t-online.de magenta.de",
    "freenet": "freenet.de",
    "orange": "orange.fr wanadoo.fr",
    "sfr": "sfr.fr neuf.fr club-internet.fr cegetel.net",
    "free": "free.fr aliceadsl.fr",
    "laposte": "laposte.net",
    "libero": "libero.it iol.it inwind.it giallo.it blu.it virgilio.it",
    "comcast": "comcast.net xfinity.com",
    "charter": "charter.net rr.com twc.com spectrum.net roadrunner.com",
    "cox": "cox.net",
    "bt": "btinternet.com btopenworld.com talk21.com",
    "virgin": "virginmedia.com ntlworld.com blueyonder.co.uk virgin.net",
    "sky": "sky.com",
    "proton": "proton.me protonmail.com protonmail.ch pm.me",
    "fastmail": "fastmail.com fastmail.fm",
    "zoho": "zoho.com zohomail.com zohomail.eu",
    "mail.ru": "mail.ru inbox.ru list.ru bk.ru internet.ru",
    "yandex": "yandex.ru yandex.com ya.ru yandex.by yandex.kz yandex.ua",
    "rambler": "rambler.ru lenta.ru autorambler.ru myrambler.ru ro.ru",
    "seznam": "seznam.cz email.cz post.cz spoluzaci.cz",
    "onet": "onet.pl onet.eu op.pl vp.pl poczta.onet.pl",
    "wp": "wp.pl o2.pl tlen.pl go2.pl",
    "interia": "interia.pl interia.eu poczta.fm",
    "qq": "qq.com foxmail.com vip.qq.com",
    "netease": "163.com 126.com yeah.net 188.com vip.163.com",
    "sina": "sina.com sina.cn",
    "naver": "naver.com",
    "daum": "daum.net hanmail.net kakao.com",
    "docomo": "docomo.ne.jp",
    "au": "au.com ezweb.ne.jp",
    "softbank": "softbank.ne.jp i.softbank.jp ymobile.ne.jp",
    "uol": "uol.com.br bol.com.br",
    "terra": "terra.com.br terra.com",
    "rediff": "rediffmail.com",
    "telstra": "bigpond.com bigpond.net.au telstra.com",
    "optus": "optusnet.com.au",
    "xtra": "xtra.co.nz",
    "telenet": "telenet.be",
    "ziggo": "ziggo.nl home.nl upcmail.nl casema.nl",
    "kpn": "kpnmail.nl planet.nl hetnet.nl",
    "bluewin": "bluewin.ch",
    "tuta": "tuta.com tutanota.com tutanota.de tuta.io",
}
_NAMES = {domain: name for name, domains in _DOMAINS.items() for domain in domains.split()}

# The end of the mail exchanger's name of a company's own domain. Google, Microsoft, Yahoo, Apple,
# Mimecast and Orange: the suffixes that KumoMTA's shaping rules match
# (github.com/KumoCorp/kumomta, assets/policy-extras/shaping.toml, 2026-11).
_EXCHANGERS = {
    ".google.com": "gmail",
    ".googlemail.com": "gmail",
    ".olc.protection.outlook.com": "microsoft",
    ".mail.protection.outlook.com": "microsoft-365",
    ".mx.microsoft": "microsoft-365",
    ".yahoodns.net": "yahoo",
    ".icloud.com": "apple",
    ".mimecast.com": "mimecast",
    ".mimecast.co.za": "mimecast",
    ".mimecast-offshore.com": "mimecast",
    ".orange.fr": "orange",
    ".pphosted.com": "proofpoint",
    ".ppe-hosted.com": "proofpoint",
    ".barracudanetworks.com": "barracuda",
    ".messagelabs.com": "symantec",
    ".protonmail.ch": "proton",
    ".messagingengine.com": "fastmail",
    ".zoho.com": "zoho",
    ".zoho.eu": "zoho",
    ".yandex.net": "yandex",
    ".mail.ru": "mail.ru",
    ".qq.com": "qq",
    ".kundenserver.de": "ionos",
    ".ovh.net": "ovh",
    ".secureserver.net": "godaddy",
    ".gandi.net": "gandi",
}

_KNOWN = frozenset([*_NAMES.values(), *_EXCHANGERS.values()])

_DAY = 86400.0
_HOUR = 3600.0
_MOST = 50_000
"""How many domains are remembered."""


def receiver_of(domain: str) -> str:
    """
    Return who runs the mailboxes of *domain*: a name such as ``"gmail"``, else the domain itself.

    .. versionadded:: 0.1.0
    """
    domain = domain.lower()
    return _NAMES.get(domain, domain)


def is_named(receiver: str) -> bool:
    """
    Whether *receiver* is a name of ours, such as ``"gmail"``, and not a company's own domain.

    There are some dozens of them, which a metric may have as labels.

    .. versionadded:: 0.1.0
    """
    return receiver in _KNOWN


@published_in("mailfailover.receivers")
class Receivers:
    """
    The same, with a look at the mail exchangers of domains that no table knows.

    A call never waits: until the answer of the DNS is there, a domain is its own receiver. Answers
    are remembered for a day, failures for an hour.

    Args:
        resolve:
            Returns the names of a domain's mail exchangers, the preferred one first. That of the
            DNS where None, which needs the extra ``dns``.

        submit: Runs a look-up in the background; in two threads of its own where None.

        clock: Seconds on a clock that never goes back.

    Raises:
        ModuleNotFoundError: If *resolve* is None and the extra ``dns`` is not installed.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        *,
        resolve: Callable[[str], Iterable[str]] | None = None,
        submit: Callable[[Callable[[], None]], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolve = _resolver() if resolve is None else resolve
        self._submit = submit or ThreadPoolExecutor(2, "mailfailover-mx").submit
        self._clock = clock
        self._lock = Lock()
        self._known: dict[str, tuple[str, float]] = {}

    def __call__(self, domain: str) -> str:
        """
        Return the receiver of *domain* as far as it is known by now.
        """
        domain = domain.lower()
        if (name := _NAMES.get(domain)) is not None:
            return name
        found, until = self._known.get(domain, (domain, 0.0))
        if until <= self._clock():
            self._remember(domain, found, _HOUR)  # so that only one look-up is under way
            self._submit(lambda: self._look_up(domain))
        return found

    def _look_up(self, domain: str) -> None:
        try:
            names = [name.lower().rstrip(".") for name in self._resolve(domain)]
        except Exception:  # noqa: BLE001 -- whatever the resolver raises: the domain stays its own
            return
        self._remember(domain, _run_by(names) or domain, _DAY)

    def _remember(self, domain: str, receiver: str, seconds: float) -> None:
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[domain] = (receiver, self._clock() + seconds)


def _run_by(exchangers: Iterable[str]) -> str:
    for name in exchangers:
        for suffix, receiver in _EXCHANGERS.items():
            if f".{name}".endswith(suffix):
                return receiver
    return ""


def _resolver() -> Callable[[str], Iterable[str]]:
    from mailfailover._setup.extras import extra

    with extra("dns", "mailfailover.receivers.Receivers"):
        import dns.resolver

    def resolve(domain: str) -> Iterable[str]:
        answers = sorted(dns.resolver.resolve(domain, "MX"), key=lambda one: one.preference)
        return [str(one.exchange) for one in answers]

    return resolve
