from __future__ import annotations

import pytest

from mailfailover.bounces import BounceMailbox
from mailfailover.errors import ConfigurationError


def test_a_url_is_a_mailbox() -> None:
    """
    User, password and folder may be percent-encoded; TLS is from the first byte.
    """
    box = BounceMailbox.parse("imaps://me%40example.com:p%3Aw@mail.example.com/Bounces%20In")

    assert box == BounceMailbox(
        host="mail.example.com",
        port=993,
        username="me@example.com",
        password="p:w",
        folder="Bounces In",
    )


def test_the_other_scheme_is_starttls() -> None:
    """
    On port 143; a password from elsewhere replaces that of the URL.
    """
    box = BounceMailbox.parse("imap://me:old@mail.example.com", password="new")

    assert (143, True, "new", "INBOX") == (box.port, box.starttls, box.password, box.folder)


def test_no_secret_is_shown() -> None:
    """
    Neither the password nor the token.
    """
    box = BounceMailbox.parse(
        "imaps://me@mail.example.com", password="s3cret", access_token="t0ken"
    )

    assert "s3cret" not in repr(box)
    assert "t0ken" not in repr(box)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.com",
        "http://me:s3cret@mail.example.com",
        "imaps://me:s3cret@",
        "imaps://x:s3cret@h:99999",
    ],
)
def test_another_url_is_refused(url: str) -> None:
    """
    The error does not quote it.
    """
    with pytest.raises(ConfigurationError, match="imaps://user@") as raised:
        BounceMailbox.parse(url)

    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("url", ["imaps://mail.example.com", "imaps://me@mail.example.com"])
def test_a_log_in_needs_a_user_and_a_password(url: str) -> None:
    """
    The error says where they can stand.
    """
    with pytest.raises(ConfigurationError, match="MAILFAILOVER_IMAP_PASSWORD"):
        BounceMailbox.parse(url)
