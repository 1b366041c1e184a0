from __future__ import annotations

from email import message_from_bytes
from typing import TYPE_CHECKING

import pytest

from mailfailover.plugin import Attachment, Message
from mailfailover.providers.preview import Preview
from mailfailover.service.headers import MAIL_POLICY
from mailfailover.service.preview import preview_app
from mailfailover.testing import PLAIN, RICH, SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient

EVIL = Message(
    to="ann@example.com",
    from_email="eve@example.com",
    subject="<script>alert(1)</script>",
    html="<script>alert(2)</script><img src='cid:logo'>",
    attachments=[
        Attachment("logo.png", b"\x89PNG", "image/png", "logo"),
        Attachment('evil"\\.html', b"<script>alert(3)</script>", "text/html"),
    ],
)


@pytest.fixture(name="mailbox")
def _mailbox(tmp_path: Path) -> Preview:
    return Preview(tmp_path / "mails.db")


@pytest.fixture(name="client")
def _client(mailbox: Preview) -> FlaskClient:
    return preview_app(mailbox).test_client()


def test_empty_mailbox_says_so(client: FlaskClient) -> None:
    """
    Nothing there yet is no error.
    """
    assert "No mail has come yet" in client.get("/").text


def test_mails_are_listed(client: FlaskClient, mailbox: Preview) -> None:
    """
    Each mail is a link with its subject and people.
    """
    mailbox.send(RICH)

    page = client.get("/").text

    assert 'href="/1"' in page
    assert "ann@example.org" in page
    assert "2 files" in page


def test_list_goes_on(client: FlaskClient, mailbox: Preview) -> None:
    """
    A page of fifty leads to the older mails, the last page to no more.
    """
    for _ in range(51):
        mailbox.send(PLAIN)

    assert 'href="/?before=2"' in client.get("/").text
    assert "Older mails" not in client.get("/?before=2").text
    assert "There are no older mails" in client.get("/?before=1").text


@pytest.mark.parametrize("name", SAMPLES)
def test_every_mail_can_be_shown(name: str, client: FlaskClient, mailbox: Preview) -> None:
    """
    Each view that is offered for a mail can be opened.
    """
    mailbox.send(SAMPLES[name])

    for view in ("", "?view=headers", "?view=source"):
        assert 200 == client.get(f"/1{view}").status_code


@pytest.mark.parametrize(
    ("message", "view", "status"),
    [
        (RICH, "html", 200),
        (RICH, "text", 200),
        (RICH, "attachments", 200),
        (PLAIN, "html", 404),
        (PLAIN, "text", 200),
        (PLAIN, "attachments", 404),
        (EVIL, "text", 404),
        (PLAIN, "nonsense", 404),
    ],
)
def test_views_are_those_a_mail_has(
    message: Message, view: str, status: int, client: FlaskClient, mailbox: Preview
) -> None:
    """
    A view of what the mail lacks does not exist.
    """
    mailbox.send(message)

    assert status == client.get(f"/1?view={view}").status_code


def test_headers_show_the_envelope(client: FlaskClient, mailbox: Preview) -> None:
    """
    What the header of a mail does not tell stands below it.
    """
    mailbox.send(RICH)

    page = client.get("/1?view=headers").text

    assert "<dt>Envelope-To</dt>" in page
    assert "dan@example.org" in page


def test_nothing_of_a_mail_becomes_a_page_of_ours(client: FlaskClient, mailbox: Preview) -> None:
    """
    What a mail says is text, in every view.
    """
    mailbox.send(EVIL)

    for path in ("/", "/1", "/1?view=headers", "/1?view=source", "/1?view=attachments"):
        assert "<script>alert" not in client.get(path).text


def test_html_can_do_nothing(client: FlaskClient, mailbox: Preview) -> None:
    """
    The body's own policy forbids scripts, forms, and whatever lies elsewhere.
    """
    mailbox.send(EVIL)

    policy = client.get("/1/body").headers["Content-Security-Policy"]

    assert MAIL_POLICY == policy
    assert {"default-src 'none'", "sandbox", "img-src data:"} <= set(policy.split("; "))


def test_inline_images_are_in_the_html(client: FlaskClient, mailbox: Preview) -> None:
    """
    A ``cid:`` shows its image although the frame may load nothing.
    """
    mailbox.send(EVIL)

    assert "src='data:image/png;base64,iVBORw=='" in client.get("/1/body").text


def test_attachment_is_stored_never_shown(client: FlaskClient, mailbox: Preview) -> None:
    """
    A browser stores a file under its name, whatever type and name it has.
    """
    mailbox.send(EVIL)

    answer = client.get("/1/attachments/1")

    assert b"<script>alert(3)</script>" == answer.data
    assert "application/octet-stream" == answer.content_type
    assert "attachment; filename*=UTF-8''evil%22%5C.html" == answer.headers["Content-Disposition"]


def test_source_is_the_mail(client: FlaskClient, mailbox: Preview) -> None:
    """
    The source can be stored and read by any mail program.
    """
    mailbox.send(RICH)

    answer = client.get("/1/source.eml")

    assert RICH.message_id == message_from_bytes(answer.data)["Message-ID"]


@pytest.mark.parametrize(
    "path", ["/9", "/9/body", "/9/source.eml", "/9/attachments/0", "/1/attachments/9", "/json/9"]
)
def test_what_is_not_there_is_not_found(path: str, client: FlaskClient, mailbox: Preview) -> None:
    """
    A number that no mail has is a 404.
    """
    mailbox.send(PLAIN)

    assert 404 == client.get(path).status_code


def test_json_has_every_field(client: FlaskClient, mailbox: Preview) -> None:
    """
    Tests read a mail as data, and its files by their URL.
    """
    mailbox.send(RICH)

    (found,) = client.get("/json").get_json()

    assert client.get("/json/1").get_json() == found
    assert (1, "/1", RICH.message_id) == (found["number"], found["url"], found["message_id"])
    expected = RICH.to_dict()
    assert {name: found[name] for name in expected if name != "attachments"} == {
        name: value for name, value in expected.items() if name != "attachments"
    }
    contents = [client.get(one["url"]).data for one in found["attachments"]]
    assert [one.read() for one in RICH.attachments] == contents


def test_json_comes_in_pages(client: FlaskClient, mailbox: Preview) -> None:
    """
    ``limit`` and ``before`` choose a page.
    """
    for _ in range(5):
        mailbox.send(PLAIN)

    found = client.get("/json?limit=2&before=4").get_json()

    assert [3, 2] == [one["number"] for one in found]


@pytest.mark.parametrize("query", ["before=x", "before=-1", "limit=1e3", f"before={10**18}"])
def test_wrong_numbers_are_refused(query: str, client: FlaskClient) -> None:
    """
    A number that is none is the caller's mistake.
    """
    answer = client.get(f"/json?{query}")

    assert 400 == answer.status_code
    assert "must be a whole number" in answer.get_json()["detail"]


def test_mailbox_can_be_emptied(client: FlaskClient, mailbox: Preview) -> None:
    """
    By a button of the page, and by a test.
    """
    mailbox.send(PLAIN)
    assert "/" == client.post("/clear").location
    assert [] == client.get("/json").get_json()

    mailbox.send(PLAIN)
    assert 204 == client.delete("/json").status_code
    assert () == mailbox.mails()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_pages_of_others_get_nothing(
    headers: dict[str, str], client: FlaskClient, mailbox: Preview
) -> None:
    """
    Neither another host's name, nor a proxy, nor a foreign page in the same browser gets in.
    """
    mailbox.send(PLAIN)

    assert 403 == client.get("/json", headers=headers).status_code
    assert 403 == client.delete("/json", headers=headers).status_code
    assert 1 == len(mailbox.mails())


def test_foreign_page_may_link(client: FlaskClient) -> None:
    """
    A link from elsewhere opens the page; a form from elsewhere does nothing.
    """
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert 200 == client.get("/", headers=headers).status_code
    assert 403 == client.post("/clear", headers=headers).status_code


@pytest.mark.parametrize("host", ["127.0.0.1:8025", "localhost", "[::1]:8025", "mail.localhost"])
def test_this_machine_has_many_names(host: str, client: FlaskClient) -> None:
    """
    Any name of the loopback will do.
    """
    assert 200 == client.get("/", headers={"Host": host}).status_code


@pytest.mark.parametrize("address", ["192.0.2.1", "::ffff:192.0.2.1", ""])
def test_other_machines_get_nothing(address: str, client: FlaskClient) -> None:
    """
    Who is not on this machine is refused, even by the right name.
    """
    answer = client.get("/", environ_base={"REMOTE_ADDR": address})

    assert 403 == answer.status_code


def test_person_gets_a_page_for_an_error(client: FlaskClient) -> None:
    """
    A browser is told in words what a program is told as JSON.
    """
    page = client.get("/9", headers={"Accept": "text/html"})
    data = client.get("/9")

    assert "There is no such thing" in page.text
    assert "text/html; charset=utf-8" == page.content_type
    assert "application/problem+json" == data.content_type


def test_wrong_method_names_the_right_ones(client: FlaskClient) -> None:
    """
    A 405 says what is allowed.
    """
    answer = client.put("/json")

    assert 405 == answer.status_code
    assert {"DELETE", "GET", "HEAD", "OPTIONS"} == set(answer.headers["Allow"].split(", "))


def test_failure_tells_nothing(
    client: FlaskClient, mailbox: Preview, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A bug is a 500 with an id that the log knows; neither has the text of the error.
    """
    mailbox.send(PLAIN)
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    client.application.view_functions["mailbox.index"] = _fails

    answer = client.get("/", headers={"X-Request-Id": "known-to-proxy"})

    assert 500 == answer.status_code
    assert "urn:mailfailover:request:known-to-proxy" == answer.get_json()["instance"]
    assert "known-to-proxy" == answer.headers["X-Request-Id"]
    assert PLAIN.to[0].email not in answer.text + caplog.text
    assert "ZeroDivisionError" in caplog.text


def _fails() -> str:
    raise ZeroDivisionError(PLAIN.to[0].email)


def test_request_id_is_made_where_none_is_sound(client: FlaskClient) -> None:
    """
    What could break a log's line is no id.
    """
    answer = client.get("/", headers={"X-Request-Id": "short"})

    assert "short" != answer.headers["X-Request-Id"]


def test_large_files_are_written_in_megabytes(client: FlaskClient, mailbox: Preview) -> None:
    """
    Sizes are for people.
    """
    sizes = [10, 2048, 3 * 1024 * 1024]
    files = [Attachment(f"{size}.bin", bytes(size)) for size in sizes]
    mailbox.send(PLAIN.replace(attachments=files))

    page = client.get("/1?view=attachments").text

    assert all(text in page for text in ("10 bytes", "2.0 KB", "3.0 MB"))


def test_a_mail_is_checked(client: FlaskClient, mailbox: Preview) -> None:
    """
    The page counts what may be wrong and says it; tests read the same as JSON.
    """
    mailbox.send(PLAIN.replace(subject=""))
    mailbox.send(PLAIN)

    bad, good = client.get("/1?view=check").text, client.get("/2?view=check").text

    assert "Check (1)" in bad
    assert "There is no subject: write one." in bad
    assert "Nothing is wrong with this mail" in good
    assert [
        {"severity": "problem", "about": "parts", "text": "There is no subject: write one."}
    ] == (client.get("/json/1/check").get_json())
    assert ([], 404) == (
        client.get("/json/2/check").get_json(),
        client.get("/json/9/check").status_code,
    )
