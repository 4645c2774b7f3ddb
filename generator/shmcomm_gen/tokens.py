# SPDX-License-Identifier: Apache-2.0
"""A text as a row of tokens and comments, none left out: what the formatter lays out anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from shmcomm_gen.grammar import parser

# In this order: a number before the name it might end in, and a comment before all.
_TERMINALS = ("COMMENT", "STRING", "FLOAT", "INTEGER", "QUANTITY", "SIGNED_WORD", "IDENT")


@dataclass(frozen=True)
class Piece:
    """A token or a comment. `newlines` stand between it and the one before; none and no space: it `touches` that one."""

    text: str
    is_comment: bool
    newlines: int
    touches: bool

    @property
    def ends_line(self) -> bool:
        """Whatever follows stands on the next line."""
        return self.text.startswith("//")


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    patterns = {terminal.name: terminal.pattern.to_regexp() for terminal in parser().terminals}
    return re.compile("|".join([*(f"(?P<{name}>{patterns[name]})" for name in _TERMINALS), r"(?P<MARK>\S)"]))


def pieces(text: str) -> Iterator[Piece]:
    """All of `text`, which parses."""
    end = 0
    for match in _pattern().finditer(text):
        gap = text[end : match.start()]
        yield Piece(_clean(match), match.lastgroup == "COMMENT", gap.count("\n"), not gap)
        end = match.end()


def _clean(match: re.Match[str]) -> str:
    """Documentation is data, so only other comments lose what nobody sees at the ends of their lines."""
    text = match.group().replace("\r\n", "\n").rstrip("\r")
    if match.lastgroup != "COMMENT" or text.startswith("///"):
        return text
    return "\n".join(line.rstrip() for line in text.split("\n"))
