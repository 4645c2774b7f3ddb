# SPDX-License-Identifier: Apache-2.0
"""`///` blocks and whom they document.

To the parser they are comments. A block belongs to the name or word that follows it, as flatc has it; the text keeps the
space after the slashes, so that binary schemas equal flatc's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from shmcomm_gen.diagnostics import Sink
from shmcomm_gen.source import Source, Span

_PIECE = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | ///(?P<doc>[^\n]*)
      | (?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<line>\n)
      | (?P<word>[^\s"'/]+|\S)""",
    re.VERBOSE | re.DOTALL,
)


def doc_comments(source: Source, text: str, sink: Sink) -> Mapping[int, tuple[str, ...]]:
    """Documentation by the offset of the token it stands before. `text` is the source, perhaps partly blanked."""
    documented: dict[int, tuple[str, ...]] = {}
    block: list[str] = []
    has_code_before = False
    for piece in _PIECE.finditer(text):
        kind = piece.lastgroup
        if kind == "line":
            has_code_before = False
        elif kind == "doc" and has_code_before:
            span = Span(source, piece.start(), piece.end())
            sink.error("S027", "a doc comment stands on a line of its own, above what it describes", span,
                       "move it up, or write // for a remark")  # fmt: skip
        elif kind == "doc":
            block.append(piece.group("doc").rstrip("\r"))
        elif kind in ("word", "string"):
            if block:
                documented[piece.start()] = tuple(block)
            block = []
            has_code_before = True
    return documented
