# SPDX-License-Identifier: Apache-2.0
"""Text to tree: the parser built from schema/grammar.lark, and what to say where a text does not fit it.

A file with several mistakes is parsed again after each with the broken declaration blanked out, so that one run reports
one syntax error for each declaration and goes on to check the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from shmcomm_gen.diagnostics import Sink, closest
from shmcomm_gen.grammar_cache import load_parser
from shmcomm_gen.source import Source, Span

_PACKAGE = Path(__file__).parent
_MAX_SYNTAX_ERRORS = 50

KEYWORDS = (
    "include", "native_include", "namespace", "attribute", "table", "struct", "enum", "union",
    "rpc_service", "root_type", "file_identifier", "file_extension", "channel",
)  # fmt: skip

# Where a top-level declaration begins, as far as a person would say so at a glance.
_DECLARATION = re.compile(rf"^[ \t]*({'|'.join(KEYWORDS)})\s+[\"A-Za-z_]", re.MULTILINE)
# Braces and semicolons; strings and comments, in which they mean nothing, are passed over whole.
_MARK = re.compile(r"""[{};]|//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.DOTALL)
# In what does not parse, a word after a word may have been a declared name, under a misspelt keyword too.
_DECLARED_NAME = re.compile(r"\b[A-Za-z_]\w*\s+([A-Za-z_]\w*)")

# Where the lexer stops at one of these, its other end is missing.
_OPENERS = {"/*": "a comment", '"': "a string", "'": "a string"}

_TERMINAL_NAMES = {
    "IDENT": "a name",
    "STRING": "a string",
    "INTEGER": "a number",
    "FLOAT": "a number",
    "FUNCTION": "a number",
    "SIGNED_WORD": "a number",
    "QUANTITY": "a number with a unit",
    "RECORD": "a declaration",
    "$END": "the end of the file",
}


@dataclass(frozen=True)
class Parsed:
    """The tree of what parsed, the text it came from (broken declarations blanked) and the names lost with those."""

    tree: Tree[Token]
    text: str
    unreadable: frozenset[str]


def grammar_path() -> Path:
    """The grammar beside the package (installed) or in the source tree."""
    candidates = (_PACKAGE / "grammar.lark", _PACKAGE.parent.parent / "schema" / "grammar.lark")
    return next((path for path in candidates if path.is_file()), candidates[-1])


@lru_cache(maxsize=1)
def parser() -> Lark:
    return load_parser(grammar_path().read_text(encoding="utf-8"))


def parse(source: Source, sink: Sink) -> Parsed:
    text = source.text
    unreadable: set[str] = set()
    for _ in range(_MAX_SYNTAX_ERRORS):
        try:
            return Parsed(parser().parse(text), text, frozenset(unreadable))
        except UnexpectedInput as error:
            offset = _offset(error, text)
            start, end = _broken_part(text, offset)
            _report(error, offset, end <= offset < len(text), source, sink)
            unreadable.update(_DECLARED_NAME.findall(text[start:end]))
            text = text[:start] + re.sub(r"\S", " ", text[start:end]) + text[end:]
    return Parsed(parser().parse(""), "", frozenset(_DECLARED_NAME.findall(source.text)))


def _offset(error: UnexpectedInput, text: str) -> int:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text.rstrip())
    return error.pos_in_stream if error.pos_in_stream is not None else len(text)


def _broken_part(text: str, offset: int) -> tuple[int, int]:
    """The stretch to blank: the declaration around `offset`, or the one before where that one was left open."""
    starts = [match.start(1) for match in _DECLARATION.finditer(text)]
    before = [start for start in starts if start <= offset]
    after = [start for start in starts if start > offset]
    limit = after[0] if after else len(text)
    start = before[-1] if before else 0
    end = _end(text, start, limit)
    if end <= offset and end < limit:
        while end <= offset and end < limit:  # Whole declarations, which are not to blame.
            start, end = end, _end(text, end, limit)
        return start, end
    if not before:
        return 0, end
    opening = re.match(r"\w+\s+", text[start:])
    is_open_before = opening is not None and offset <= start + opening.end() and len(before) > 1
    if is_open_before and text[start:offset].strip():
        # `table A { x:int;  table B {`: the parser reads `table` as a field and stumbles at `B`; A is the broken one.
        return before[-2], start
    if is_open_before and not text[before[-2] : start].strip().endswith(("}", ";")):
        return before[-2], start
    return start, end


def _end(text: str, start: int, limit: int) -> int:
    """Where the declaration that begins at `start` is over: behind the brace or semicolon that closes it, or at `limit`."""
    depth = 0
    for match in _MARK.finditer(text, start, limit):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if match.group() in ("}", ";") and depth <= 0:
            return match.end()
    return limit


def _report(error: UnexpectedInput, offset: int, is_left_open: bool, source: Source, sink: Sink) -> None:
    word = _word_at(source.text, offset)
    if word in _OPENERS:
        span = Span(source, offset, offset + len(word))
        sink.error("S001", f"{_OPENERS[word]} is not closed", span)
        return
    span = Span(source, offset, offset + max(1, len(word)))
    if isinstance(error, UnexpectedToken):
        expected = error.accepts or error.expected
    else:
        expected = error.allowed if isinstance(error, UnexpectedCharacters) else set()
    found = f"unexpected '{word}'" if word else "unexpected end of the file"
    hint = _expectation(word, set(expected or ()))
    sink.error("S001", found, span, f"{hint}; is a '}}' missing above?" if is_left_open else hint)


def _word_at(text: str, offset: int) -> str:
    match = re.compile(r"[\w.]+|\"[^\"\n]*\"|/\*|\S").match(text, offset)
    return match.group() if match else ""


def _expectation(word: str, expected: set[str]) -> str:
    if {"INCLUDE", "CHANNEL"} <= expected:
        if word == ";":
            return "drop it: what ends in '}' needs none"
        close = closest(word, KEYWORDS)
        return f"did you mean '{close}'?" if close else "expected a declaration: table, struct, enum, channel, …"
    return "expected " + _join(dict.fromkeys(_describe(name) for name in sorted(expected, key=_rank)))


def _rank(terminal: str) -> tuple[bool, str]:
    return terminal not in _TERMINAL_NAMES, terminal


def _describe(terminal: str) -> str:
    if terminal in _TERMINAL_NAMES:
        return _TERMINAL_NAMES[terminal]
    definition = next((t for t in parser().terminals if t.name == terminal), None)
    return f"'{definition.pattern.value}'" if definition else terminal.lower()


def _join(words: Iterable[str]) -> str:
    listed = list(words)
    return listed[0] if len(listed) == 1 else ", ".join(listed[:-1]) + " or " + listed[-1] if listed else "nothing more"
