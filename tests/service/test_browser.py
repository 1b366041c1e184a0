from __future__ import annotations

import re
import shlex
import subprocess
import time
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from selenium.webdriver.common.keys import Keys as Key

from mailfailover import DeliveryEvent, EventType
from mailfailover._sql.database import open_engine
from mailfailover.deliveries import Cell, CellState, DeliveryHealth
from mailfailover.deliveries._cell_rows import write_cells
from mailfailover.plugin import Attachment, Message
from mailfailover.providers.preview import Preview
from mailfailover.service.keys import Keys
from mailfailover.service.rules import Rules
from mailfailover.suppression import SuppressionList
from mailfailover.tracking import Tracking
from tests.cli.running import listening
from tests.service import browser as chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service.browser import Browser

pytestmark = [
    pytest.mark.skipif(bool(chromium.MISSING), reason=chromium.MISSING),
    pytest.mark.xdist_group("browser"),
]

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
DOT = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC"
)
EVIL = Message(
    to="Ann <ann@example.com>",
    from_email="Shop <shop@example.com>",
    subject="Your invoice",
    text="Hello, Ann.",
    html="""
        <h1>Your invoice</h1><p>Hello, Ann.</p><img src="cid:logo" alt="logo">
        <script>document.title = "owned"; document.body.innerHTML = "owned"</script>
        <img src="http://tracker.invalid/pixel.gif" onerror="parent.location = '/owned'" alt="">
        <link rel="stylesheet" href="http://tracker.invalid/style.css">
        <meta http-equiv="refresh" content="0;url=http://tracker.invalid/">
        <form action="http://tracker.invalid/"><button>Click</button></form>
        <a href="http://tracker.invalid/" target="_top">Look</a>
    """,
    attachments=[
        Attachment("logo.png", DOT, content_id="logo"),
        Attachment("invoice.pdf", b"%PDF-1.7"),
    ],
)


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    with chromium.browsing() as browser:
        yield browser


@pytest.fixture(name="directory", scope="module")
def _directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(name="url", scope="module")
def _url(directory: Path) -> Iterator[str]:
    """
    The service as ``make serve`` starts it.
    """
    surroundings = {
        "MAILFAILOVER_PREVIEW": str(directory / "preview.db"),
        "MAILFAILOVER_DATABASE": f"sqlite:///{directory}/mails.db",
        "MAILFAILOVER_DSN": "",
    }
    with listening("serve", "--preview", **surroundings) as (_, url):
        yield url


@pytest.fixture(name="mailbox")
def _mailbox(directory: Path) -> Preview:
    mailbox = Preview(directory / "preview.db")
    mailbox.clear()
    return mailbox


@pytest.fixture(autouse=True)
def _fresh(browser: Browser) -> None:
    browser.look()
    browser.driver.delete_all_cookies()
    browser.complaints()
    browser.hosts()


def test_mail_of_the_readme_is_in_the_mailbox(browser: Browser, url: str, mailbox: Preview) -> None:
    """
    The command that everybody tries first does what it says.
    """
    command = re.search(r"^\$ (curl (?:.*\\\n)*.*)", README, re.MULTILINE)
    assert command
    local = command[1].replace("\\\n", " ").replace("http://127.0.0.1:8000", url)

    done = subprocess.run(shlex.split(local), capture_output=True, text=True, check=True)

    assert '"state":"queued"' in done.stdout
    browser.wait(mailbox.mails)
    browser.open(f"{url}/mailbox/")
    browser.find("a.row").click()
    browser.wait(lambda: "Hello" == browser.text("h1"))
    browser.picture("readme")


def test_form_is_sent_by_keyboard_alone(browser: Browser, url: str, mailbox: Preview) -> None:
    """
    From field to field with Tab, sent with Enter; the mail's page then follows it by itself.
    """
    browser.open(url)
    browser.run("document.querySelector('#to').focus()")

    for text in ("ann@example.com", "", "", "shop@example.com", "By keyboard", "Hello", "<p>Hi"):
        browser.press(*text, Key.TAB)
    assert browser.focused("#attachments")
    browser.press(Key.TAB, Key.ENTER)

    browser.wait(lambda: "/mails/" in browser.driver.current_url)
    browser.wait(lambda: "By keyboard" == browser.text("h1"))
    browser.wait(lambda: "Sent by preview" in browser.text(".timeline"))
    assert "sent" == browser.text(".head .badge")
    assert ["By keyboard"] == [mail.message.subject for mail in mailbox.mails()]
    browser.picture("sent")


def test_first_page_follows_what_others_send(browser: Browser, url: str) -> None:
    """
    A mail that a program posts appears by itself, and what is being typed stays.
    """
    browser.open(url)
    browser.find("#subject").send_keys("Half written")
    form = {"to": "new@example.com", "from_email": "a@example.com", "subject": "Hi", "text": "Hi"}

    requests.post(f"{url}/email/api/1.0/send", data=form, timeout=30)

    browser.wait(lambda: "new@example.com" in browser.text("#now"))
    assert "Half written" == browser.find("#subject").get_attribute("value")


def test_a_renewed_list_keeps_the_focus(browser: Browser, url: str) -> None:
    """
    A person who goes through the list by keyboard stays on the mail that they reached.
    """
    form = {"to": "old@example.com", "from_email": "a@example.com", "subject": "Hi", "text": "Hi"}
    told = requests.post(f"{url}/email/api/1.0/send", data=form, timeout=30).json()
    browser.open(url)
    browser.find(f"#now a[href$='{told['id']}']")
    browser.run(f"document.querySelector(\"#now a[href$='{told['id']}']\").focus()")

    requests.post(f"{url}/email/api/1.0/send", data=form | {"to": "new@example.com"}, timeout=30)

    browser.wait(lambda: "new@example.com" in browser.text("#now"))
    assert browser.focused(f"a[href$='{told['id']}']")


def test_errors_of_a_form_can_be_heard_and_reached(browser: Browser, url: str) -> None:
    """
    What is wrong gets the focus, and leads to the fields; nothing typed is lost.
    """
    browser.open(url)
    browser.find("#to").send_keys("nobody")
    browser.find("#subject").send_keys("Kept")

    browser.find("main form button").click()

    browser.wait(lambda: browser.focused("[role=alert]"))
    assert "Kept" == browser.find("#subject").get_attribute("value")
    assert [] == browser.barriers()
    browser.picture("errors")


def test_mail_can_do_nothing_in_its_frame(browser: Browser, url: str, mailbox: Preview) -> None:
    """
    It is shown with its own image; no script runs, and no other host hears of it.
    """
    mailbox.send(EVIL)
    number = mailbox.mails()[0].number

    browser.open(f"{url}/mailbox/{number}")

    frame = browser.find("iframe")
    browser.driver.switch_to.frame(frame)
    try:
        assert "Hello, Ann." in browser.text("p")
        assert 10 == browser.run("return document.querySelector('img').naturalWidth")
        browser.find("button").click()
        browser.find("a").click()
    finally:
        browser.driver.switch_to.default_content()
    assert f"{url}/mailbox/{number}" == browser.driver.current_url
    assert "Your invoice · mailfailover" == browser.driver.title
    assert {url.removeprefix("http://")} == browser.hosts()
    browser.picture("mail")


@pytest.mark.parametrize(
    ("width", "scheme"), [(320, "light"), (390, "dark"), (768, "light"), (1280, "dark")]
)
def test_pages_fit_every_screen(
    width: int, scheme: str, browser: Browser, url: str, mailbox: Preview
) -> None:
    """
    Phone to desktop, by day and by night: nothing is cut off, nobody is kept out, no complaint.
    """
    mailbox.send(EVIL)
    number = mailbox.mails()[0].number
    browser.look(width=width, height=800, scheme=scheme)
    for name, path in {
        "index": "/",
        "mails": "/mails",
        "suppressions": "/suppressions",
        "mailbox": "/mailbox/",
        "headers": f"/mailbox/{number}?view=headers",
        "attachments": f"/mailbox/{number}?view=attachments",
        "nothing": "/nothing",
    }.items():
        browser.open(url + path)

        assert width >= browser.run("return document.documentElement.scrollWidth"), name
        assert [] == browser.barriers(), name
        browser.picture(f"{name}-{width}-{scheme}")
    assert {url.removeprefix("http://")} == browser.hosts()
    assert [] == [one for one in browser.complaints() if "404 (NOT FOUND)" not in one]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_deliveries_and_suppressions_fit_every_screen(
    width: int, scheme: str, browser: Browser, tmp_path: Path
) -> None:
    """
    With cells that are ill, and with what a wrong day lifts.
    """
    engine = open_engine(f"sqlite:///{tmp_path}/mails.db")
    tracking = Tracking(engine)
    tracking.init()
    DeliveryHealth(tracking).init()
    since = time.time() - 3600
    words = "12 of 60 recipients were told to be delivered within 5 min; usual are 96%"
    names = ("gmail", "microsoft", "yahoo", "apple", "gmx", "orange", "acme.example")
    cells = {(key, name): Cell(delivered=9) for key in ("mailgun", "mandrill") for name in names}
    cells["mailgun", "gmail"] = Cell(CellState.LATE, since, words, 12, 3, 0, 45)
    cells["mandrill", "yahoo"] = Cell(CellState.BLOCKED, since, "9 of 9 were refused", 0, 0, 9, 0)
    with engine.begin() as connection:
        write_cells(connection, {}, cells, {})
    held = SuppressionList(engine)
    held.init()
    for type_ in ("delivered", "bounced"):
        for name in ("ann", "bob", "a.very.long.name.of.a.recipient.whom.nobody.knows"):
            event = DeliveryEvent(
                type=EventType(type_),
                provider="mailgun",
                event_id=f"{type_}-{name}",
                recipient=f"{name}@gmail.com",
                mta_response="550 5.1.1 The email account that you tried to reach does not exist",
            )
            held(event)
    held.add("cid@example.org")
    engine.dispose()
    surroundings = {
        "MAILFAILOVER_DATABASE": f"sqlite:///{tmp_path}/mails.db",
        "MAILFAILOVER_PREVIEW": str(tmp_path / "preview.db"),
        "MAILFAILOVER_DSN": "failover(mailgun=null:// mandrill=null://)",
    }
    browser.look(width=width, height=2000, scheme=scheme)

    with listening("serve", "--workers", "0", **surroundings) as (_, url):
        for name, path in {"deliveries": "/", "suppressions": "/suppressions"}.items():
            browser.open(url + path)
            assert width >= browser.run("return document.documentElement.scrollWidth"), name
            assert [] == browser.barriers(), name
            browser.picture(f"{name}-{width}-{scheme}")
        browser.find("#domain").send_keys("gmail" + Key.ENTER)
        browser.wait(lambda: "This would lift 3" in browser.text("#lifted"))
        browser.picture(f"undo-{width}-{scheme}")
        browser.find("[name=lift]").click()
        browser.wait(lambda: "Lifted: 3" in browser.text("#lifted"))
        assert [] == [one for one in browser.complaints() if url in one]
    browser.open("about:blank")


def test_key_signs_in(browser: Browser, tmp_path: Path) -> None:
    """
    With a key the page shows what it may see; signed out, nothing any more.
    """
    database = f"sqlite:///{tmp_path}/mails.db"
    keys = Keys(open_engine(database))
    keys.init()
    key = keys.add("The shop", Rules(grants=("admin",)))
    surroundings = {"MAILFAILOVER_DATABASE": database, "MAILFAILOVER_DSN": "null://"}

    with listening("serve", **surroundings) as (_, url):
        browser.open(url)
        assert f"{url}/sign-in" == browser.driver.current_url
        assert [] == browser.barriers()
        browser.picture("sign-in")
        browser.find("#key").send_keys(key + Key.ENTER)
        browser.wait(lambda: "The shop" == browser.text(".who"))
        browser.picture("signed-in")
        browser.find(".out button").click()
        browser.find("#key")
        browser.open(url)
        assert f"{url}/sign-in" == browser.driver.current_url
