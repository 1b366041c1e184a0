"""
The drill: incidents played against a chain, beside what others do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover._mailer.mailer import Mailer
from mailfailover.drill.cast import cast
from mailfailover.drill.contenders import WAYS
from mailfailover.drill.play import YOURS, Play, Setting
from mailfailover.drill.report import Report
from mailfailover.drill.traffic import TYPICAL, Traffic, check_sample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailfailover._message.message import Message
    from mailfailover.drill.incident import Incident

MOST_MAILS = 1500
"""How many mails a play has at most."""

MOST_STORED = 400
"""The same where each of them goes through an outbox."""


def run(
    chain: Any,
    incident: Incident,
    *,
    rate: float = 10.0,
    seed: int = 0,
    deliveries: bool = False,
    outbox: bool = False,
    messages: Iterable[Message] = (),
    strike: str = "",
    most: int | None = None,
) -> Report:
    """
    Play an incident against a chain, on a virtual clock and without any network.

    Args:
        chain:
            A mailer, or what a mailer takes: a DSN, providers, links, a chain. Its health, rates,
            quotas and order are played as they are.

        incident: What happens; see :func:`load_incident`.

        rate:
            How many mails a second the program sends. Of many mails each one that is played
            stands for several: the report says for how many.

        seed: Makes chance the same in each run.

        deliveries: Whether delivery events feed the chain's health. Needs the extra ``tracking``.

        outbox: Whether mails go through an outbox. Needs the extra ``outbox``.

        messages: Mails like those that the program sends; a typical one where none is given.

        strike:
            The key of the link that plays the vendor of the incident. Without it, it is the link
            of that vendor, or the first one where there is none.

        most: How many mails are played at most.

    Raises:
        ConfigurationError: If the chain cannot work, or a message is a merge.

    .. versionadded:: 0.1.0
    """
    mailer = chain if isinstance(chain, Mailer) else Mailer(chain)
    samples = tuple(map(check_sample, messages)) or (TYPICAL,)
    most = most or (MOST_STORED if outbox else MOST_MAILS)
    setting = Setting(
        mailer=mailer,
        incident=incident,
        traffic=Traffic.of(rate, incident.lasts, most),
        samples=samples,
        seed=seed,
        deliveries=deliveries,
        outbox=outbox,
        strike=strike,
    )
    return Report(
        incident=incident,
        chain=mailer.chain.keys,
        cast=cast(mailer.chain.links, incident, strike),
        rate=rate,
        stands_for=setting.traffic.stands_for,
        begin=setting.traffic.begin,
        end=setting.traffic.end,
        played=setting.traffic.lasts,
        outcomes=tuple(Play(setting).run(name) for name in (*WAYS, YOURS)),
    )
