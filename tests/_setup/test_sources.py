from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Address, Link, Mailer
from mailfailover._setup.ordering import Failover, Random
from mailfailover._setup.sources import CONFIG_TEMPLATE, from_config, from_env
from mailfailover.errors import ConfigurationError
from mailfailover.providers.console import Console
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.mandrill import Mandrill
from mailfailover.providers.null import Null
from tests.samples import each

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "pl4nted"
MAILGUN = {"MAILGUN_API_KEY": "key", "MAILGUN_DOMAIN": "mg.example"}
MANDRILL = {"MANDRILL_API_KEY": "key"}
NULL = Failover(Link(Null()))


def refusal(environ: dict[str, str]) -> str:
    """
    The text of the error, once it is sure that it shows no secret.
    """
    with pytest.raises(ConfigurationError) as caught:
        from_env(environ)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


def test_dsn_makes_the_chain() -> None:
    """
    One variable is enough; line breaks around it do no harm.
    """
    assert (NULL, {}) == from_env({"MAILFAILOVER_DSN": "\n null://\n"})


def test_dsn_comes_from_a_file(tmp_path: Path) -> None:
    """
    A mounted secret may span lines and end with one.
    """
    path = tmp_path / "dsn"
    path.write_text("\ufefffailover(\n  null://\n  console://\n)\n", "utf-8")

    expected = Failover(Link(Null()), Link(Console()))
    assert (expected, {}) == from_env({"MAILFAILOVER_DSN_FILE": str(path)})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read (FileNotFoundError)"),
        (b"\xff", "cannot be read (UnicodeDecodeError)"),
        (b" \n", "is empty"),
    ],
    ids=["missing", "binary", "empty"],
)
def test_file_that_cannot_be_used(tmp_path: Path, content: bytes | None, problem: str) -> None:
    """
    The error names the variable; its value may be a DSN in the wrong place.
    """
    path = tmp_path / SECRET
    if content is not None:
        path.write_bytes(content)

    expected = f"the file that MAILFAILOVER_DSN_FILE names {problem}"
    assert expected == refusal({"MAILFAILOVER_DSN_FILE": str(path)})


def test_error_in_a_dsn_names_its_variable() -> None:
    """
    Where several variables are set, the error says which one is wrong.
    """
    text = refusal({"MAILFAILOVER_DSN": f"null://{SECRET}@default"})

    assert text.startswith("MAILFAILOVER_DSN: provider 1 of the chain: ")


def test_dsn_and_file_together_are_refused() -> None:
    """
    Neither of two sources wins in silence.
    """
    assert "MAILFAILOVER_DSN and MAILFAILOVER_DSN_FILE are both set: unset one" == refusal(
        {"MAILFAILOVER_DSN": f"smtp://u:{SECRET}@h", "MAILFAILOVER_DSN_FILE": "/nowhere"}
    )


def test_settings_have_a_variable_each() -> None:
    """
    Every plain argument of the mailer can be set; what is empty is not set.
    """
    variables = {
        "DSN": "null://",
        "FROM_EMAIL": "App <app@example.com>",
        "TIMEOUT": "20",
        "ATTEMPT_TIMEOUT": "2.5",
        "ON_UNKNOWN": "raise",
        "ON_SUPPRESSED": "switch",
        "REDIRECT_TO": "team@example.com",
        "ALLOW_RECIPIENTS": "example.com, me@example.org",
        "REDIS": "redis://localhost/3",
        "DSN_FILE": "",
    }

    found = from_env({f"MAILFAILOVER_{name}": value for name, value in variables.items()})

    options = {
        "from_email": Address("app@example.com", "App"),
        "timeout": 20.0,
        "attempt_timeout": 2.5,
        "on_unknown": "raise",
        "on_suppressed": "switch",
        "redirect_to": Address("team@example.com"),
        "allow_recipients": ("example.com", "me@example.org"),
        "health": "redis://localhost/3",
    }
    assert (NULL, options) == found
    Mailer(found[0], **options).close()  # type: ignore[arg-type]  # values of several types


@each(
    ("name", "expected"),
    [
        ("FROM_EMAIL", "an address, such as App <app@example.com>"),
        ("TIMEOUT", "a number of seconds above 0"),
        ("ATTEMPT_TIMEOUT", "a number of seconds above 0"),
        ("ON_UNKNOWN", "one of resend, raise"),
        ("ON_SUPPRESSED", "one of raise, switch"),
        ("REDIS", "a URL of Redis, redis://, rediss:// or unix://"),
    ],
)
def test_setting_that_does_not_fit(name: str, expected: str) -> None:
    """
    The error names the variable and what fits, not what is there.
    """
    environ = {"MAILFAILOVER_DSN": "null://", f"MAILFAILOVER_{name}": SECRET}

    assert f"MAILFAILOVER_{name} must be {expected}" == refusal(environ)


def test_timeout_of_zero_is_refused() -> None:
    """
    No time is no setting.
    """
    environ = {"MAILFAILOVER_DSN": "null://", "MAILFAILOVER_TIMEOUT": "0"}

    assert "MAILFAILOVER_TIMEOUT must be a number of seconds above 0" == refusal(environ)


def test_nothing_configured_says_what_to_set() -> None:
    """
    The first error of a new user tells the way on.
    """
    assert (
        "no provider is configured: set MAILFAILOVER_DSN, for example to "
        "mailgun://API_KEY:DOMAIN@default or to failover(... ...) of several, or to console:// "
        "to print mails while you develop"
    ) == refusal({"MAILFAILOVER_DSN": " ", "MAILFAILOVER_TIMEOUT": "5"})


def mailgun(base_url: str = "") -> Link:
    """
    What the old variables of Mailgun make.
    """
    return Link(Mailgun(api_key="key", domain="mg.example", base_url=base_url))


@each(
    ("environ", "links"),
    [
        (MAILGUN, [mailgun()]),
        (MANDRILL, [Link(Mandrill(api_key="key"))]),
        (MAILGUN | MANDRILL, [mailgun(), Link(Mandrill(api_key="key"))]),
        (MANDRILL | {"MAILGUN_API_URL": "https://unused"}, [Link(Mandrill(api_key="key"))]),
    ],
    ids=["mailgun", "mandrill", "both", "only-one-key"],
)
def test_old_variables_make_a_random_chain(environ: dict[str, str], links: list[Any]) -> None:
    """
    Those who have a key are in it, in an order that is fresh for each mail.
    """
    assert (Random(*links), {}) == from_env(environ)


@each("path", ["", "/", "/v2", "/v3", "/v3/", "/v3.1", "/api/1.0", "/api/1.0/"])
def test_version_is_cut_from_an_old_url(path: str) -> None:
    """
    The providers add the version they speak themselves.
    """
    environ = MAILGUN | {"MAILGUN_API_URL": f"https://api.eu.mailgun.net{path}"}

    assert Random(mailgun("https://api.eu.mailgun.net")) == from_env(environ)[0]


def test_prefix_of_an_old_url_stays() -> None:
    """
    Only the version is cut, not the path of a proxy before it.
    """
    environ = MAILGUN | {"MAILGUN_API_URL": "https://proxy.example/v1/mail/v3"}

    assert Random(mailgun("https://proxy.example/v1/mail")) == from_env(environ)[0]


def test_incomplete_old_variables_are_refused() -> None:
    """
    A key without its domain is a mistake, also where the other provider is complete.
    """
    environ = MANDRILL | {"MAILGUN_API_KEY": SECRET}

    assert "MAILGUN_DOMAIN is not set, and mailgun needs it: set it too" == refusal(environ)


def test_dsn_comes_before_old_variables() -> None:
    """
    Who sets the new variable means it.
    """
    assert (NULL, {}) == from_env(MAILGUN | {"MAILFAILOVER_DSN": "null://"})


def test_template_works_as_it_is(tmp_path: Path) -> None:
    """
    What ``init`` writes can be used at once: mails are printed.
    """
    path = tmp_path / "mailfailover.toml"
    path.write_text(CONFIG_TEMPLATE, "utf-8")

    assert (Failover(Link(Console())), {}) == from_config(path)


def test_template_works_in_full(tmp_path: Path) -> None:
    """
    Every line of it that is commented out is right as well.
    """
    lines = [line.removeprefix("# ") for line in CONFIG_TEMPLATE.splitlines()]
    text = "\n".join(
        line for line in lines if line.startswith("[") or (" = " in line and line[0].islower())
    )
    path = tmp_path / "mailfailover.toml"
    path.write_text(text.replace('"failover(main', '"failover(console main'), "utf-8")

    strategy, options = from_config(
        path, {"MAILGUN_API_KEY": "key", "RELAY_DSN": "smtp://mail.example"}
    )

    assert ["console", "main", "relay"] == [link.key for link in strategy.links()]
    assert [0.0, 0.0, 0.01] == [link.share for link in strategy.links()]
    assert 9 == len(options)
