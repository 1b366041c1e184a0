"""
What vendors tell about an account.

Answers are made after the vendors' documents and clients, as cited in each provider's module.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import ConfigurationError, Mailer
from mailfailover._setup.registry import find, installed
from mailfailover.plugin import AccountCheck, AccountFact, AccountQuestion, Response
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Mapping

URL = "https://hooks.example.com/webhooks/it"
ASKED = AccountQuestion("example.com", URL, ("welcome",))
DSNS = {
    "mailgun": "mailgun://k:example.com@default",
    "sendgrid": "sendgrid://k@default",
    "postmark": "postmark://k@default?webhook_username=u&webhook_password=p%40",
    "mandrill": "mandrill://k@default",
    "resend": "resend://k@default",
    "sparkpost": "sparkpost://k@default?webhook_username=u&webhook_password=p%40",
    "brevo": "brevo://k@default?webhook_username=u&webhook_password=p%40",
    "mailjet": "mailjet://k:s@default?webhook_username=u&webhook_password=p%40",
    "mailersend": "mailersend://k@default",
    "mailtrap": "mailtrap://k@default",
    "ses": "ses://k:s@default?region=eu-central-1&configuration_set=main",
    "scaleway": "scaleway://k:6170692d-7363-616c-6577-61792e636f6d@default",
}

READY: Mapping[str, Mapping[str, Any]] = {
    "mailgun": {
        "/v4/domains/example.com": {
            "domain": {"state": "active"},
            "sending_dns_records": [{"name": "mx._domainkey.example.com"}, {"name": "example.com"}],
        },
        "/v3/domains/example.com/webhooks": {"webhooks": {"delivered": {"urls": [URL]}}},
        "/v3/example.com/templates/welcome": {},
    },
    "sendgrid": {
        "/v3/whitelabel/domains": [
            {
                "domain": "Example.com",
                "valid": True,
                "dns": {"dkim1": {"host": "s1._domainkey.example.com"}},
            }
        ],
        "/v3/user/credits": {"remain": 200, "total": 200},
        "/v3/user/webhooks/event/settings/all": {"webhooks": [{"enabled": True, "url": URL}]},
        "/v3/templates/welcome": {},
    },
    "postmark": {"/webhooks": {"Webhooks": [{"Url": URL}]}, "/templates/welcome": {}},
    "mandrill": {
        "/api/1.0/senders/domains": [
            {"domain": "example.com", "valid_signing": True, "verified_at": "2026-11-01 10:00:00"}
        ],
        "/api/1.0/users/info": {"hourly_quota": 200},
        "/api/1.0/webhooks/list": [{"url": URL}],
        "/api/1.0/templates/info": {},
    },
    "resend": {
        "/domains": {"data": [{"name": "example.com", "status": "verified"}]},
        "/webhooks": {"data": [{"endpoint": URL, "status": "enabled"}]},
        "/templates/welcome": {},
    },
    "sparkpost": {
        "/api/v1/sending-domains/example.com": {
            "results": {
                "status": {"ownership_verified": True, "compliance_status": "valid"},
                "dkim": {"selector": "scph1126"},
            }
        },
        "/api/v1/webhooks": {"results": [{"target": URL}]},
        "/api/v1/templates/welcome": {},
    },
    "brevo": {
        "/v3/senders/domains/example.com": {
            "authenticated": True,
            "dns_records": {"dkim_record": {"host_name": "mail._domainkey."}},
        },
        "/v3/account": {"plan": [{"creditsType": "sendLimit", "credits": 300}]},
        "/v3/webhooks": {"webhooks": [{"url": URL.replace("://", "://u:p@")}]},
        "/v3/smtp/templates/welcome": {},
    },
    "mailjet": {
        "/v3/REST/dns/example.com": {
            "Data": [{"DKIMStatus": "OK", "DKIMRecordName": "mailjet._domainkey.example.com."}]
        },
        "/v3/REST/eventcallbackurl": {"Data": [{"Url": URL, "Status": "alive"}]},
        "/v3/REST/template/welcome": {},
    },
    "mailersend": {
        "/v1/domains": {"data": [{"id": "d1", "name": "example.com", "is_verified": True}]},
        "/v1/api-quota": {"quota": 1000, "remaining": 999},
        "/v1/webhooks": {"data": [{"url": URL, "enabled": True}]},
        "/v1/templates/welcome": {},
    },
    "mailtrap": {
        "/api/domains": {
            "data": [
                {
                    "domain_name": "example.com",
                    "dns_verified": True,
                    "dns_records": [{"domain": "rwmt1._domainkey.example.com"}],
                }
            ]
        },
        "/api/webhooks": {"data": [{"url": URL, "active": True}]},
    },
    "ses": {
        "/v2/email/identities/example.com": {
            "VerifiedForSendingStatus": True,
            "DkimAttributes": {"Tokens": ["abc"]},
        },
        "/v2/email/account": {
            "ProductionAccessEnabled": True,
            "SendingEnabled": True,
            "SendQuota": {"Max24HourSend": 50000, "SentLast24Hours": 10},
        },
        "/v2/email/configuration-sets/main/event-destinations": {
            "EventDestinations": [{"Enabled": True, "SnsDestination": {"TopicArn": "arn"}}]
        },
        "/v2/email/templates/welcome": {},
    },
    "scaleway": {
        "/transactional-email/v1alpha1/regions/fr-par/domains": {
            "domains": [{"name": "example.com", "status": "checked"}]
        }
    },
}
NO_DOMAINS = {"postmark"}
"""The vendors whose key cannot ask for domains."""


def provider_of(scheme: str) -> Any:
    """
    Return the provider of the DSN above.
    """
    with Mailer(DSNS[scheme]) as mailer:
        return mailer.chain.links[0].provider


def facts_of(
    provider: Any, answers: Mapping[str, Any], asked: AccountQuestion = ASKED
) -> list[AccountFact]:
    """
    Return what the provider reads of *answers*, by path; other paths answer 404.
    """
    found: list[AccountFact] = []
    waiting = deque(provider.account_checks(asked))
    while waiting:
        check = waiting.popleft()
        path = "/" + check.request.url.partition("://")[2].partition("/")[2].partition("?")[0]
        if path in answers:
            response = Response(200, {}, json.dumps(answers[path]).encode())
        elif check.reads_absence:
            response = Response(404, {}, b"{}")
        else:
            continue
        for one in check.read(response):
            (waiting if isinstance(one, AccountCheck) else found).append(one)
    return found


def test_every_provider_that_checks_accounts_is_looked_at() -> None:
    """
    The samples of this module are complete.
    """
    able = {one.scheme for one in installed() if hasattr(find(one.scheme), "account_checks")}

    assert able == DSNS.keys() == READY.keys()


@each("scheme", DSNS)
def test_a_ready_account_is_ready(scheme: str) -> None:
    """
    Sender, webhook, templates and quota are found to be as they should.
    """
    found = facts_of(provider_of(scheme), READY[scheme])

    assert [] == [one for one in found if one.ok is not True]
    assert found


@each("scheme", [scheme for scheme in DSNS if scheme not in NO_DOMAINS])
def test_an_unknown_sender_is_told(scheme: str) -> None:
    """
    A domain that the vendor does not have is not verified, and the remedy names it.
    """
    asked = AccountQuestion("other.example.org")
    answers = {path: answer for path, answer in READY[scheme].items() if "example.com" not in path}
    if scheme == "mailgun":  # a provider of one domain
        answers["/v4/domains/example.com"] = {"domain": {"state": "unverified"}}

    senders = [
        one for one in facts_of(provider_of(scheme), answers, asked) if one.about == "sender"
    ]

    assert [False] == [one.ok for one in senders]
    assert "console" in senders[0].remedy


@each("scheme", DSNS)
def test_a_missing_template_is_told(scheme: str) -> None:
    """
    A 404 for a template is a fact, not a failure of the check.
    """
    answers = {path: one for path, one in READY[scheme].items() if "templates/" not in path}
    answers.pop("/v3/REST/template/welcome", None)
    answers.pop("/api/1.0/templates/info", None)

    found = facts_of(provider_of(scheme), answers)

    missing = [one.text for one in found if one.ok is False]
    has_templates = scheme not in ("mailtrap", "scaleway")
    assert ["welcome does not exist at the vendor"] * has_templates == missing


@each("scheme", DSNS)
def test_foreign_answers_are_survived(scheme: str) -> None:
    """
    Whatever a vendor answers, no reader fails.
    """
    for body in (b"", b"null", b"[]", b"[1]", b"{}", b'{"data": 1, "webhooks": [], "plan": "x"}'):
        waiting = deque(provider_of(scheme).account_checks(ASKED))
        while waiting:
            check = waiting.popleft()
            for one in check.read(Response(200, {}, body)):
                if isinstance(one, AccountCheck):
                    waiting.append(one)


@each("scheme", DSNS)
def test_checks_change_nothing(scheme: str) -> None:
    """
    Each check is a GET, but for Mandrill, whose every call is a POST.
    """
    methods = {check.request.method for check in provider_of(scheme).account_checks(ASKED)}

    assert methods == ({"POST"} if scheme == "mandrill" else {"GET"})


@each("scheme", [one for one in DSNS if hasattr(find(one), "webhook_setups")])
def test_a_webhook_is_set_up_as_it_is_found(scheme: str) -> None:
    """
    Every call names our URL; where the vendor takes credentials, they are the configured ones.
    """
    setups = list(provider_of(scheme).webhook_setups(URL))

    bodies = [b"".join(map(bytes, _parts(one.request))).decode() for one in setups]
    assert bodies
    for body in bodies:
        place = body.replace("%3A", ":").replace("%2F", "/")
        assert "hooks.example.com/webhooks/it" in place
        if "webhook_username" in DSNS[scheme]:
            assert "p@" in body or "p%40" in body


@each("scheme", ["brevo", "mailjet", "postmark", "sparkpost"])
def test_a_webhook_without_credentials_is_not_set_up(scheme: str) -> None:
    """
    A webhook that we would refuse is not registered: the error names what to set.
    """
    with (
        Mailer(DSNS[scheme].partition("?")[0]) as mailer,
        pytest.raises(ConfigurationError, match="webhook_username and webhook_password"),
    ):
        list(mailer.chain.links[0].provider.webhook_setups(URL))  # type: ignore[union-attr]


def test_a_secret_of_a_new_webhook_is_read() -> None:
    """
    What the vendor makes is the option to set.
    """
    (setup,) = provider_of("resend").webhook_setups(URL)

    answer = Response(201, {}, b'{"id": "1", "signing_secret": "whsec_x"}')

    assert {"webhook_secret": "whsec_x"} == setup.secrets(answer)


def test_the_sandbox_of_ses_is_told() -> None:
    """
    An account that may write to verified addresses only is not ready.
    """
    answers = {
        **READY["ses"],
        "/v2/email/account": {"ProductionAccessEnabled": False, "SendingEnabled": False},
    }

    found = facts_of(provider_of("ses"), answers)

    assert [("account", False)] * 2 == [(one.about, one.ok) for one in found if not one.ok]


def test_webhooks_elsewhere_are_told() -> None:
    """
    A webhook that points at another place is not ours; without a place to compare, any will do.
    """
    answers = {"/webhooks": {"Webhooks": [{"Url": "https://old.example.net/x"}]}}
    unknown = AccountQuestion()

    (elsewhere,) = facts_of(provider_of("postmark"), answers, AccountQuestion(webhook_url=URL))
    (some,) = facts_of(provider_of("postmark"), answers, unknown)
    (none,) = facts_of(provider_of("postmark"), {"/webhooks": {}}, unknown)

    assert (False, f"none points at {URL}") == (elsewhere.ok, elsewhere.text)
    assert (True, "set, to old.example.net") == (some.ok, some.text)
    assert (False, "none is set") == (none.ok, none.text)


def test_an_empty_quota_is_told() -> None:
    """
    An account with no credits left is not ready.
    """
    answers = {"/v3/user/credits": {"remain": 0}}

    found = facts_of(provider_of("sendgrid"), answers, AccountQuestion())

    assert [("quota", False, "no credits left")] == [(one.about, one.ok, one.text) for one in found]


def _parts(request: Any) -> list[Any]:
    body = request.body
    return list(body) if isinstance(body, tuple) else [body]
