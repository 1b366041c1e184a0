"""
Where a mailer's configuration comes from: the environment, or a TOML file.

The variables are ``MAILFAILOVER_DSN`` (or ``MAILFAILOVER_DSN_FILE``, the path of a file that
holds it), and one for each plain argument of the mailer: ``MAILFAILOVER_FROM_EMAIL``,
``MAILFAILOVER_TIMEOUT`` and so on. What is empty counts as not set. Without a DSN, the
variables that users of Mailgun and Mandrill already have make a chain of these two.
The TOML file is described in :mod:`mailfailover._setup.toml`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mailfailover._provider.link import Link
from mailfailover._setup.config_files import read_file
from mailfailover._setup.dsn import build_chain_spec, parse_dsn
from mailfailover._setup.ordering import Random
from mailfailover._setup.registry import load_provider
from mailfailover._setup.settings import SETTINGS, read_setting
from mailfailover._setup.toml import from_config
from mailfailover._setup.variables import PREFIX, SETTING_VARIABLES, hint
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mailfailover._setup.ordering import Strategy

__all__ = [
    "CONFIG_TEMPLATE",
    "ConfigFile",
    "Configuration",
    "Environment",
    "Source",
    "Spec",
    "from_config",
    "from_env",
]

# The variables of an older interface, and the fields of the provider that they set.
_OLD = {
    "mailgun": {
        "MAILGUN_API_KEY": "api_key",
        "MAILGUN_DOMAIN": "domain",
        "MAILGUN_API_URL": "base_url",
    },
    "mandrill": {
        "MANDRILL_API_KEY": "api_key",
        "MANDRILL_API_URL": "base_url",
    },
}
_VERSION_PATH = re.compile(r"(?:/v[0-9]+(?:\.[0-9]+)*|/api/[0-9]+(?:\.[0-9]+)*)?/*$")
_NOTHING = (
    "no provider is configured: set MAILFAILOVER_DSN, for example to "
    "mailgun://API_KEY:DOMAIN@default or to failover(... ...) of several, or to console:// "
    "to print mails while you develop"
)


class Configuration(NamedTuple):
    """
    The content of a source: the chain, and arguments for :class:`~mailfailover.Mailer`.
    """

    strategy: Strategy
    options: dict[str, Any]


class Source(Protocol):
    """
    Where a configuration is read, and read again when its files change.
    """

    def load(self) -> Configuration:
        """
        Read it.

        Raises:
            ConfigurationError: If it cannot be used.
        """


@dataclass(frozen=True, slots=True)
class Environment:
    """
    The variables of an environment; *options* take precedence over theirs.
    """

    environ: Mapping[str, str] = field(repr=False)
    options: Mapping[str, Any]

    def load(self) -> Configuration:
        strategy, found = from_env(self.environ)
        return Configuration(strategy, found | _settings(self.options))


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """
    A TOML file; *options* take precedence over its own.
    """

    path: str | Path
    options: Mapping[str, Any]

    def load(self) -> Configuration:
        strategy, found = from_config(self.path)
        return Configuration(strategy, found | _settings(self.options))


@dataclass(frozen=True, slots=True)
class Spec:
    """
    A chain given in Python, of which a DSN may name files.
    """

    spec: Any = field(repr=False)
    options: Mapping[str, Any]

    def load(self) -> Configuration:
        return Configuration(build_chain_spec(self.spec), _settings(self.options))


def _settings(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in SETTINGS if name in options}


def from_env(environ: Mapping[str, str]) -> tuple[Strategy, dict[str, Any]]:
    """
    Read the variables in *environ*.

    Returns:
        The chain, and arguments for :class:`~mailfailover.Mailer`.

    Raises:
        ConfigurationError:
            If nothing is configured, or a variable does not fit; it names the variable,
            never its value.
    """
    strategy = _from_dsn(environ) or _from_old(environ)
    if strategy is None:
        raise ConfigurationError(_NOTHING + hint(environ))
    options = {
        name: read_setting(name, text, variable)
        for name, variable in SETTING_VARIABLES.items()
        if (text := _get(environ, variable))
    }
    return strategy, options


def _get(environ: Mapping[str, str], variable: str) -> str:
    return environ.get(variable, "").strip()


def _from_dsn(environ: Mapping[str, str]) -> Strategy | None:
    variable, file = PREFIX + "DSN", PREFIX + "DSN_FILE"
    text, path = _get(environ, variable), _get(environ, file)
    if text and path:
        message = f"{variable} and {file} are both set: unset one"
        raise ConfigurationError(message)
    if path:
        variable, text = file, read_file(path, file)
    return _named(variable, text) if text else None


def _named(variable: str, text: str) -> Strategy:
    try:
        return parse_dsn(text)
    except ConfigurationError as exc:
        problem = f"{variable}: {exc}"
    raise ConfigurationError(problem)


def _from_old(environ: Mapping[str, str]) -> Strategy | None:
    links = list(_old_links(environ))
    return build_chain_spec(Random(*links)) if links else None


def _old_links(environ: Mapping[str, str]) -> Iterator[Link]:
    """
    Yield a link for each provider whose key is set; its URL need not be.
    """
    for scheme, variables in _OLD.items():
        options = {field: _get(environ, name) for name, field in variables.items()}
        if not options["api_key"]:
            continue
        options["base_url"] = _VERSION_PATH.sub("", options["base_url"], count=1)
        for name, option in variables.items():
            if option != "base_url" and not options[option]:
                message = f"{name} is not set, and {scheme} needs it: set it too"
                raise ConfigurationError(message)
        given = {field: value for field, value in options.items() if value}
        yield Link(load_provider(scheme, **given))


CONFIG_TEMPLATE = """\
# How this application sends e-mail. Remove the # of what you need.

[mailer]
# The sender of mails that name none.
# from_email = "My App <app@example.com>"

# Seconds for one send with all its attempts, and for one attempt.
# timeout = 30
# attempt_timeout = 10

# When a provider did not say whether it took the mail: "resend" it, or "raise" an error.
# on_unknown = "resend"

# When a provider knows a recipient as bounced or complained: "raise", or "switch".
# on_suppressed = "raise"

# Seconds by stream within which mails of an outbox should be delivered; where they are not, and
# their provider delivers badly, they go once more through another one.
# deliver_within = { transactional = 120 }

# On a staging system: everything goes to this address, except to those allowed.
# redirect_to = "team@example.com"
# allow_recipients = ["example.com"]

# The store of health that all processes share; without it, each process has its own.
# health = "redis://localhost:6379/0"

# In which order the providers are tried, by key; as they stand here where it is not given.
# Others: random, roundrobin, weighted; they nest, as in failover(random(main second) relay).
# strategy = "failover(main relay)"

# Prints mails instead of sending them. Replace it by real providers.
[providers.console]
scheme = "console"

# [providers.main]
# scheme = "mailgun"
# domain = "mg.example.com"
# Secrets stand here, in a variable (_env) or in a file (_file).
# api_key_env = "MAILGUN_API_KEY"
# The verified sender of this account, where it is not the mail's.
# from_email = "app@mg.example.com"

# [providers.relay]
# dsn_env = "RELAY_DSN"
# The part of all mails that goes here first, so that the standby stays proven.
# share = 0.01
"""
