"""
The capabilities of a provider: what it can express, and its limits.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailfailover._values.face import published_in
from mailfailover._values.features import NO_FEATURES, Feature
from mailfailover.errors import ConfigurationError


@published_in("mailfailover")
@dataclass(frozen=True, slots=True, init=False)
class Capabilities:
    """
    The features and limits of a provider; None is no limit.

    Attributes:
        features: The features beyond a basic mail.

        max_tags: How many tags one mail may have.

        max_metadata: How many metadata keys one mail may have.

        max_metadata_bytes: How large a mail's metadata may be, as JSON in ASCII.

        max_recipients: How many addresses one call may name, all of to, cc and bcc.

        max_copies: How many addresses cc and bcc may name together; 0 for To alone.

        max_merge: How many recipients one merge call may have.

        max_bytes: How large the whole mail may be, encoded, in bytes.

        max_delay: How far ahead *send_at* may lie, in seconds.
    """

    features: Feature
    max_tags: int | None
    max_metadata: int | None
    max_metadata_bytes: int | None
    max_recipients: int | None
    max_copies: int | None
    max_merge: int | None
    max_bytes: int | None
    max_delay: float | None

    def __init__(
        self,
        features: Feature = NO_FEATURES,
        *,
        max_tags: int | None = None,
        max_metadata: int | None = None,
        max_metadata_bytes: int | None = None,
        max_recipients: int | None = None,
        max_copies: int | None = None,
        max_merge: int | None = None,
        max_bytes: int | None = None,
        max_delay: float | None = None,
    ) -> None:
        set_ = object.__setattr__
        set_(self, "features", features)
        set_(self, "max_tags", max_tags)
        set_(self, "max_metadata", max_metadata)
        set_(self, "max_metadata_bytes", max_metadata_bytes)
        set_(self, "max_recipients", max_recipients)
        set_(self, "max_copies", max_copies)
        set_(self, "max_merge", max_merge)
        set_(self, "max_bytes", max_bytes)
        set_(self, "max_delay", max_delay)


EVERYTHING = Capabilities(~NO_FEATURES)

UNDECLARED = Capabilities(Feature.HTML, max_copies=0)
"""What a provider without ``capabilities`` gets: text and HTML to the addresses of To."""


def capabilities_of(provider: object) -> Capabilities:
    """
    Return what *provider* declares, and :data:`UNDECLARED` where it declares nothing.

    Raises:
        ConfigurationError: If its ``capabilities`` are something else.
    """
    declared = getattr(provider, "capabilities", None)
    if declared is None:
        return UNDECLARED
    if not isinstance(declared, Capabilities):
        message = (
            f"capabilities of {type(provider).__name__} must be Capabilities(...), "
            f"not {type(declared).__name__}"
        )
        raise ConfigurationError(message)
    return declared
