"""
A call to a vendor.
"""

from __future__ import annotations

import pytest

from mailfailover import plugin
from mailfailover.errors import ConfigurationError
from mailfailover.plugin import AWSCredentials, HTTPRequest
from mailfailover.providers.sendgrid import SendGrid
from tests.samples import each

URL = "https://api.acme.example/v1/mails"


def test_json_is_posted() -> None:
    """
    With the key that makes a repetition harmless, where there is one.
    """
    assert HTTPRequest(
        "POST", URL, {"Api-Key": "k", "Content-Type": "application/json"}, b'{"a":1}'
    ) == plugin.post_json(URL, {"Api-Key": "k"}, {"a": 1})
    assert "i" == plugin.post_json(URL, {}, {}, idempotency_key="i").headers["Idempotency-Key"]


def test_a_region_has_a_host_unless_one_is_given() -> None:
    """
    ``base_url`` is for proxies, and wins.
    """
    assert "https://api.eu.sendgrid.com" == SendGrid(api_key="k", region="eu").base_url
    assert "https://proxy" == SendGrid(api_key="k", base_url="https://proxy").base_url


def test_an_unknown_region_is_refused() -> None:
    """
    The error names the field, what is wrong with it, and what to write.
    """
    with pytest.raises(ConfigurationError) as caught:
        SendGrid(api_key="k", region="mars")

    assert "region of sendgrid is 'mars': use 'global', 'eu'" == str(caught.value)


@each(
    ("url", "host"),
    [
        ("https://A.example:443/x", "a.example"),
        ("https://a.example:8443/x", "a.example:8443"),
        ("http://localhost:80/x", "localhost"),
    ],
)
def test_host_header(url: str, host: str) -> None:
    """
    The port stands there only where it is not the scheme's own.
    """
    assert host == plugin.host_header(url)


def test_credentials_tell_no_secret() -> None:
    """
    Neither the key nor the token of temporary credentials.
    """
    assert "AWSCredentials('AKID')" == repr(AWSCredentials("AKID", "secret", "token"))
