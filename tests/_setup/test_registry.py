from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mailfailover import load_provider
from mailfailover._setup.registry import find, installed, scan
from mailfailover.errors import ConfigurationError
from mailfailover.providers.null import Null
from mailfailover.providers.smtp import SMTP
from tests.installing import write_distribution

if TYPE_CHECKING:
    from pathlib import Path

    from mailfailover._setup.claims import Registry

GROUP = "[mailfailover.providers]\n"
OWN = f"{GROUP}null = mailfailover.providers.null:Null\n"


def refusal(registry: Registry, name: str) -> str:
    """
    The text of the error that naming *name* raises.
    """
    with pytest.raises(ConfigurationError) as caught:
        registry.find(name)
    return str(caught.value)


def test_built_ins_are_entry_points_of_this_distribution() -> None:
    """
    Every built-in provider is registered, belongs to this library, and works.
    """
    builtin = {one.scheme: one.broken for one in installed() if one.builtin}

    assert dict.fromkeys(builtin, "") == builtin
    assert {"mailgun", "mandrill", "null", "sendgrid", "smtp", "smtps"} <= builtin.keys()


def test_unknown_provider_names_the_known() -> None:
    """
    The error for an unknown name says what there is, and what is probably missing.
    """
    registry = scan(path=[])

    assert (
        "provider 'acme' is unknown, and so are the built-in ones: mailfailover itself is not "
        "installed. In its source tree, run pip install -e ."
    ) == refusal(registry, "acme")


def test_unknown_provider_is_close_to_a_known_one(tmp_path: Path) -> None:
    """
    A typing mistake is answered with the name that was meant.
    """
    write_distribution(tmp_path, "mailfailover", OWN)
    registry = scan(path=[str(tmp_path)])

    assert (
        "provider 'nul' is unknown; known: null. Did you mean 'null'? Is its package installed?"
    ) == refusal(registry, "nul")


def test_empty_name_is_unknown(tmp_path: Path) -> None:
    """
    A registration that cannot be read is not found by an empty name.
    """
    write_distribution(tmp_path, "mailfailover", OWN)
    write_distribution(tmp_path, "foreign", f"{GROUP}nonsense\n")
    registry = scan(path=[str(tmp_path)])

    assert refusal(registry, "").startswith("provider '' is unknown; known: null.")


def test_unknown_distribution_is_not_shown(tmp_path: Path) -> None:
    """
    What stands before the scheme may be a secret in the wrong place, so no error repeats it.
    """
    write_distribution(tmp_path, "mailfailover", OWN)
    registry = scan(path=[str(tmp_path)])

    assert "planted-secret" not in refusal(registry, "planted-secret:null")


def test_shadowed_distribution_is_no_rival(tmp_path: Path) -> None:
    """
    Of one distribution found twice on the path, the first counts, as it does for imports.
    """
    for folder, module in (("a", "first"), ("b", "second")):
        write_distribution(tmp_path / folder, "thing", f"{GROUP}thing = {module}:Thing\n")
    registry = scan(path=[str(tmp_path / "a"), str(tmp_path / "b")])

    assert ["first:Thing"] == [one.value for one in registry.installed()]


def test_older_registration_below_a_newer_version_is_gone(tmp_path: Path) -> None:
    """
    A first version that registers nothing hides a later one on the path that does.
    """
    write_distribution(tmp_path / "a", "thing")
    write_distribution(tmp_path / "b", "thing", f"{GROUP}thing = second:Thing\n")
    registry = scan(path=[str(tmp_path / "a"), str(tmp_path / "b")])

    assert () == registry.installed()


def test_unreadable_distributions_are_passed_by(tmp_path: Path) -> None:
    """
    Neither bytes that are no text nor a package without metadata get in the way.
    """
    write_distribution(tmp_path, "mailfailover", OWN)
    write_distribution(tmp_path, "nameless", f"{GROUP}thing = thing:Thing\n")
    (tmp_path / "nameless-1.0.dist-info" / "METADATA").unlink()
    write_distribution(tmp_path, "binary")
    (tmp_path / "binary-1.0.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe\x00")
    registry = scan(path=[str(tmp_path)])

    assert ["null"] == [one.scheme for one in registry.installed()]


def test_broken_provider_is_imported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A plugin that failed to import is not run again each time it is named.
    """
    count = "import os; os.mkdir(os.environ['COUNTED']); raise ImportError('broken')"
    write_distribution(tmp_path, "thing", f"{GROUP}thing = counted:Thing\n", {"counted": count})
    monkeypatch.setenv("COUNTED", str(tmp_path / "counted"))
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = scan(path=[str(tmp_path)])

    texts = {refusal(registry, "thing"), refusal(registry, "thing")}

    # A second run of it would say that the directory exists.
    text = "provider 'thing' of thing cannot be used: importing it raised ImportError: broken"
    assert {text} == texts


def test_interrupt_while_importing_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Ctrl-C is no fault of a plugin.
    """
    code = {"interrupted": "raise KeyboardInterrupt"}
    write_distribution(tmp_path, "thing", f"{GROUP}thing = interrupted:Thing\n", code)
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(KeyboardInterrupt):
        scan(path=[str(tmp_path)]).find("thing")


def test_find_is_the_installed_class() -> None:
    """
    A built-in is found by its scheme, and by its scheme with this distribution.
    """
    assert [Null, Null] == [find("null"), find("mailfailover:null")]


def test_load_provider_sets_fields() -> None:
    """
    Options are the fields of the provider, with their own types.
    """
    assert SMTP(host="mail.example", port=2525) == load_provider(
        "smtp", host="mail.example", port=2525
    )


def test_load_provider_knows_what_a_scheme_means() -> None:
    """
    ``smtps`` is SMTP with TLS from the first byte.
    """
    expected = SMTP(host="mail.example", tls="implicit")

    assert expected == load_provider("mailfailover:smtps", host="mail.example")


def test_importing_the_registry_reads_no_metadata() -> None:
    """
    The backport of importlib.metadata is imported at the first look-up only.
    """
    code = "import sys, mailfailover._setup.registry; print('importlib_metadata' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert "False\n" == done.stdout


def test_indexing_many_distributions_reads_each_once(tmp_path: Path) -> None:
    """
    With 150 packages installed, what has no provider is never parsed.
    """
    for number in range(150):
        write_distribution(tmp_path, f"package-{number}", "[console_scripts]\nx = y\nbroken\n")
    write_distribution(tmp_path, "mailfailover", OWN)

    assert ["null"] == [one.scheme for one in scan(path=[str(tmp_path)]).installed()]
