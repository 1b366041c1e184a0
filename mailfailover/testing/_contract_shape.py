"""
Claims about a provider itself: what it is called, what it declares, what it holds.
"""

from __future__ import annotations

import dataclasses
import pickle
import re
from typing import Any

import pytest

from mailfailover._provider.capabilities import Capabilities
from mailfailover._provider.provider_check import secret_texts
from mailfailover._values.features import NO_FEATURES, Feature
from mailfailover.testing._claim import claim

__all__ = [
    "check_capabilities",
    "check_fields",
    "check_frozen",
    "check_methods",
    "check_name",
    "check_pickles",
    "check_repr",
    "secrets_of",
]

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_MIN_SECRET = 8

# A feature that says nothing without another one.
_PART_OF = {
    Feature.MULTIPLE_REPLY_TO: Feature.REPLY_TO,
    Feature.REPEATED_HEADERS: Feature.HEADERS,
    Feature.TEMPLATE_OVERRIDE: Feature.TEMPLATES,
    Feature.MERGE_METADATA: Feature.MERGE | Feature.METADATA,
    Feature.MERGE_HEADERS: Feature.MERGE | Feature.HEADERS,
    Feature.MERGE_UNEVEN_HEADERS: Feature.MERGE_HEADERS,
}
_TOGETHER = (("build_batch", "parse_batch"), ("verify_webhook", "parse_webhook"))


def secrets_of(provider: Any) -> tuple[str, ...]:
    """
    The fields of *provider* that its repr leaves out, as far as they are text.
    """
    if not dataclasses.is_dataclass(provider):
        return ()
    secrets = tuple(text for _, text in secret_texts(provider) if text)
    for secret in secrets:
        claim(
            len(secret) >= _MIN_SECRET,
            f"give the contract secrets of {_MIN_SECRET} characters or more: a shorter one "
            "is found where it is not",
        )
    return secrets


def check_name(provider: Any) -> None:
    """
    The name is the scheme of a URL.
    """
    name = getattr(provider, "name", None)
    claim(
        isinstance(name, str) and _SCHEME.fullmatch(name),
        f"name is {name!r}: it must be a URL's scheme, lower-case letters, digits, '+', '.', '-'",
    )


def check_capabilities(provider: Any) -> None:
    """
    The capabilities are consistent, and agree with the methods.
    """
    capabilities = getattr(provider, "capabilities", None)
    if not isinstance(capabilities, Capabilities):
        is_simple = capabilities is None and not hasattr(provider, "build_request")
        claim(is_simple, "capabilities must be an object of Capabilities")
        return
    for feature, whole in _PART_OF.items():
        claim(
            feature not in capabilities.features or whole in capabilities.features,
            f"{feature.name} is declared without {'|'.join(whole.names)}",
        )
    for field in dataclasses.fields(capabilities):
        limit = getattr(capabilities, field.name)
        claim(
            field.name in ("features", "max_copies") or limit is None or limit > 0,
            f"{field.name} is {limit}: leave the feature undeclared instead",
        )


def check_methods(provider: Any) -> None:
    """
    Optional methods come in pairs, and a merge is declared by those who have one.
    """
    for one, other in _TOGETHER:
        claim(
            hasattr(provider, one) == hasattr(provider, other),
            f"{one} and {other} need each other",
        )
    if hasattr(provider, "build_request"):
        features = getattr(getattr(provider, "capabilities", None), "features", NO_FEATURES)
        claim(
            (Feature.MERGE in features) == hasattr(provider, "build_batch"),
            "MERGE must be declared if there is a build_batch, and only then",
        )


def check_fields(provider: Any) -> None:
    """
    A DSN sets existing fields.
    """
    names = {f.name for f in dataclasses.fields(provider)} if _is_dataclass(provider) else set()
    path = getattr(provider, "dsn_path", "")
    for name in (*getattr(provider, "userinfo", ()), *((path,) if path else ())):
        claim(name in names, f"userinfo or dsn_path names {name!r}, which is no field")


def check_frozen(provider: Any) -> None:
    """
    A provider cannot be changed, and can be the key of a dict.
    """
    if not _is_dataclass(provider):
        return
    claim(
        type(provider).__dataclass_params__.frozen,
        "make it a frozen dataclass: threads and attempts share it",
    )
    try:
        hash(provider)
    except TypeError as exc:
        pytest.fail(f"it has no hash ({exc}): make its collections tuples")


def check_repr(provider: Any) -> None:
    """
    Its repr keeps its secrets.
    """
    for secret in secrets_of(provider):
        claim(secret not in repr(provider), "repr shows a secret: give it field(repr=False)")


def check_pickles(provider: Any) -> None:
    """
    A provider survives pickling, for processes of a pool and tasks of a queue.
    """
    try:
        copy = pickle.loads(pickle.dumps(provider))  # noqa: S301 -- made on this line
    except (TypeError, AttributeError, pickle.PicklingError) as exc:
        pytest.fail(f"it does not pickle: {exc}")
    same = not _is_dataclass(provider) or repr(copy) == repr(provider)
    claim(same, "what comes out of a pickle is another provider")


def _is_dataclass(provider: Any) -> bool:
    return dataclasses.is_dataclass(provider)
