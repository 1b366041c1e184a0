"""
Named options turned into a provider and its link.

The options are read from the provider's own signature, and how a text becomes a value
from the annotation there. No error quotes a value: it may be a secret.
"""

from __future__ import annotations

import difflib
import inspect
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_type_hints

from mailfailover._message.address import Address
from mailfailover._provider.link import Link
from mailfailover._setup.config_files import read_file
from mailfailover._setup.field_types import NUMBER, TEXT, Kind, kind_of, list_of
from mailfailover.errors import ConfigurationError, InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def _address(value: Any) -> Address | None:
    try:
        return Address.parse(value) if isinstance(value, str) else None
    except InvalidMessage:
        return None


ADDRESS = Kind(_address, "an address, such as App <app@example.com>")
LINK_OPTIONS: Mapping[str, Kind] = {
    "from_email": ADDRESS,
    "labels": list_of(TEXT),
    "weight": NUMBER,
    "share": NUMBER,
    "rate": TEXT,
    "quota": TEXT,
    "slow": NUMBER,
    "warmup": TEXT,
}
TEMPLATES = "templates."
"""The prefix of a template's option, as in ``templates.welcome=id``."""


@dataclass(frozen=True, slots=True)
class Fields:
    """
    The options of a provider class.

    Attributes:
        kinds: How each of its fields is read.

        required: The options without a default.
    """

    kinds: Mapping[str, Kind]
    required: tuple[str, ...]

    @classmethod
    def of(cls, provider: type) -> Fields:
        """
        Read them from the signature of *provider*.
        """
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        found = [
            one for one in inspect.signature(provider).parameters.values() if one.kind in named
        ]
        return cls(
            {one.name: kind_of(_hint(one.annotation, provider)) for one in found},
            tuple(one.name for one in found if one.default is inspect.Parameter.empty),
        )


def _hint(annotation: Any, provider: type) -> Any:
    # One by one: a name that exists for type checkers only must not spoil the other fields.
    holder = SimpleNamespace(__annotations__={"one": annotation})
    try:
        return get_type_hints(holder, vars(sys.modules[provider.__module__]))["one"]
    except (NameError, AttributeError, SyntaxError, TypeError):
        return str


@dataclass(frozen=True, slots=True, repr=False)
class Given:
    """
    One option as it was given.

    Attributes:
        name: Its name.

        value: Its value, text or plain data.

        label:
            How an error calls it as long as its name is not known to be one: in a DSN the
            name may be a piece of a secret.
    """

    name: str
    value: Any
    label: str


def build_link(
    provider: type, scheme: str, key: str, given: Iterable[Given], remedy: str = ""
) -> Link:
    """
    Make a provider and its link of options as they were *given*.

    The options of the link have the same names everywhere, so they come before fields of
    the provider. *remedy* says how to give what is missing.

    Raises:
        ConfigurationError: If an option is unknown, given twice, of the wrong type or missing.
    """
    values = _read(given, scheme, {**Fields.of(provider).kinds, **LINK_OPTIONS})
    templates = {name: values.pop(name) for name in list(values) if name.startswith(TEMPLATES)}
    of_link = {name: values.pop(name) for name in LINK_OPTIONS if name in values}
    return Link(
        set_up(provider, scheme, values, remedy),
        key,
        templates={name.removeprefix(TEMPLATES): id_ for name, id_ in templates.items()},
        **of_link,
    )


def _read(given: Iterable[Given], scheme: str, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for one in (_from_file(one, kinds) for one in given):
        kind = TEXT if one.name.startswith(TEMPLATES) else kinds.get(one.name)
        if kind is None:
            raise ConfigurationError(_unknown(one.name, one.label, scheme, kinds))
        called = one.name if one.name in kinds else one.label
        if one.name in values:
            message = f"{called} is given twice: keep one"
            raise ConfigurationError(message)
        values[one.name] = kind.read(one.value)
        if values[one.name] is None:
            message = f"{called} must be {kind.expected}"
            raise ConfigurationError(message)
    return values


def _from_file(one: Given, kinds: Mapping[str, Kind]) -> Given:
    """
    Return the content of the file that an option such as ``api_key_file`` names.
    """
    name = one.name.removesuffix("_file")
    if one.name in kinds or name not in kinds or not isinstance(one.value, str):
        return one
    return Given(name, read_file(one.value, one.name), one.name)


def _unknown(name: str, label: str, scheme: str, known: Iterable[str]) -> str:
    return (
        f"{scheme} does not know {label}.{did_you_mean(name, known)} "
        f"Its options: {', '.join(sorted(known))}"
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """
    Return ``" Did you mean 'x'?"`` with the name of *known* nearest to *name*, "" for none.
    """
    found = difflib.get_close_matches(name.lower(), list(known), n=1)
    return f" Did you mean {found[0]!r}?" if found else ""


def set_up(provider: type, scheme: str, options: Mapping[str, Any], remedy: str = "") -> Any:
    """
    Make a provider of *options*, which have the right types, and of what *scheme* implies.

    Args:
        provider: The class. Its ``schemes`` says what a scheme sets by itself.

        scheme: The name it was asked for by.

        options: Values of its fields.

        remedy: How to give what is missing, for the text of the error.

    Raises:
        ConfigurationError: If *options* do not fit, or the class does not take them.
    """
    preset = presets(provider, scheme)
    if twice := sorted(preset.keys() & options.keys()):
        message = f"{twice[0]} is set by the name {scheme} itself: leave it out"
        raise ConfigurationError(message)
    fields = Fields.of(provider)
    if unknown := sorted(options.keys() - fields.kinds.keys()):
        text = _unknown(unknown[0], repr(unknown[0]), scheme, fields.kinds)
        raise ConfigurationError(text)
    values = {**preset, **options}
    if missing := [name for name in fields.required if name not in values]:
        message = f"{scheme} lacks {' and '.join(missing)}: {remedy or 'give it as an option'}"
        raise ConfigurationError(message)
    return _make(provider, scheme, values)


def presets(provider: type, scheme: str) -> Mapping[str, Any]:
    """
    Return what the name *scheme* sets by itself, as ``smtps`` sets the kind of TLS.
    """
    found: Mapping[str, Any] = getattr(provider, "schemes", {}).get(scheme, {})
    return found


def _make(provider: type, scheme: str, values: Mapping[str, Any]) -> Any:
    try:
        return provider(**values)
    except ConfigurationError as exc:
        problem = str(exc)
    except Exception as exc:  # noqa: BLE001 -- a plugin's constructor may raise anything
        # Its text may quote a key, so only its class is told.
        problem = f"{scheme} could not be set up with these options: {type(exc).__name__}"
    # Outside of the handler, so that the original does not hang on it.
    raise ConfigurationError(problem)
