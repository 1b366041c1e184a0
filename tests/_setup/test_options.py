from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Union

import pytest

from mailfailover._provider.link import Link
from mailfailover._setup.field_types import kind_of
from mailfailover._setup.options import Fields, Given, build_link, set_up
from mailfailover.errors import ConfigurationError
from mailfailover.plugin import Secrets
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "planted-secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    name: ClassVar[str] = "vendor"
    schemes: ClassVar[dict[str, dict[str, Any]]] = {"vendors": {"secure": True}}

    api_key: str | Callable[[], str] = field(repr=False)
    secure: bool = False
    retries: int | None = None
    folder: Path | None = None
    unnamed: Missing = None  # type: ignore[name-defined]  # noqa: F821 -- only type checkers know it

    def send(self, message: Any) -> None: ...


class Plain:
    name = "plain"

    def __init__(self, host, *more, port: int = 25, **rest) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003 -- as users write
        self.host = host

    def send(self, message: Any) -> None: ...


class Raising:
    name = "raising"

    def __init__(self, error: type[Exception] = ValueError, key: str = "") -> None:
        raise error(f"bad key {key}")

    def send(self, message: Any) -> None: ...


@each(
    ("hint", "given", "expected"),
    [
        (Secrets, "a,b", "a,b"),
        (Secrets, ["a", "b"], ("a", "b")),
        (Secrets, [1], None),
        (Secrets, 1, None),
        (bool, "Yes", True),
        (bool, "0", False),
        (bool, False, False),
        (bool, "maybe", None),
        (bool, 1, None),
        (int, "-7", -7),
        (int, 7, 7),
        (int, True, None),
        (int, "7.5", None),
        (int, "9" * 19, None),
        (float, "2", 2.0),
        (float, "0.25", 0.25),
        (float, 3, 3.0),
        (float, "nan", None),
        (float, float("inf"), None),
        (float, True, None),
        (float, [1], None),
        (str, "text", "text"),
        (str, 5, None),
        (Any, "text", "text"),
        (Path, "a/b", Path("a/b")),
        (Path, "", None),
        (Path, "a\0b", None),
        (int | None, "5", 5),
        (Union[bool, None], "no", False),  # noqa: UP007 -- as older code writes it
        (str | Path, "a", "a"),
        (tuple[str, ...], "a, b,", ("a", "b")),
        (tuple[str, ...], ["a"], ("a",)),
        (tuple[str, ...], 5, None),
        (tuple[int, ...], "1,2", (1, 2)),
        (tuple[int, ...], "1,x", None),
        (tuple, "a", ("a",)),
        (Literal["on", "off"], "on", "on"),
        (Literal["on", "off"], "up", None),
        (Literal[1, 2], "2", 2),
        (dict[str, str], "a", None),
    ],
)
def test_value_is_read_by_its_type(hint: Any, given: Any, expected: Any) -> None:
    """
    Text and plain data become what the annotation names, or nothing.
    """
    found = kind_of(hint).read(given)

    assert (expected, type(expected)) == (found, type(found))


def test_fields_come_from_the_signature() -> None:
    """
    Any class will do, also one without annotations or a dataclass's fields.
    """
    fields = Fields.of(Plain)

    assert {"host": "a text", "port": "a whole number"} == {
        name: kind.expected for name, kind in fields.kinds.items()
    }
    assert ("host",) == fields.required


def test_types_for_checkers_only_do_not_spoil_the_others() -> None:
    """
    A name that does not exist at run time leaves its own field a text, no more.
    """
    kinds = Fields.of(Vendor).kinds

    assert {
        "api_key": "a text",
        "secure": "true or false",
        "retries": "a whole number",
        "folder": "a path",
        "unnamed": "a text",
    } == {name: kind.expected for name, kind in kinds.items()}


def test_scheme_sets_its_own_fields() -> None:
    """
    What a scheme implies is set, beside the options given.
    """
    assert Vendor(api_key="k", secure=True) == set_up(Vendor, "vendors", {"api_key": "k"})


@each(
    ("scheme", "options", "text"),
    [
        (
            "vendors",
            {"api_key": SECRET, "secure": False},
            "secure is set by the name vendors itself: leave it out",
        ),
        (
            "vendor",
            {"api_kye": SECRET},
            (
                "vendor does not know 'api_kye'. Did you mean 'api_key'? "
                "Its options: api_key, folder, retries, secure, unnamed"
            ),
        ),
        ("vendor", {"secure": True}, "vendor lacks api_key: give it as an option"),
    ],
    ids=["preset", "unknown", "missing"],
)
def test_options_that_do_not_fit(scheme: str, options: dict[str, Any], text: str) -> None:
    """
    The error names the option and the remedy.
    """
    with pytest.raises(ConfigurationError) as caught:
        set_up(Vendor, scheme, options)

    assert text == str(caught.value)


@each("error", [TypeError, ValueError, KeyError, RuntimeError])
def test_constructor_error_shows_no_value(error: type[Exception]) -> None:
    """
    A plugin's exception may quote a key, so only its class is told, and nothing hangs on it.
    """
    with pytest.raises(ConfigurationError) as caught:
        set_up(Raising, "raising", {"key": SECRET, "error": error})

    assert f"raising could not be set up with these options: {error.__name__}" == str(caught.value)
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def test_configuration_error_of_a_constructor_is_kept() -> None:
    """
    What a provider itself says of its configuration is the best text there is.
    """
    with pytest.raises(ConfigurationError, match=r"^bad key $"):
        set_up(Raising, "raising", {"error": ConfigurationError})


def test_link_options_come_before_fields_of_the_provider() -> None:
    """
    A link's options, of whatever provider, have one meaning.
    """
    given = [
        Given("api_key", "k", "1"),
        Given("weight", "2", "2"),
        Given("templates.welcome", "d-1", "3"),
        Given("labels", "a,b", "4"),
    ]

    link = build_link(Vendor, "vendor", "eu", given)

    provider: Any = Vendor(api_key="k")
    assert link == Link(provider, "eu", weight=2.0, templates={"welcome": "d-1"}, labels=("a", "b"))
