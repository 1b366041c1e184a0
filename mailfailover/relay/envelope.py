"""
The envelope of a mail: who sends it, who gets it, and what is to be reported (RFC 3461).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiosmtpd.smtp import Envelope as PlainEnvelope

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Envelope", "Wishes", "take_parameters"]

_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
# The path ends at its bracket: the value of a parameter may have brackets too, as AUTH=<> has.
_PATH = re.compile(r'[A-Za-z]+:\s*<((?:[^<>"]|"(?:[^"\\]|\\.)*")*)>')
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_NOTIFY = frozenset({"NEVER", "SUCCESS", "FAILURE", "DELAY"})
_MAX_ENVID = 100


@dataclass(frozen=True, slots=True)
class Wishes:
    """
    The reports that the client wants about a mail.

    Attributes:
        returns: ``"FULL"`` or ``"HDRS"``: how much of the mail a report holds.

        envid: The client's own name of the transaction, in xtext.

        notify: By recipient, of what to report; where there is nothing, of failures.

        original: By recipient, the address before it was forwarded, in xtext.
    """

    returns: str = ""
    envid: str = ""
    notify: Mapping[str, str] = field(default_factory=dict)
    original: Mapping[str, str] = field(default_factory=dict)


class Envelope(PlainEnvelope):
    """
    An envelope of aiosmtpd with the parameters of DSN.

    Attributes:
        is_bounce: Whether its recipients are bounce addresses of ours.
    """

    def __init__(self) -> None:
        super().__init__()
        self.returns = ""
        self.envid = ""
        self.notify: dict[str, str] = {}
        self.original: dict[str, str] = {}
        self.is_bounce = False

    @property
    def wishes(self) -> Wishes:
        """
        The reports that the client wants.
        """
        return Wishes(self.returns, self.envid, dict(self.notify), dict(self.original))


def take_parameters(arg: str, *names: str) -> tuple[str, dict[str, str]]:
    """
    Take the parameters *names* out of the argument of MAIL or RCPT.

    Raises:
        ValueError: If one of them is wrong; the text is the reply.
    """
    path = _PATH.match(arg)
    if path is None:
        return arg, {}  # aiosmtpd says what is wrong.
    if re.search(r"\s", _QUOTED.sub("", path[1])):
        raise ValueError("553 5.1.3 An address has a space in it")  # aiosmtpd would guess
    found: dict[str, str] = {}
    left = []
    for word in arg[path.end() :].split():
        name, _, value = word.partition("=")
        if name.upper() not in names:
            left.append(word)
        elif name.upper() in found:
            raise ValueError(f"501 5.5.4 {name.upper()} stands there twice")
        else:
            found[name.upper()] = _checked(name.upper(), value)
    return " ".join([path[0], *left]), found


def _checked(name: str, value: str) -> str:
    if name == "RET" and value.upper() in ("FULL", "HDRS"):
        return value.upper()
    if name == "ENVID" and value and len(value) <= _MAX_ENVID and _XTEXT.fullmatch(value):
        return value
    if name == "AUTH" and (value == "<>" or (value and _XTEXT.fullmatch(value))):
        return value
    if name == "NOTIFY" and _is_notify(value.upper().split(",")):
        return value.upper()
    kind, semicolon, address = value.partition(";")
    if name == "ORCPT" and kind and semicolon and _XTEXT.fullmatch(address):
        return value
    raise ValueError(f"501 5.5.4 The value of {name} is wrong")


def _is_notify(words: list[str]) -> bool:
    alone = "NEVER" not in words or len(words) == 1
    return alone and _NOTIFY.issuperset(words)
