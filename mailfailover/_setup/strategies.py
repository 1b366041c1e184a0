"""
The strategies as functions, to write a chain in Python as one would in a DSN.

::

    failover(roundrobin("mailgun://KEY:DOMAIN@default", "sendgrid://KEY@default"), SMTP(...))

Strategies nest. How each orders its children is told by the classes in
:mod:`mailfailover._setup.ordering` and :mod:`mailfailover._setup.route`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._setup.dsn import Part, child_of, children_of
from mailfailover._setup.ordering import Failover, Random, RoundRobin, Strategy, Weighted
from mailfailover._setup.route import Choice, Route

if TYPE_CHECKING:
    from collections.abc import Mapping


def failover(*children: Part, **keyed: Part) -> Strategy:
    """
    Try the children in the order given.

    Args:
        children: DSNs, providers, links or strategies.

        keyed: DSNs, providers or links with a key: ``failover(eu="mailgun://...")``.

    Raises:
        ConfigurationError: If one cannot be set up, or two have the same key.

    .. versionadded:: 0.1.0
    """
    return Failover(*children_of(children, keyed))


def random(*children: Part, **keyed: Part) -> Strategy:
    """
    Try the children in a fresh order for each mail; see :func:`failover`.

    .. versionadded:: 0.1.0
    """
    return Random(*children_of(children, keyed))


def roundrobin(*children: Part, **keyed: Part) -> Strategy:
    """
    Begin one child further on with each mail; see :func:`failover`.

    .. versionadded:: 0.1.0
    """
    return RoundRobin(*children_of(children, keyed))


def weighted(*children: Part, **keyed: Part) -> Strategy:
    """
    Try links in a random order that favours heavier weights; see :func:`failover`.

    .. versionadded:: 0.1.0
    """
    return Weighted(*children_of(children, keyed))


def route(
    rules: Mapping[str, Part], default: Part | None = None, *, by: Choice | None = None
) -> Strategy:
    """
    Choose one child by what the mail is; only that child is tried.

    Args:
        rules:
            ``{rule: child}``, the first that fits decides: ``stream:NAME``, ``tag:NAME``
            or ``domain:NAME`` (of every recipient). With *by*, any other name too.

        default: For mails that no rule fits; without it, sending one raises an error.

        by:
            A function of the message that is asked first: it returns a name of *rules*,
            a key or label of links, or None to let the rules decide.

    Raises:
        ConfigurationError: If a rule or child cannot be used.

    .. versionadded:: 0.1.0
    """
    children = {
        rule: child_of(part, number=number) for number, (rule, part) in enumerate(rules.items(), 1)
    }
    last = None if default is None else child_of(default, number=len(rules) + 1)
    return Route(children, last, by)
