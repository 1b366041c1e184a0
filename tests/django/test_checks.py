from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from tests.django.project import BACKEND


def _ids(**options: Any) -> list[str]:
    found = run_checks(**options)
    return [one.id for one in found if str(one.id).startswith("mailfailover.")]


def _text(**options: Any) -> str:
    return " ".join(str(one.msg) for one in run_checks(**options))


@override_settings(MAILFAILOVER={"CHAIN": "null://"})
def test_settings_that_work_are_fine() -> None:
    """
    Nothing is told of them.
    """
    assert [] == _ids()


@override_settings(MAILFAILOVER={"CHAIN": "null://", "OUTBX": True})
def test_an_unknown_setting_is_an_error() -> None:
    """
    It is named, with the one that was meant.
    """
    assert ["mailfailover.E001"] == _ids()
    assert "did you mean 'OUTBOX'" in _text()


@override_settings(MAILFAILOVER={"CHAIN": "mailgnu://SECRET:example.com@default"})
def test_a_chain_that_cannot_be_is_an_error() -> None:
    """
    The text says what to change, and quotes no secret.
    """
    assert ["mailfailover.E002"] == _ids()
    assert "SECRET" not in _text()


@override_settings(MAILFAILOVER={"CHAIN": "null://", "OUTBOX": "nowhere"})
def test_an_outbox_that_cannot_be_is_an_error() -> None:
    """
    A database that is not there is told before the first mail.
    """
    assert ["mailfailover.E002"] == _ids()


def test_an_app_without_use_is_a_warning() -> None:
    """
    Installing the app changes nothing: a setting must name its backend.
    """
    dummy = "django.core.mail.backends.dummy.EmailBackend"
    unused: dict[str, Any] = {"EMAIL_BACKEND": dummy}
    if _has_mailers():
        unused = {"MAILERS": {"default": {"BACKEND": dummy}}}

    with override_settings(**unused):
        assert ["mailfailover.W001"] == _ids()


def _has_mailers() -> bool:
    from django.conf import settings

    return hasattr(settings, "MAILERS")


@override_settings(MAILFAILOVER={"CHAIN": ["console://", "null://"]})
def test_deploying_what_delivers_nothing_is_a_warning() -> None:
    """
    ``check --deploy`` names the providers of development.
    """
    found = run_checks(include_deployment_checks=True)

    assert ["mails can end at console, null, which delivers nothing."] == [
        one.msg for one in found if one.id == "mailfailover.W002"
    ]


@pytest.mark.parametrize(
    ("urls", "expected"), [("tests.django.urls", []), ("tests.django.no_urls", ["W003"])]
)
def test_deploying_without_webhooks_is_a_warning(urls: str, expected: list[str]) -> None:
    """
    Where vendors have no address to call, nobody hears of bounces.
    """
    chain = "postmark://TOKEN@default?webhook_username=a&webhook_password=b"

    with override_settings(MAILFAILOVER={"CHAIN": chain}, ROOT_URLCONF=urls):
        found = _ids(include_deployment_checks=True)

    assert [f"mailfailover.{name}" for name in expected] == found


@override_settings(MAILFAILOVER={"CHAIN": "mailgnu://"})
def test_deploying_what_cannot_work_is_told_once() -> None:
    """
    The checks of deployment leave errors to the others.
    """
    assert ["mailfailover.E002"] == _ids(include_deployment_checks=True)


def test_the_backend_is_the_apps() -> None:
    """
    The name in settings leads to the backend.
    """
    from django.utils.module_loading import import_string

    from mailfailover.django.backend import EmailBackend

    assert EmailBackend is import_string(BACKEND)
