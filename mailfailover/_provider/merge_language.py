"""
A vendor's own language for merges: how it writes a variable, and what it would misread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover._message.merge import rewrite
from mailfailover._values.face import published_in
from mailfailover._values.frozen import EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# No text of a mail contains NUL, so it can mark our variables meanwhile.
_MARKED = re.compile(r"\0([\w-]+)\0")


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class MergeLanguage:
    r"""
    How a vendor fills in the texts of a merge.

    Attributes:
        variable: A variable as the vendor writes it, ``"{{{%s}}}"``.

        misread:
            A pattern of what the vendor would take for its own in a mail's text. NUL stands
            where a variable of ours begins or ends.

        literals:
            The variable that brings each character of *misread* back, by the character: a
            merge gives them these characters as values.

    .. versionadded:: 0.1.0
    """

    variable: str
    misread: str
    literals: Mapping[str, str] = EMPTY

    def write(self, text: str, name_of: Callable[[str], str] = str, *, html: bool = False) -> str:
        """
        Write a text so that all but its ``{{name}}`` arrives as it stands.

        Args:
            text: The mail's text, without NUL.

            name_of: The vendor's name for the variable of a name.

            html: Whether the variables are the escaped twins, see :func:`rewrite`.
        """
        return self.literal(rewrite(text, lambda name: f"\0{name_of(name)}\0", html=html))

    def literal(self, text: str) -> str:
        """
        Write a text so that all of it arrives as it stands.
        """
        return _MARKED.sub(self._variable, re.sub(self.misread, self._literal, text))

    @property
    def values(self) -> dict[str, str]:
        """
        The variables that bring characters back, with the characters.
        """
        return {name: character for character, name in self.literals.items()}

    def _variable(self, found: re.Match[str]) -> str:
        return self.variable % found[1]

    def _literal(self, found: re.Match[str]) -> str:
        return "".join(f"\0{self.literals[one]}\0" for one in found[0])
