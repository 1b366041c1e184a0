"""
The switch of deliveries: whether programs that are configured by the environment heed them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover._sql import schema
from mailfailover.deliveries._delivery_health import DeliveryHealth
from mailfailover.deliveries._tables import PART
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.tracking import Tracking

__all__ = ["VARIABLE", "find_deliveries"]

VARIABLE = "MAILFAILOVER_DELIVERIES"
_WORDS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


def find_deliveries(
    tracking: Tracking, environ: Mapping[str, str], **options: Any
) -> DeliveryHealth | None:
    """
    Return what learns from deliveries beside *tracking*, None where it is switched off.

    MAILFAILOVER_DELIVERIES switches it on, and makes the tables, or off. Where it is not set,
    deliveries are heeded if their tables are there.

    Args:
        tracking: Which mail went where.

        environ: The variables.

        options: More arguments of :class:`DeliveryHealth`.

    Raises:
        ConfigurationError: If the variable has another value, the tables have another version,
            or the database cannot be used.
    """
    text = environ.get(VARIABLE, "").strip().lower()
    wanted = _WORDS.get(text)
    if text and wanted is None:
        message = f"{VARIABLE} must be 1 or 0, not {text!r}"
        raise ConfigurationError(message)
    if not (schema.exists(tracking.engine, PART) if wanted is None else wanted):
        return None
    found = DeliveryHealth(tracking, **options)
    if text:
        found.init()
    found.check_tables()
    return found
