# SPDX-License-Identifier: Apache-2.0
"""What the compiler has to say: diagnostics, the one sink that collects them, and their printed forms."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from shmcomm_gen.source import Span


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Related:
    """The other place a finding is about, and what is there. A suggestion names what is there already: then the place alone
    stands `beside_hint`, and no second excerpt is shown."""

    span: Span
    what: str
    beside_hint: bool = False


def first_at(span: Span) -> Related:
    """Where what is there twice stands for the first time."""
    return Related(span, "first declared here")


def declared_at(name: str, span: Span) -> Related:
    return Related(span, f"'{name}' is declared here")


@dataclass(frozen=True)
class Diagnostic:
    """One finding: a stable code, one cause, at most one suggestion, at most one other place."""

    code: str
    message: str
    span: Span | None = None
    hint: str = ""
    related: Related | None = None
    severity: Severity = Severity.ERROR


class Sink:
    """Collects diagnostics. The same finding at the same place is kept once."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}

    def error(
        self, code: str, message: str, span: Span | None = None, hint: str = "", related: Related | None = None
    ) -> None:
        self._found[Diagnostic(code, message, span, hint, related)] = None

    def warning(
        self, code: str, message: str, span: Span | None = None, hint: str = "", related: Related | None = None
    ) -> None:
        self._found[Diagnostic(code, message, span, hint, related, Severity.WARNING)] = None

    def note(self, code: str, message: str, span: Span | None = None) -> None:
        self._found[Diagnostic(code, message, span, severity=Severity.NOTE)] = None

    def take(self, other: Sink) -> None:
        """All that `other` found, after what was found here."""
        self._found |= other._found

    @property
    def has_errors(self) -> bool:
        return any(found.severity is Severity.ERROR for found in self._found)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything found: by file in the order of first mention, then by place."""
        labels = list(dict.fromkeys(found.span.source.label for found in self._found if found.span))

        def place(found: Diagnostic) -> tuple[int, int]:
            return (labels.index(found.span.source.label), found.span.start) if found.span else (-1, -1)

        return tuple(sorted(self._found, key=place))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean 'Image'?`, or nothing where no known name is close."""
    close = closest(word, known)
    return f"did you mean '{close}'?" if close else ""


def closest(word: str, known: Iterable[str]) -> str:
    """The known name nearest to `word`, case aside; empty where none is close."""
    names = sorted(set(known))
    folded = {name.lower(): name for name in reversed(names)}
    matches = difflib.get_close_matches(word.lower(), list(folded), n=1, cutoff=0.7)
    return folded[matches[0]] if matches else ""


def one_of(words: Iterable[str]) -> str:
    return "one of: " + ", ".join(words)


def as_text(diagnostic: Diagnostic) -> str:
    """The form for people: the finding, the place, the line and a caret under the words it is about; the other place alike."""
    head = f"{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message}"
    span, related = diagnostic.span, diagnostic.related
    if span is None:
        return head + (f"\n   = {diagnostic.hint}" if diagnostic.hint else "") + "\n"
    if diagnostic.severity is Severity.NOTE:
        return f"{span.place}:{span.column}: {head}\n"
    remark = diagnostic.hint
    if related and related.beside_hint:
        remark, related = f"{remark}  ({related.span.place})", None
    gutter = " " * max(len(str(one.line)) for one in (span, related.span if related else span))
    lines = [head, *_excerpt(span, remark, gutter)]
    if related:
        lines += [f"note: {related.what}", *_excerpt(related.span, "", gutter)]
    return "\n".join(lines) + "\n"


def _excerpt(span: Span, remark: str, gutter: str) -> list[str]:
    line, column = span.source.line_column(span.start)
    text = span.source.line_text(line)
    # A tab in the margin keeps the caret under its word whatever the width of a tab is.
    indent = "".join("\t" if char == "\t" else " " for char in text[: column - 1])
    width = max(1, min(span.end - span.start, len(text) - column + 1))
    return [
        f"{gutter}--> {span.place}:{column}",
        f"{gutter} |",
        f"{line:>{len(gutter)}} | {text}",
        f"{gutter} | {indent}{'^' * width} {remark}".rstrip(),
    ]


def as_report(diagnostics: Iterable[Diagnostic]) -> str:
    """All findings for people, a blank line after each that shows its place."""
    return "".join(as_text(d) + ("" if d.severity is Severity.NOTE else "\n") for d in diagnostics)


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """The form for tools: a list of objects, one a diagnostic."""
    return json.dumps([_json_object(found) for found in diagnostics], indent=2)


def _json_object(found: Diagnostic) -> dict[str, object]:
    result: dict[str, object] = {
        "code": found.code,
        "severity": found.severity.value,
        "message": found.message,
        "hint": found.hint,
    }
    if found.span:
        result |= _json_place(found.span)
    if found.related:
        result["related"] = {"message": found.related.what, **_json_place(found.related.span)}
    return result


def _json_place(span: Span) -> dict[str, object]:
    end_line, end_column = span.source.line_column(span.end)
    return {"file": span.source.label, "path": str(span.source.path), "line": span.line, "column": span.column,
            "end_line": end_line, "end_column": end_column}  # fmt: skip


_GITHUB_SEVERITIES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def as_github(diagnostics: Iterable[Diagnostic]) -> str:
    """The form for GitHub's runners, which show each finding beside its line: one workflow command a diagnostic."""
    return "".join(_github_command(found) + "\n" for found in diagnostics)


def _github_command(found: Diagnostic) -> str:
    properties = {"title": found.code}
    if found.span:
        line, column = found.span.source.line_column(found.span.start)
        end_line, end_column = found.span.source.line_column(found.span.end)
        properties |= {"file": str(found.span.source.path), "line": str(line), "endLine": str(end_line)}
        if end_line == line:  # GitHub takes columns only of a single line.
            properties |= {"col": str(column), "endColumn": str(end_column)}
    text = f"{found.message}: {found.hint}" if found.hint else found.message
    if found.related:
        text += f"  ({found.related.span.place})" if found.related.beside_hint else _github_note(found.related)
    shown = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties.items())
    return f"::{_GITHUB_SEVERITIES[found.severity]} {shown}::{_escaped(text)}"


def _github_note(related: Related) -> str:
    return f"\nnote: {related.what}: {related.span.place}:{related.span.column}"


def _escaped(text: str, more: str = "") -> str:
    """GitHub's own escapes: a command ends with its line, a property at a comma."""
    return "".join(f"%{ord(char):02X}" if char in "%\r\n" + more else char for char in text)
