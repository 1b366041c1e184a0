"""
Outages that happened, with their dates, and other days that look like one.

Each begins an hour after the world does. What is not told of an outage (how many mails an hour,
how they are shared out) is that of the world: ten or a hundred mails a minute to four receivers,
a standby that gets two mails of a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulation.deliveries.weather import Weather
from tests.simulation.deliveries.world import DAY, World

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR = 3600.0
MINUTE = 60.0
BEGIN = HOUR
"""When the trouble begins."""

S775 = (
    "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP "
    "reputation. For e-mail delivery information, see https://aka.ms/postmaster (S775)"
)
S3150 = (
    "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet "
    "service provider since part of their network is on our block list (S3150)."
)
NO_ACCOUNT = "550-5.1.1 The email account that you tried to reach does not exist. gsmtp"
BUSY = "451 4.4.2 Message temporarily deferred"


@dataclass(frozen=True)
class Scenario:
    """
    A day worth remembering.

    Attributes:
        title: What it is, with its date.

        source: Where it is told, "" for what is nobody's in particular.

        end: When the trouble ends, in seconds since the world began; 0.0 where there is none.

        hours: How long it is simulated.

        ill: The places that must be found ill, in the words of a snapshot; none where nothing may
            be.

        rate: Mails a minute.

        links, past: As those of a world.
    """

    title: str
    weather: tuple[Weather, ...] = ()
    source: str = ""
    end: float = 0.0
    hours: float = 4.0
    ill: tuple[tuple[str, str], ...] = ()
    rate: float | Callable[[float], float] = 10.0
    links: dict[str, float] = field(default_factory=lambda: {"one": 0.0, "two": 0.02})
    past: tuple[str, ...] = ("one", "two")
    greylisting: float = 0.03

    def world(self, seed: int, *, standby: float | None = None, advised: bool = True) -> World:
        """
        A world with a healthy week behind it, in which this happens.

        Args:
            seed: Of all chance.

            standby: The part of the mails that the second link gets, where it is another one.

            advised: Whether the chain goes by what becomes of its mails.
        """
        rate, links = self.rate, dict(self.links)
        if standby is not None and links["two"]:
            links["two"] = standby
        found = World(
            seed,
            self.weather,
            rate if callable(rate) else lambda _now: rate,
            links,
            past=self.past,
            greylisting=self.greylisting,
            advised=advised,
        )
        found.learn()
        return found


def _weather(hours: float, **fields: Any) -> tuple[Weather, ...]:
    return (Weather(BEGIN, BEGIN + hours * HOUR, **fields),)


def _campaign(now: float) -> float:
    return 500.0 if BEGIN <= now < BEGIN + HOUR / 2 else 5.0


def _weekend(now: float) -> float:
    """
    The last hour of a Friday, and the Saturday after it.
    """
    return 30.0 if now < BEGIN and (now >= 0 or now // DAY % 7 < 5) else 1.0


SCENARIOS: dict[str, Scenario] = {
    "mandrill": Scenario(
        "Mandrill, 4 February 2019: a shard of five is stuck, and most webhooks with it",
        _weather(40.6, link="one", stuck=0.2, stuck_for=40 * HOUR, mute=0.6),
        "https://mailchimp.com/what-we-learned-from-the-recent-mandrill-outage/",
        end=BEGIN + 40.6 * HOUR,
        hours=3.0,
        ill=(("one", "*"),),
        rate=100.0,
    ),
    "a fifth": Scenario(
        "A shard of five is stuck, and all webhooks work",
        _weather(40.6, link="one", stuck=0.2, stuck_for=40 * HOUR),
        end=BEGIN + 40.6 * HOUR,
        hours=3.0,
        ill=(("one", "*"),),
        rate=100.0,
    ),
    "sendgrid 2015": Scenario(
        "SendGrid, 3 November 2015: the API is fine, the queue three hours behind",
        _weather(3.0, link="one", stuck=1.0, stuck_for=3 * HOUR),
        "https://news.ycombinator.com/item?id=10502361",
        end=BEGIN + 3 * HOUR,
        hours=5.5,
        ill=(("one", "*"),),
        rate=20.0,
    ),
    "sendgrid 2016": Scenario(
        "SendGrid, 30 August 2016: four hours of delays",
        _weather(4.0, link="one", stuck=0.8, stuck_for=4 * HOUR),
        "https://github.com/anymail/django-anymail/issues/31",
        end=BEGIN + 4 * HOUR,
        hours=6.5,
        ill=(("one", "*"),),
        rate=20.0,
    ),
    "postmark": Scenario(
        "Postmark, 15 May 2018: still accepting, all an hour late",
        _weather(2.0, link="one", stuck=1.0, stuck_for=1.1 * HOUR),
        "https://status.postmarkapp.com",
        end=BEGIN + 2 * HOUR,
        hours=4.5,
        ill=(("one", "*"),),
        rate=20.0,
    ),
    "resend": Scenario(
        "Resend, 15 February 2026: two hours late on average",
        _weather(3.5, link="one", stuck=1.0, stuck_for=2 * HOUR),
        "https://resend.com/blog/incident-report-for-february-15-2026",
        end=BEGIN + 3.5 * HOUR,
        hours=6.0,
        ill=(("one", "*"),),
        rate=20.0,
    ),
    "gmail": Scenario(
        "Gmail, 14 to 16 December 2020: 550 5.1.1 for addresses that exist, whoever sends",
        _weather(2.0, receiver="gmail", bounced=0.8, words=NO_ACCOUNT),
        "https://www.magnews.com/google-services-outage-and-false-bounce-ups",
        end=BEGIN + 2 * HOUR,
        hours=4.5,
        ill=(("*", "gmail"),),
        rate=20.0,
    ),
    "yahoo": Scenario(
        "Yahoo, 28 November 2025: 451 4.4.2 to every vendor",
        _weather(3.0, receiver="yahoo", deferred=0.95, stuck_for=4 * HOUR, words=BUSY),
        end=BEGIN + 3 * HOUR,
        hours=5.5,
        ill=(("*", "yahoo"),),
        rate=20.0,
    ),
    "microsoft": Scenario(
        "Microsoft, 23 to 27 February 2026: 451 4.7.650 S775 to one vendor",
        _weather(
            72.0, link="one", receiver="microsoft", deferred=0.95, stuck_for=72 * HOUR, words=S775
        ),
        "https://www.engagor.ai/resources/blog/microsoft-broke-email-february-2026",
        end=BEGIN + 72 * HOUR,
        hours=3.0,
        ill=(("one", "microsoft"),),
        rate=50.0,
    ),
    "shared address": Scenario(
        "A shared address is blocked at one receiver: S3150 for one mail in two",
        _weather(2.0, link="one", receiver="microsoft", bounced=0.5, words=S3150),
        end=BEGIN + 2 * HOUR,
        hours=4.5,
        ill=(("one", "microsoft"),),
        rate=30.0,
    ),
    "endpoint dead": Scenario(
        "Our own endpoint is dead",
        _weather(2.0, mute=1.0),
        end=BEGIN + 2 * HOUR,
        hours=4.5,
        rate=20.0,
    ),
    "endpoint late": Scenario(
        "Our own endpoint is dead, and the vendors repeat what it missed",
        _weather(1.0, webhook_lag=1.2 * HOUR),
        end=BEGIN + HOUR,
        hours=4.0,
        rate=20.0,
    ),
    "wrong secret": Scenario(
        "The secret of one link's webhooks is wrong",
        _weather(2.0, link="one", refused=True),
        end=BEGIN + 2 * HOUR,
        hours=4.5,
        rate=20.0,
    ),
    "greylisting": Scenario(
        "Receivers that greylist a third of the mails",
        greylisting=0.35,
        hours=4.5,
        rate=20.0,
    ),
    "weekend": Scenario("A weekend", rate=_weekend, hours=10.0),
    "campaign": Scenario("A campaign, a hundred times the usual", rate=_campaign, hours=4.0),
    "cold standby": Scenario(
        "A standby that never sent takes over from a link that is blocked",
        _weather(3.0, link="one", receiver="microsoft", bounced=0.95, words=S3150),
        end=BEGIN + 3 * HOUR,
        hours=5.5,
        ill=(("one", "microsoft"),),
        rate=20.0,
        links={"one": 0.0, "two": 0.0},
        past=("one",),
    ),
    "cold standby, receiver down": Scenario(
        "A receiver is down, and the standby never sent",
        _weather(3.0, receiver="yahoo", deferred=0.95, stuck_for=4 * HOUR, words=BUSY),
        end=BEGIN + 3 * HOUR,
        hours=5.5,
        ill=(("*", "yahoo"),),
        rate=20.0,
        links={"one": 0.0, "two": 0.0},
        past=("one",),
    ),
}
