from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from mailfailover._setup.sources import CONFIG_TEMPLATE
from mailfailover.cli.framework_lines import FRAMEWORKS
from tests.cli.running import MAIL, run


def test_init_writes_for_the_owner_only() -> None:
    """
    The template is written to mailfailover.toml, and only its owner can read it.
    """
    done = run("init")

    path = Path("mailfailover.toml")
    assert 0 == done.exit_code
    assert CONFIG_TEMPLATE == path.read_text("utf-8")
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_init_never_overwrites(tmp_path: Path) -> None:
    """
    A file that exists stays as it is.
    """
    path = tmp_path / "own.toml"
    path.write_text("mine")

    done = run("init", str(path))

    text = f"mailfailover: {path} exists already: name another file, or replace it with --force\n"
    assert (2, text, "mine") == (done.exit_code, done.stderr, path.read_text())


def test_init_replaces_when_told(tmp_path: Path) -> None:
    """
    ``--force`` replaces the file, also what is a link elsewhere, and its rights.
    """
    other = tmp_path / "other"
    other.write_text("mine")
    path = tmp_path / "own.toml"
    path.symlink_to(other)

    done = run("init", str(path), "--force", "--json")

    assert {"path": str(path)} == json.loads(done.stdout)
    assert ("mine", CONFIG_TEMPLATE) == (other.read_text(), path.read_text())


def test_init_says_why_it_cannot() -> None:
    """
    A directory that is not there is an error of one line.
    """
    done = run("init", "none/own.toml")

    text = "mailfailover: none/own.toml cannot be written: No such file or directory\n"
    assert (2, text) == (done.exit_code, done.stderr)


def test_template_works_as_it_is() -> None:
    """
    What ``init`` writes sends mail to the console at once.
    """
    run("init")

    done = run("send", "--config", "mailfailover.toml", *MAIL)

    assert (0, True) == (done.exit_code, done.stdout.startswith("console accepted mail "))


def _written(framework: str) -> dict[str, Any]:
    """
    The names that the file of a framework has, once it is executed.
    """
    names: dict[str, Any] = {}
    exec(Path(FRAMEWORKS[framework].filename).read_text("utf-8"), names)  # noqa: S102 -- ours
    return names


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_lines_of_a_framework_are_written(framework: str) -> None:
    """
    Only its owner can read the file, and what is left to do is said.
    """
    done = run("init", "--framework", framework)

    lines = FRAMEWORKS[framework]
    path = Path(lines.filename)
    assert (0, f"{path} is written. {lines.next}\n") == (done.exit_code, done.stdout)
    assert (lines.text, 0o600) == (path.read_text("utf-8"), stat.S_IMODE(path.stat().st_mode))


def test_the_lines_of_flask_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An application with them sends through what the environment names.
    """
    from flask import Flask

    monkeypatch.setenv("MAILFAILOVER_DSN", "null://")
    run("init", "--framework", "flask")
    mail, app = _written("flask")["mail"], Flask("shop")
    mail.init_app(app)

    assert "null" == mail.send(to="ann@example.org", subject="Hi", text="Hi").provider


@pytest.mark.parametrize("framework", ["fastapi", "starlette"])
def test_the_lines_of_an_asgi_framework_send(
    framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An application with them has a mailer, and takes webhooks.
    """
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from mailfailover.starlette import get_mailer

    monkeypatch.setenv("MAILFAILOVER_DSN", "null://")
    run("init", "--framework", framework)
    names = _written(framework)
    app = Starlette(lifespan=names["mail_lifespan"])
    app.mount("/email", names["mail_webhooks"])

    async def send(request: Any) -> Any:
        from starlette.responses import PlainTextResponse

        receipt = await get_mailer(request).send(to="ann@example.org", subject="Hi", text="Hi")
        return PlainTextResponse(receipt.provider)

    app.add_route("/send", send)
    with TestClient(app) as client:
        assert "null" == client.get("/send").text
        assert 404 == client.get("/email/webhooks/none").status_code


@pytest.mark.parametrize("version", [(5, 2), (6, 1)])
def test_the_lines_of_django_are_settings(
    version: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    They name the backend as this version of Django does, and settings that the app knows.

    A new project of Django 6.1 has MAILERS, beside which EMAIL_BACKEND is an error.
    """
    import django

    from mailfailover.django import MailFailoverSettings
    from mailfailover.django.settings import BACKENDS

    run("init", "--framework", "django")
    monkeypatch.setattr(django, "VERSION", version)

    names = _written("django")
    named = (names.get("EMAIL_BACKEND"), names.get("MAILERS"))
    assert named in ((BACKENDS[0], None), (None, {"default": {"BACKEND": BACKENDS[0]}}))
    assert (version >= (6, 1)) == ("MAILERS" in names)
    assert names["MAILFAILOVER"].keys() <= MailFailoverSettings.__annotations__.keys()


@pytest.mark.parametrize(
    ("files", "answer", "written"),
    [
        ((), "flask", "mail.py"),
        ((), "", "mailfailover.toml"),
        (("manage.py",), "", "mail_settings.py"),
    ],
)
def test_a_terminal_is_asked(
    files: tuple[str, ...], answer: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whoever names no framework is asked; beside a manage.py the answer is Django unless changed.
    """
    for name in files:
        Path(name).touch()
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)

    done = run("init", stdin=f"{answer}\n")

    assert "Which framework do you use?" in done.stdout
    assert Path(written).exists()
