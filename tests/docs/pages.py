# SPDX-License-Identifier: Apache-2.0
"""The blocks of code in README.md and the guide, and what stands around a block so that it is a program."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "runtime/doc/guide").glob("*.md"))]
BLOCK = "<block>"

_FENCE = re.compile(r"^```(\w*)\n((?:.*\n)*?)```$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block: `place` is its page and its number there."""

    place: str
    language: str
    text: str


@dataclass(frozen=True)
class Program:
    """The block in the place of BLOCK, indented as that is. What it prints begins with `prints`."""

    text: str = BLOCK
    prints: str = ""

    def around(self, block: str) -> str:
        found = re.search(rf"^( *){BLOCK}$", self.text, re.MULTILINE)
        assert found is not None
        indented = "".join(found[1] + line if line.strip() else line for line in block.splitlines(keepends=True))
        return self.text[: found.start()] + indented + self.text[found.end() + 1 :]


@dataclass(frozen=True)
class Left:
    """A block that no program is made of, and why."""

    reason: str


Treatment = Program | Left


def blocks_of(page: Path) -> list[Block]:
    fences = _FENCE.findall(page.read_text(encoding="utf-8"))
    return [Block(f"{page.name}[{number}]", language, text) for number, (language, text) in enumerate(fences)]
