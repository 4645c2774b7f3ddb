# SPDX-License-Identifier: Apache-2.0
"""Short ways to compile a text."""

from __future__ import annotations

from pathlib import Path

from shmcomm_gen import rules
from shmcomm_gen.diagnostics import Sink, as_report
from shmcomm_gen.load import load
from shmcomm_gen.model import Schema
from shmcomm_gen.resolve import resolve

INPUTS = Path(__file__).resolve().parents[1] / "inputs"


def compile_file(path: Path, *import_dirs: Path) -> tuple[Schema, Sink]:
    """The model of a file, and what was found."""
    sink = Sink()
    closure = load(path, import_dirs, sink)
    schema = resolve(closure, sink)
    rules.check(schema, closure, sink)
    return schema, sink


def schema_of(directory: Path, text: str, **others: str) -> Schema:
    """The model of `text`, which must be right. `geometry="…"` is geometry.fbs beside it."""
    for name, content in others.items():
        (directory / f"{name}.fbs").write_text(content, encoding="utf-8")
    path = directory / "case.channel"
    path.write_text(text, encoding="utf-8")
    schema, sink = compile_file(path)
    assert not sink.has_errors, as_report(sink.diagnostics)
    return schema


def codes_of(directory: Path, text: str) -> list[str]:
    """The codes found in `text`, in order of place."""
    path = directory / "case.channel"
    path.write_text(text, encoding="utf-8")
    return [found.code for found in compile_file(path)[1].diagnostics]
