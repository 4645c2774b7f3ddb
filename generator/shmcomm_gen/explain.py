# SPDX-License-Identifier: Apache-2.0
"""What each diagnostic means, at length: the sections of schema/diagnostics.md, which is beside the grammar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from shmcomm_gen.grammar import grammar_path

_SECTION = re.compile(r"^## (S\d{3}): (.*)\n", re.MULTILINE)
_FENCE = re.compile(r"^```.*\n((?:.*\n)*?)```\n", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """`body` is Markdown, and so are the `examples` in it: what is wrong, what is said to it, what is right."""

    title: str
    body: str

    @property
    def examples(self) -> tuple[str, ...]:
        return tuple(_FENCE.findall(self.body))


@lru_cache(maxsize=1)
def sections() -> Mapping[str, Section]:
    """By code."""
    _, *parts = _SECTION.split(grammar_path().with_name("diagnostics.md").read_text(encoding="utf-8"))
    return {code: Section(title, body.strip("\n") + "\n") for code, title, body in zip(*[iter(parts)] * 3, strict=True)}


def explain(code: str) -> str | None:
    """A section as plain text, or None where there is none of that name."""
    found = sections().get(code.upper())
    if found is None:
        return None
    body = _FENCE.sub(lambda fence: re.sub(r"^(?=.)", "    ", fence.group(1), flags=re.MULTILINE), found.body)
    return f"{code.upper()}: {found.title}\n\n{body}"
