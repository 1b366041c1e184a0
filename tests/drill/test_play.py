from __future__ import annotations

from dataclasses import replace

import pytest

from mailfailover import Link, Mailer
from mailfailover.drill import Report, load_incident, run
from mailfailover.drill.findings import find
from mailfailover.errors import ConfigurationError
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.sendgrid import SendGrid
from mailfailover.testing import PLAIN, SAMPLES
from tests.drill.incidents import CHAIN, FIRST, SECOND, incident, play
from tests.samples import each


@pytest.mark.parametrize(
    "phase",
    [
        'fault = "dns"',
        'fault = "refused"',
        'fault = "timeout"',
        'fault = "tls"',
        'fault = "silent"',
        'fault = "reset"',
        'fault = "answer"\nanswer = "unavailable"',
        'fault = "answer"\nanswer = "internal"',
        'fault = "answer"\nanswer = "auth"',
        'fault = "answer"\nanswer = "suspended"',
        'fault = "answer"\nanswer = "sender"',
        'fault = "answer"\nanswer = "quota"',
        'fault = "edge"\nstatus = 500\nedge = "cloudflare"',
        'fault = "edge"\nstatus = 521\nedge = "cloudflare"',
        'fault = "edge"\nstatus = 502\nedge = "nginx"',
    ],
)
def test_a_fault_of_calls_costs_one_provider_all_and_the_chain_nothing(phase: str) -> None:
    """
    The breaker tells of it, and hardly a call is wasted.
    """
    report = play(phase)
    first, retries, yours = report.outcomes

    assert first.lost == first.refused == first.mails > 0
    assert (0, 0) == (retries.lost, yours.lost)
    assert yours.told is not None
    assert ("breaker", True) == (yours.told.by, yours.told.seconds < 120)
    assert yours.wasted < yours.mails / 3 < retries.wasted
    assert report.survived()


def test_a_slow_answer_is_waited_for_up_to_the_limit_of_an_attempt() -> None:
    """
    Within it the mail arrives as it is; beyond it the next provider sends a copy.
    """
    waited = play('fault = "slow"\nseconds = 6').yours
    beyond = play('fault = "slow"\nseconds = 12').yours

    assert (0, 0) == (waited.twice, waited.lost)
    assert waited.worst > 6
    assert beyond.twice > 0
    assert 0 == beyond.lost


def test_an_unanswered_call_may_have_been_accepted() -> None:
    """
    Then the mail arrives twice, as often as the incident says.
    """
    assert 0 == play('fault = "silent"\naccepted = 0.0').yours.twice
    assert play('fault = "silent"\naccepted = 1.0').yours.twice > 0


def test_a_limit_lets_through_what_it_allows() -> None:
    """
    At 60 an hour of 3,600 the first provider alone loses nearly all.
    """
    report = play('fault = "limit"\nrate = "60/h"')
    first, _, yours = report.outcomes

    assert 0.9 < first.lost / first.mails < 1
    assert 0 == yours.lost


def test_a_queue_makes_late_and_no_policy_sees_it() -> None:
    """
    A delay may grow while the phase lasts.
    """
    report = play('fault = "queue"\ndelay = ["0s", "1h"]')

    assert {(0, True)} == {(one.lost, 1500 < one.median < 2100) for one in report.outcomes}
    assert all(3000 < one.worst < 3700 for one in report.outcomes)
    assert not report.survived(max_late=600)


def test_what_is_lost_after_a_yes_is_lost_for_everybody() -> None:
    """
    An incident that no policy survives says so.
    """
    report = play('fault = "lost"\nshare = 0.5')

    assert all(0.3 < one.lost / one.mails < 0.7 for one in report.outcomes)
    assert all(0 == one.refused for one in report.outcomes)
    assert not report.survived()
    assert report.survived(max_lost=0.8)


def test_copies_are_counted() -> None:
    """
    A vendor that delivers twice does so to any policy.
    """
    assert all(one.twice == one.mails for one in play('fault = "twice"').outcomes)


def test_a_receiver_that_defers_is_tried_again_and_one_that_bounces_is_not() -> None:
    """
    Only the mails to this receiver are struck.
    """
    late = play(
        'fault = "receiver"\nreceiver = "gmail"\nreply = "451 4.4.2 later"', receiver="gmail"
    ).yours
    lost = play(
        'fault = "receiver"\nreceiver = "gmail"\nreply = "550 5.1.1 nobody"', receiver="gmail"
    ).yours

    assert (0, True) == (late.lost, 0.3 < late.late / late.mails < 0.6)
    assert (0, True) == (lost.late, 0.3 < lost.lost / lost.mails < 0.6)


def test_a_receiver_that_defers_for_days_gets_nothing() -> None:
    """
    A vendor gives a mail up after three days.
    """
    long = replace(
        incident(
            'fault = "receiver"\nreceiver = "gmail"\nreply = "451 4.4.2 later"', receiver="gmail"
        ),
        lasts=4 * 86400.0,
    )
    phases = tuple(replace(one, end=long.lasts) for one in long.phases)
    report = run(CHAIN, replace(long, phases=phases), most=100, rate=1.0)

    assert report.yours.lost > 20
    assert (6 * 3600.0, long.lasts) == (report.played, report.incident.lasts)


def test_a_part_of_the_senders_may_be_refused() -> None:
    """
    A standby that does not know some domains loses their mails, again and again.
    """
    phases = (
        'fault = "answer"\nanswer = "suspended"',
        'fault = "answer"\nanswer = "sender"\non = "standby"\nby = "sender"\nshare = 0.3',
    )

    lost = play(*phases).yours
    kept = play(
        *phases,
        chain=[
            Link(Mailgun(api_key="KEY", domain="mg.example.com")),
            Link(SendGrid(api_key="KEY"), from_email="shop@example.com"),
        ],
    ).yours

    assert 0.1 < lost.lost / lost.mails < 0.6
    assert 0 == kept.lost


def test_half_of_the_calls_is_half_of_the_calls() -> None:
    """
    A share is what it says, over many calls.
    """
    first = play('fault = "refused"\nshare = 0.25', most=1000).outcomes[0]

    assert 0.2 < first.lost / first.mails < 0.3


def test_a_play_is_the_same_with_the_same_seed() -> None:
    """
    And another one with another seed.
    """
    phase = 'fault = "refused"\nshare = 0.5'

    assert play(phase, seed=7) == play(phase, seed=7)
    assert play(phase, seed=7).outcomes != play(phase, seed=8).outcomes


def test_a_mail_of_a_long_play_stands_for_many() -> None:
    """
    What the links carried is told at the user's own rate.
    """
    report = play('fault = "refused"', rate=100.0)
    sent = 100 * (report.end - report.begin)

    assert pytest.approx(sent / 200) == report.stands_for
    carried = sum(sum(load.values()) for load in report.yours.load.values())
    assert sent * 0.5 < carried < sent * 1.5


def test_rates_of_links_shrink_with_the_mails() -> None:
    """
    A link that may take a tenth of the mails takes a tenth of those that are played.
    """
    chain = f"failover({FIRST}?rate=1/s {SECOND})"
    load = play('fault = "twice"\nshare = 0.0', chain=chain, rate=10.0).yours.load

    first, second = (sum(load[key].values()) for key in ("mailgun", "sendgrid"))
    assert 0.05 < first / (first + second) < 0.2


def test_a_generous_rate_holds_nothing_back() -> None:
    """
    It allows several of the mails that are played at once.
    """
    chain = f"failover({FIRST}?rate=1000/s {SECOND})"
    load = play('fault = "twice"\nshare = 0.0', chain=chain, rate=10.0).yours.load

    assert {"mailgun"} == set(load)


def test_a_quota_is_a_limit_too() -> None:
    """
    A link whose day is used up is passed by.
    """
    chain = f"failover({FIRST}?quota=1/d {SECOND})"
    load = play('fault = "twice"\nshare = 0.0', chain=chain).yours.load

    assert sum(load["mailgun"].values()) < sum(load["sendgrid"].values()) / 10


def test_the_samples_of_the_user_are_sent() -> None:
    """
    What the first provider cannot express goes to another one, as in the real chain.
    """
    chain = f"failover({SECOND} smtp://mail.example.org)"
    load = play(
        'fault = "twice"\nshare = 0.0', chain=chain, messages=[SAMPLES["own_message_id"]]
    ).yours.load

    assert {"smtp"} == set(load) or {"sendgrid"} == set(load)


def test_a_merge_is_no_sample() -> None:
    """
    A play sends one mail to one mailbox.
    """
    with pytest.raises(ConfigurationError, match="a merge cannot be drilled: show one of"):
        play('fault = "refused"', messages=[SAMPLES["merge"]])


# Who is struck


def test_the_vendors_own_link_plays_it() -> None:
    """
    Wherever it stands in the chain.
    """
    report = play('fault = "refused"', vendor="sendgrid")

    assert "sendgrid is sendgrid's" == report.cast.text
    assert (0, 0) == (report.outcomes[0].lost, report.yours.wasted)


def test_the_first_link_plays_a_vendor_that_is_not_there() -> None:
    """
    And the report says so.
    """
    report = play('fault = "refused"\ndoor = "smtp"', vendor="postmark")

    assert "no link is postmark's: mailgun plays its part" == report.cast.text
    assert report.outcomes[0].lost == report.outcomes[0].mails


def test_the_user_may_say_who_plays_the_vendor() -> None:
    """
    To see what the loss of any link would mean.
    """
    report = play('fault = "refused"', vendor="sendgrid", strike="mailgun")

    assert ("mailgun",) == report.cast.vendor
    assert report.outcomes[0].lost == report.outcomes[0].mails


def test_nobody_can_be_struck_who_is_not_there() -> None:
    """
    The error names those who are.
    """
    with pytest.raises(ConfigurationError, match="strike names no link of this chain: 'x'; known"):
        play('fault = "refused"', strike="x")


@each(
    ("first", "is_struck"),
    [(FIRST, False), ("smtp://u:p@smtp.mailgun.org", True), ("smtps://u:p@smtp.mailgun.org", True)],
)
def test_a_door_that_stayed_well_is_not_struck(first: str, is_struck: bool) -> None:
    """
    A certificate of SMTP is no matter of the API, and a host shows whose it is.
    """
    report = play('fault = "tls"\ndoor = "smtp"', chain=f"failover({first} {SECOND})")

    assert is_struck is (report.outcomes[0].lost > 0)
    assert is_struck is ("the door that stayed well" not in report.cast.text)


def test_clients_that_send_a_server_name_are_not_struck_by_a_certificate_for_others() -> None:
    """
    All of ours do.
    """
    assert 0 == play('fault = "tls"\nsni = "without"').outcomes[0].lost


def test_what_vendors_stand_on_strikes_all_of_them() -> None:
    """
    Two links on one cloud are one.
    """
    phase = 'fault = "refused"\non = "cloud:aws"'
    chain = "failover(ses://A:B@default?region=us-east-1 resend://K@default sendgrid://K@default)"

    report = play(phase, vendor="ses", chain=chain)

    assert "ses is ses's, and strikes resend too" == report.cast.text
    assert {"sendgrid"} == {key for key, met in report.cast.phases.items() if not met}


def test_a_provider_with_code_of_its_own_has_an_understudy() -> None:
    """
    Its own code is not called: nothing may be sent.
    """

    class Own:
        name = "own"

        def send(self, message: object) -> None:
            raise AssertionError("it was called")

    report = play('fault = "answer"\nanswer = "auth"', chain=[Own(), FIRST], vendor="own")

    assert report.outcomes[0].lost == report.outcomes[0].mails
    assert 0 == report.yours.lost


def test_secrets_that_a_program_fetches_are_not_fetched() -> None:
    """
    A play needs no network, whatever a key's function does.
    """

    def fetch() -> str:
        raise AssertionError("it was fetched")

    chain = [Mailgun(api_key=fetch, domain="mg.example.com"), SECOND]

    assert 0 == play('fault = "refused"', chain=chain).yours.lost


def test_time_limits_of_the_mailer_hold() -> None:
    """
    A mailer that waits less gives up earlier.
    """
    chain = Mailer(CHAIN, attempt_timeout=2, from_email="shop@example.com")

    assert play('fault = "slow"\nseconds = 3', chain=chain).yours.twice > 0


def test_a_report_is_json_safe_and_says_what_is_assumed() -> None:
    """
    With everything that a program needs.
    """
    import json

    report = run(CHAIN, load_incident("mailgun-2016-dns"), most=50)
    found = json.loads(json.dumps(report.to_dict()))

    assert ("mailgun-2016-dns", True) == (found["incident"], found["survived"])
    assert ["mailgun", "sendgrid"] == found["chain"]
    assert {"mailgun": 2, "sendgrid": 0} == found["struck"]
    assert list(load_incident("mailgun-2016-dns").assumed) == found["assumed"]
    assert 3 == len(found["outcomes"])


def test_plays_leave_the_users_chain_as_it_is() -> None:
    """
    Nothing of a play is known to the real breaker.
    """
    mailer = Mailer(CHAIN)
    before = mailer.health.snapshot()

    report: Report = run(mailer, incident('fault = "refused"'), most=50)

    assert report.yours.told is not None
    assert before == mailer.health.snapshot()
    assert find(mailer, [PLAIN]) == find(mailer, [PLAIN])
