# SPDX-License-Identifier: Apache-2.0
"""The one layout of a schema file. Words, their order and all comments stay; spaces, line breaks and blank lines are ours.

A declaration that stood on one line stays there if it fits; otherwise each member has a line. Blank lines between
declarations and members are kept, one at most, and a declaration of several lines has one on either side. Remarks behind
members that follow each other are aligned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from shmcomm_gen.tokens import Piece, pieces

_WIDTH = 100
_INDENT = "  "
_FUNCTIONS = ("deg", "rad", "sin", "cos", "tan", "asin", "acos", "atan")
_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
_SEPARATORS = {"enum": ",", "union": ",", "{": ","}


@dataclass
class _Item:
    """A declaration or a member: comments above it, its words (a separator among them), its body, a remark behind it."""

    above: list[Piece] = field(default_factory=list)
    words: list[Piece] = field(default_factory=list)
    body: _Body | None = None
    remark: Piece | None = None

    @property
    def first(self) -> Piece:
        return (*self.above, *self.words)[0]


@dataclass
class _Body:
    """What stands in braces. `remark` is behind the opening one, `below` are comments before the closing one."""

    items: list[_Item]
    below: list[Piece]
    remark: Piece | None
    is_open: bool


@dataclass(frozen=True)
class _Line:
    text: str
    remark: str = ""


def formatted(text: str) -> str:
    """`text`, which parses, as it should look. What it means is the same, and doing it again changes nothing."""
    row = list(pieces(text))
    result = "".join(f"{line}\n" for line in _aligned(_file(_Reader(row).file())))
    assert _content(pieces(result)) == _content(row), "the formatter lost or changed a word"
    return result


def _content(row: Iterator[Piece] | Sequence[Piece]) -> tuple[list[str], list[str]]:
    words: tuple[list[str], list[str]] = ([], [])
    for piece in row:
        words[piece.is_comment].append(piece.text)
    return words


# ---- reading -----------------------------------------------------------------------------------------------------


class _Reader:
    """Groups a row of pieces; it may rely on the grammar, which the text fits."""

    def __init__(self, row: list[Piece]) -> None:
        self._row = row
        self._at = 0

    def file(self) -> _Body:
        return self._items(";", "")

    def _items(self, separator: str, end: str) -> _Body:
        items: list[_Item] = []
        is_open = self._next is not None and self._next.newlines > 0
        remark = self._remark() if end else None
        while True:
            above = self._comments()
            if self._next is None or self._next.text == end:
                return _Body(items, above, remark, is_open or remark is not None)
            items.append(self._item(above, separator, end))

    def _item(self, above: list[Piece], separator: str, end: str) -> _Item:
        """A declaration where `end` is empty, else a member."""
        item = _Item(above)
        depth = 0
        while self._next and not (depth == 0 and self._next.text == end):
            text = self._take(item).text
            if text == "{" and not end:
                item.body = self._body(item, _SEPARATORS.get(item.words[0].text, ";"))
                break
            if text == separator and depth == 0:
                break
            depth += (text in _CLOSING) - (text in _CLOSING.values())
        self._settle_comments(item)
        return item

    def _settle_comments(self, item: _Item) -> None:
        """A comment at the end of the words is behind them, or below, or before a separator, which then comes first."""
        while item.words[-1].is_comment:
            item.words.pop()
            self._at -= 1
        item.remark = self._remark()
        comments = [word.ends_line for word in item.words[-3:-1] if word.is_comment]
        if comments == [True] and item.words[-2].is_comment and item.remark is None:
            item.remark = item.words.pop(-2)

    def _body(self, item: _Item, separator: str) -> _Body:
        body = self._items(separator, "}")
        self._take(item)
        return body

    @property
    def _next(self) -> Piece | None:
        return self._row[self._at] if self._at < len(self._row) else None

    def _take(self, item: _Item) -> Piece:
        item.words.append(self._row[self._at])
        self._at += 1
        return item.words[-1]

    def _comments(self) -> list[Piece]:
        start = self._at
        while self._next and self._next.is_comment:
            self._at += 1
        return self._row[start : self._at]

    def _remark(self) -> Piece | None:
        """A comment that ends the line of what was just read."""
        piece = self._next
        if piece is None or not piece.is_comment or piece.newlines or "\n" in piece.text:
            return None
        after = self._row[self._at + 1] if self._at + 1 < len(self._row) else None
        if not piece.ends_line and after is not None and not after.newlines:
            return None
        self._at += 1
        return piece


# ---- laying out --------------------------------------------------------------------------------------------------


def _file(body: _Body) -> Iterator[_Line]:
    before: list[_Line] = []
    for item in body.items:
        lines = list(_declaration(item))
        is_apart = _is_long(before) or _is_long(lines) or _begins_paragraph(item)
        if before and is_apart:
            yield _Line("")
        yield from lines
        before = lines
    yield from _comments(body.below, "", bool(body.items))


def _is_long(lines: Sequence[_Line]) -> bool:
    return any(line.text.startswith("}") and len(line.text) == 1 for line in lines)


def _begins_paragraph(item: _Item) -> bool:
    return item.first.newlines > 1


def _declaration(item: _Item) -> Iterator[_Line]:
    kind = item.words[0].text
    yield from _above(item, "")
    if item.body is None:
        yield from _broken(_joined(item.words, kind, False), item.remark, "")
        return
    opening = _joined(item.words[:-1], kind, False)
    line = _one_line(opening, item.body, kind)
    if line:
        yield from _broken(line, item.remark, "")
        return
    yield from _broken(opening, item.body.remark, "")
    yield from _members(item.body, kind)
    yield _Line("}", _text(item.remark))


def _one_line(opening: str, body: _Body, kind: str) -> str:
    """The whole declaration on one line, or nothing where it does not belong or fit there."""
    has_comments = body.remark or body.below or any(item.above or item.remark for item in body.items)
    if has_comments or (body.is_open and body.items):
        return ""
    members = " ".join(_joined(item.words, kind, True) for item in body.items)
    line = f"{opening} {members} }}" if members else f"{opening}}}"
    return "" if "\n" in line or len(line) > _WIDTH else line


def _members(body: _Body, kind: str) -> Iterator[_Line]:
    for index, item in enumerate(body.items):
        if index and _begins_paragraph(item):
            yield _Line("")
        yield from _above(item, _INDENT)
        yield from _broken(_joined(item.words, kind, True), item.remark, _INDENT)
    yield from _comments(body.below, _INDENT, bool(body.items))


def _above(item: _Item, indent: str) -> Iterator[_Line]:
    yield from _comments(item.above, indent, False)
    if item.above and item.words[0].newlines > 1:
        yield _Line("")


def _comments(pieces: Sequence[Piece], indent: str, is_behind: bool) -> Iterator[_Line]:
    """Each on lines of its own; a paragraph that it began it begins again, if something `is_behind`, above it."""
    for index, piece in enumerate(pieces):
        if piece.newlines > 1 and (index or is_behind):
            yield _Line("")
        first, *rest = piece.text.split("\n")
        yield _Line(indent + first)
        yield from (_Line(line) for line in rest)


def _broken(text: str, remark: Piece | None, indent: str) -> Iterator[_Line]:
    """A text in which comments may have broken lines; the remark is behind the last."""
    *lines, last = (indent + text).split("\n")
    yield from (_Line(line) for line in lines)
    yield _Line(last, _text(remark))


def _text(remark: Piece | None) -> str:
    return remark.text if remark else ""


def _aligned(lines: Iterator[_Line]) -> Iterator[str]:
    """The texts of the lines, remarks in consecutive ones of one depth below each other."""
    for (has_remark, _), run in groupby(lines, key=lambda line: (bool(line.remark), _depth(line))):
        members = list(run)
        width = max(len(line.text) for line in members)
        yield from (f"{line.text:{width}}  {line.remark}" if has_remark else line.text for line in members)


def _depth(line: _Line) -> int:
    return len(line.text) - len(line.text.lstrip())


# ---- spaces ------------------------------------------------------------------------------------------------------


def _joined(words: Sequence[Piece], kind: str, is_member: bool) -> str:
    """The words with the spaces between them. A `//` among them breaks the line."""
    text = ""
    open_: list[str] = []
    before: Piece | None = None
    of_a_call = next((word for word in words if word.text == "("), None) if kind == "rpc_service" and is_member else None
    for word in words:
        if before is not None and (word is not of_a_call or before.is_comment):
            text += _gap(before, word, open_, kind, is_member)
        text += word.text
        if word.text in _CLOSING and not word.is_comment:
            open_.append(word.text)
        elif open_ and word.text == _CLOSING[open_[-1]]:
            open_.pop()
        before = word
    return text


def _gap(before: Piece, word: Piece, open_: Sequence[str], kind: str, is_member: bool) -> str:
    if before.ends_line:
        return "\n" + 2 * _INDENT
    if before.is_comment or word.is_comment:
        return " "
    if word.text in (";", ",", ")", "]", ">", "<", ".") or before.text in ("(", "[", "<", "."):
        return ""
    if before.text == "{" and word.text == "}":
        return ""
    if word.text == "(":  # Of `deg(1.5)` the bracket must touch its function, and of `= sin (id: 6)` must not.
        return "" if before.text in _FUNCTIONS and word.touches else " "
    if ":" in (before.text, word.text):
        return _gap_at_colon(before, open_, kind, is_member)
    return " "


def _gap_at_colon(before: Piece, open_: Sequence[str], kind: str, is_member: bool) -> str:
    is_behind = before.text == ":"
    if open_:
        return " " if is_behind and open_[-1] != "[" else ""
    if not is_member:
        return " "
    return " " if is_behind and kind in ("channel", "{") else ""
