from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover import Address, Link, Mailer
from mailfailover._setup.ordering import Failover, Random, Shares
from mailfailover._setup.route import Route
from mailfailover._setup.settings import read_setting
from mailfailover._setup.sources import from_config
from mailfailover.errors import ConfigurationError
from mailfailover.providers.mailgun import Mailgun
from mailfailover.providers.null import Null
from mailfailover.providers.smtp import SMTP
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mailfailover._setup.ordering import Strategy

    Read = Callable[..., tuple[Strategy, dict[str, Any]]]

SECRET = "pl4nted"
A, B, C = (Link(Null(), key) for key in "abc")
TABLES = "".join(f'[providers.{key}]\nscheme = "null"\n' for key in "abc")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """
    Reads a text as a file named ``mail.toml``.
    """

    def read_text(
        text: str, environ: Mapping[str, str] | None = None
    ) -> tuple[Strategy, dict[str, Any]]:
        (tmp_path / "mail.toml").write_text(text, "utf-8")
        return from_config(tmp_path / "mail.toml", environ or {})

    return read_text


@pytest.fixture
def refusal(read: Read, tmp_path: Path) -> Callable[[str], str]:
    """
    The text of the error after the file's name, once it is sure that it shows no secret.
    """

    def refuse(text: str) -> str:
        with pytest.raises(ConfigurationError) as caught:
            read(text, {"FULL": SECRET, "EMPTY": ""})
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert (None, None) == (caught.value.__cause__, caught.value.__context__)
        return str(caught.value).removeprefix(f"{tmp_path / 'mail.toml'}: ")

    return refuse


def test_whole_file(read: Read, tmp_path: Path) -> None:
    """
    Options of provider and link, secrets from elsewhere, and settings of the mailer.
    """
    (tmp_path / "relay.dsn").write_text("smtp://me:p%40ss@mail.example?tls=implicit\n")
    text = """
        [mailer]
        from_email = "App <app@example.com>"
        timeout = 20
        allow_recipients = ["example.com"]
        strategy = "failover(relay eu)"
        health_env = "REDIS_URL"

        [providers.eu]
        scheme = "mailgun"
        api_key_env = "MAILGUN_KEY"
        domain = "mg.example"
        region = "eu"
        labels = ["fast", "eu"]
        weight = 2
        share = 0.5
        templates = { welcome = "d-1" }

        [providers.relay]
        dsn_file = "relay.dsn"
        port = 2525
    """

    eu = Link(
        Mailgun(api_key="key", domain="mg.example", region="eu"),
        "eu",
        labels=("fast", "eu"),
        weight=2.0,
        share=0.5,
        templates={"welcome": "d-1"},
    )
    relay = SMTP(host="mail.example", username="me", password="p@ss", tls="implicit", port=2525)
    options = {
        "from_email": Address("app@example.com", "App"),
        "timeout": 20.0,
        "allow_recipients": ("example.com",),
        "health": "redis://:pw@cache",
    }
    expected = (Shares(Failover(Link(relay, "relay"), eu)), options)
    environ = {"MAILGUN_KEY": "key\n", "REDIS_URL": "redis://:pw@cache"}
    assert expected == read(text, environ)


def test_mailer_takes_what_was_read(tmp_path: Path) -> None:
    """
    A mailer is made of the file, and its own arguments take precedence.
    """
    (tmp_path / "mail.toml").write_text(f"[mailer]\ntimeout = 5\n{TABLES}")

    with Mailer.from_config(tmp_path / "mail.toml", timeout=6) as mailer:
        assert ("a", "b", "c") == mailer.chain.keys
        assert 6 == mailer.policy.timeout


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("", Failover(A, B, C)),
        ('strategy = "random(c b a)"', Random(C, B, A)),
        ('strategy = "failover(random(a b) c)"', Failover(Random(A, B), C)),
        (
            'strategy = "route(stream:bulk=c failover(a b c))"',
            Route({"stream:bulk": C}, Failover(A, B, C)),
        ),
    ],
    ids=["none", "group", "nested", "route"],
)
def test_strategy_names_keys(read: Read, strategy: str, expected: Strategy) -> None:
    """
    Without one, the tables' order counts; a key may stand in it twice.
    """
    found, _ = read(f"[mailer]\n{strategy}\n{TABLES}")

    # The links are equal, but the strategies hold one object for each key.
    assert repr(expected) == repr(found)
    assert expected.links() == found.links()


def test_single_provider_as_strategy(read: Read) -> None:
    """
    The key of the only provider is a strategy too.
    """
    text = '[mailer]\nstrategy = "a"\n[providers.a]\nscheme = "null"\n'

    assert (Failover(A), {}) == read(text)


def test_secret_of_a_whole_dsn_comes_from_a_variable(read: Read) -> None:
    """
    A DSN can be inline, in a variable or in a file; options beside it add to it.
    """
    text = '[providers.a]\ndsn_env = "A"\nweight = 3\n[providers.b]\ndsn = "null://"\n'

    expected = Failover(Link(SMTP(host="h"), "a", weight=3), B)
    assert (expected, {}) == read(text, {"A": "smtp://h"})


def test_field_that_ends_like_a_source_is_itself(read: Read) -> None:
    """
    ``ca_file`` of SMTP is a path, not the file with a "ca".
    """
    text = '[providers.smtp]\nscheme = "smtps"\nhost = "h"\nca_file = "ca.pem"\n'

    assert (Failover(Link(SMTP(host="h", tls="implicit", ca_file="ca.pem"))), {}) == read(text)


PROVIDER = '[providers.eu]\nscheme = "mailgun"\ndomain = "d"\n'
OPTIONS = (
    "Its options: api_key, base_url, domain, from_email, labels, quota, rate, region, share, "
    "slow, warmup, webhook_signing_key, weight"
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f'[mailer\nkey = "{SECRET}"', "it is not valid TOML (at line 1, column 8)"),
        ("", "it has no provider: add a table, for example [providers.console]"),
        ("mailer = 5", "mailer is not a table"),
        ("[providers]\neu = 5", "eu is not a table"),
        (
            f"[provider.eu]\nx = '{SECRET}'",
            (
                "the file has an unknown key 'provider'. Did you mean 'providers'? "
                "Known: mailer, providers"
            ),
        ),
        (
            f"[mailer]\nfrom_mail = '{SECRET}'",
            (
                "mailer has an unknown key 'from_mail'. Did you mean 'from_email'? "
                "Known: strategy, from_email, timeout, attempt_timeout, on_unknown, "
                "on_suppressed, deliver_within, redirect_to, allow_recipients, health"
            ),
        ),
        (
            f"[mailer]\ntimeout = '{SECRET}'\n{TABLES}",
            "mailer.timeout must be a number of seconds above 0",
        ),
        (
            f"[mailer]\nhealth = '{SECRET}'\n{TABLES}",
            "mailer.health must be a URL of Redis, redis://, rediss:// or unix://",
        ),
        (
            f"[mailer]\nhealth = '{SECRET}'\nhealth_env = 'FULL'\n{TABLES}",
            "mailer.health is given twice: keep one",
        ),
        (
            f"[mailer]\nstrategy = 5\n{TABLES}",
            "mailer.strategy must be a text, such as failover(...)",
        ),
        (
            f"[mailer]\nstrategy = 'failover(a b {SECRET})'\n{TABLES}",
            "mailer.strategy: its provider 3 is not the key of one. The keys are: a, b, c",
        ),
        (
            f"[mailer]\nstrategy = 'failover(a x=b)'\n{TABLES}",
            (
                "mailer.strategy: its provider 2 is not the key of one. Did you mean 'b'? "
                "The keys are: a, b, c"
            ),
        ),
        (
            f"[mailer]\nstrategy = 'failover(a c)'\n{TABLES}",
            "mailer.strategy: it leaves out 'b': name it, or remove its table",
        ),
        (
            f"{PROVIDER}dsn = 'mailgun://{SECRET}@default'",
            "providers.eu: it needs one of scheme, dsn, dsn_env, dsn_file",
        ),
        (
            f"[providers.eu]\napi_key = '{SECRET}'",
            "providers.eu: it needs one of scheme, dsn, dsn_env, dsn_file",
        ),
        ("[providers.eu]\nscheme = 5", "providers.eu: scheme must be a text"),
        (
            f"{PROVIDER}api_kee = '{SECRET}'",
            f"providers.eu: mailgun does not know 'api_kee'. Did you mean 'api_key'? {OPTIONS}",
        ),
        (
            f"{PROVIDER}api_kee_env = '{SECRET}'",
            f"providers.eu: mailgun does not know 'api_kee_env'. Did you mean 'api_key'? {OPTIONS}",
        ),
        (
            f"{PROVIDER}api_key = '{SECRET}'\napi_key_env = 'FULL'",
            "providers.eu: api_key is given twice: keep one",
        ),
        (
            f"{PROVIDER}api_key_env = '{SECRET}'",
            "providers.eu: api_key_env names a variable of the environment that is not set",
        ),
        (
            f"{PROVIDER}api_key_env = 'EMPTY'",
            "providers.eu: api_key_env names a variable of the environment that is not set",
        ),
        (
            f"{PROVIDER}api_key_env = 5",
            "providers.eu: api_key_env must be the name of a variable",
        ),
        (f"{PROVIDER}api_key_file = ''", "providers.eu: api_key_file must be the name of a file"),
        (
            f"{PROVIDER}api_key_file = '{SECRET}'",
            "providers.eu: the file that api_key_file names cannot be read (FileNotFoundError)",
        ),
        (f"{PROVIDER}api_key = 5", "providers.eu: api_key must be a text"),
        (PROVIDER, "providers.eu: mailgun lacks api_key: set it, or add _env or _file to its name"),
        (
            f"[providers.eu]\ndsn = '{SECRET}'",
            "providers.eu: it is not of the form scheme://credentials@host?option=value",
        ),
        (
            f"[providers.eu]\ndsn = 'smtp://u:{SECRET}@h'\nusername = 'x'",
            "providers.eu: dsn: username is given twice: keep one",
        ),
        (
            f"{PROVIDER}api_key = '{SECRET}'\ntemplates = {{ a = 5 }}",
            "providers.eu: templates.a must be a text",
        ),
        (
            f"{PROVIDER}templates = 'a'",
            "providers.eu: templates must be a table, such as { welcome = 'id' }",
        ),
    ],
)
def test_file_that_does_not_fit(refusal: Callable[[str], str], text: str, problem: str) -> None:
    """
    The error names file and key, the nearest known name, and never a value.
    """
    assert problem == refusal(text)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "FileNotFoundError"), (b"\xff", "UnicodeDecodeError")],
    ids=["missing", "binary"],
)
def test_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, problem: str) -> None:
    """
    A file that is not there, or is no text, is a mistake of the user, without a traceback.
    """
    path = tmp_path / "mail.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError) as caught:
        from_config(path)

    assert f"{path}: it cannot be read ({problem})" == str(caught.value)


def test_seconds_by_stream_are_a_table(read: Read) -> None:
    """
    In a variable of the environment they are a text.
    """
    _, options = read("[mailer]\ndeliver_within = { transactional = 120 }\n" + TABLES)

    assert {"transactional": 120.0} == options["deliver_within"]
    assert {"a": 1.0, "b": 2.5} == read_setting("deliver_within", "a=1, b=2.5", "it")


@each("value", ["", "a", "a=0", "a=x", "=1", {"a": 0}, {"": 1}, 5, ["a"]])
def test_other_seconds_by_stream_are_refused(value: Any) -> None:
    """
    The error shows the form.
    """
    with pytest.raises(ConfigurationError, match="such as transactional=120"):
        read_setting("deliver_within", value, "it")
