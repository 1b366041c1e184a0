"""
The page in a real browser: on a screen and a telephone, in light and in dark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailfailover import Mailer
from mailfailover.chaos import Chaos
from tests.service import browser as chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service.browser import Browser

pytestmark = [
    pytest.mark.skipif(bool(chromium.MISSING), reason=chromium.MISSING),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    with chromium.browsing() as browser:
        yield browser


@pytest.fixture
def chaos() -> Iterator[Chaos]:
    """
    Vendors of which one fails and one took a mail.
    """
    with Chaos(chance=lambda: 0.5) as one:
        one.fail("brevo", "expired_certificate")
        with Mailer(one.dsn("mailgun"), from_email="The Shop <shop@example.com>") as mailer:
            mailer.send(to="ann@example.org", subject="Your <b>order</b>", text="Hi")
        yield one


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_everybody_can_use_it(browser: Browser, chaos: Chaos, width: int, scheme: str) -> None:
    """
    Nothing is cut off, no rule of accessibility is broken, and nothing comes from elsewhere.
    """
    browser.open("about:blank")  # the page of the test before asks on
    browser.complaints()
    browser.hosts()
    browser.look(width=width, scheme=scheme)
    browser.open(chaos.url)
    browser.find("#vendors li:nth-child(11) summary").click()
    browser.find("#mails li")
    browser.picture(f"chaos-{width}-{scheme}")

    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.barriers() == []
    assert browser.complaints() == []
    assert browser.hosts() == {chaos.url.removeprefix("http://")}


def test_a_vendor_is_made_to_fail(browser: Browser, chaos: Chaos) -> None:
    """
    By the form, and healed by the button.
    """
    browser.open(chaos.url)
    browser.find("#fail [name=vendor] option[value=mandrill]").click()
    browser.find("#fail [name=kind] option[value=rate_limited]").click()
    browser.find("#fail [type=submit]").click()
    browser.wait(lambda: chaos.describe("mandrill")["troubles"])
    browser.wait(lambda: "2 failing; 1 mail accepted" in browser.text("#summary"))

    browser.find("#heal-all").click()
    browser.wait(lambda: "0 failing" in browser.text("#summary"))

    assert chaos.describe("mandrill")["troubles"] == []


def test_a_wrong_number_is_said(browser: Browser, chaos: Chaos) -> None:
    """
    In the words of the API.
    """
    browser.open(chaos.url)
    browser.find("#fail [name=vendor] option[value=azure]")
    browser.run("document.querySelector('#fail').noValidate = true")
    browser.find("#fail [name=probability]").clear()
    browser.find("#fail [type=submit]").click()

    browser.wait(lambda: "probability must be more than 0" in browser.text("#problem"))


def test_a_subject_is_text(browser: Browser, chaos: Chaos) -> None:
    """
    Whatever a mail says, the page shows it and runs nothing of it.
    """
    browser.open(chaos.url)

    browser.wait(lambda: browser.text("#mails .subject") == "Your <b>order</b>")
