# SPDX-License-Identifier: Apache-2.0
"""What `shmcommc` does beside compiling: `check`, `format` and `lock`."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from shmcomm_gen.compile import Request, checked_schema, compile_schema
from shmcomm_gen.diagnostics import Sink, as_github, as_json, as_report
from shmcomm_gen.formatter import formatted
from shmcomm_gen.grammar import parse
from shmcomm_gen.lock import lock_text
from shmcomm_gen.output import text_output, write_all
from shmcomm_gen.source import Source, read_source, source_of

_OK, _FOUND = 0, 1
_IMPORT_DIRS_HELP = "where includes are found, after the includer's own folder; may be repeated"
_LOCK_HELP = "fail where the schema breaks with this lock; for one SCHEMA"
_LOCK_OUTPUT_HELP = "default: SCHEMA with the suffix .lock; - is standard output"
_CHECK_HELP = "change nothing, show what would change; exit status 1 where that is anything"
_STDIN = Path("-")


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """What every command that reads schemas understands."""
    parser.add_argument("schemas", nargs="+", type=Path, metavar="SCHEMA", help="a .channel or .fbs file")
    parser.add_argument("-I", action="append", default=[], type=Path, metavar="DIR", help=_IMPORT_DIRS_HELP)
    parser.add_argument("--compatible-with", type=Path, metavar="LOCK", help=_LOCK_HELP)
    _add_error_format(parser)


def parse_inputs(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """Exits with status 2 where a lock would be that of several schemas."""
    options = parser.parse_args(arguments)
    if options.compatible_with and len(options.schemas) > 1:
        parser.error("--compatible-with is for one SCHEMA")
    return options


def _add_error_format(parser: argparse.ArgumentParser) -> None:
    choices = ("text", "json", "github")
    parser.add_argument("--error-format", choices=choices, default="text", help="default: text, on standard error")


def print_diagnostics(sink: Sink, form: str) -> None:
    if form == "json":
        print(_printable(as_json(sink.diagnostics)))
    elif form == "github":
        sys.stdout.write(_printable(as_github(sink.diagnostics)))
    else:
        sys.stderr.write(as_report(sink.diagnostics))


def _printable(text: str) -> str:
    """For standard output, which refuses what it cannot encode: the name of a file may be no text."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _parser(verb: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"shmcommc {verb}",
        description=description,
        epilog=f"example: shmcommc {verb} robot.channel",
        allow_abbrev=False,
    )


def check(arguments: Sequence[str]) -> int:
    """`shmcommc check`: all a compilation would say, and nothing written."""
    parser = _parser("check", "Checks schemas. Exit status 1 where one has errors.")
    add_inputs(parser)
    parser.add_argument("--for", dest="languages", action="append", default=[], choices=("cpp", "python"),
                        help="also check the names that would be generated for a language; may be repeated")  # fmt: skip
    options = parse_inputs(parser, arguments)
    sink = Sink()
    for schema in options.schemas:
        request = Request(
            schema, tuple(options.I), check_for=frozenset(options.languages), lock=options.compatible_with
        )
        compile_schema(request, sink)
    print_diagnostics(sink, options.error_format)
    return _FOUND if sink.has_errors else _OK


def lock(arguments: Sequence[str]) -> int:
    """`shmcommc lock`: what the programs of a schema have agreed on, written to a file."""
    parser = _parser("lock", "Writes what programs of a schema agree on, for --compatible-with to hold later versions to.")
    parser.add_argument("schema", type=Path, metavar="SCHEMA", help="a .channel or .fbs file")
    parser.add_argument("-I", action="append", default=[], type=Path, metavar="DIR", help=_IMPORT_DIRS_HELP)
    parser.add_argument("-o", dest="output", type=Path, metavar="FILE", help=_LOCK_OUTPUT_HELP)
    _add_error_format(parser)
    options = parser.parse_args(arguments)
    sink = Sink()
    schema = checked_schema(options.schema, tuple(options.I), sink)
    if schema is not None:
        path = options.output or options.schema.with_suffix(".lock")
        if path == _STDIN:
            sys.stdout.write(lock_text(schema))
        else:
            _write(path, lock_text(schema), sink)
    print_diagnostics(sink, options.error_format)
    return _FOUND if sink.has_errors else _OK


def format_(arguments: Sequence[str]) -> int:
    """`shmcommc format`: files laid out anew, in place."""
    parser = _parser("format", "Lays schemas out anew, in place. One with syntax errors stays as it is.")
    parser.add_argument("schemas", nargs="+", type=Path, metavar="SCHEMA", help="a .channel or .fbs file; - is standard input")
    parser.add_argument("--check", action="store_true", help=_CHECK_HELP)
    _add_error_format(parser)
    options = parser.parse_args(arguments)
    sink = Sink()
    is_changed = [_format_one(path, options.check, sink) for path in options.schemas]
    print_diagnostics(sink, options.error_format)
    return _FOUND if sink.has_errors or (options.check and any(is_changed)) else _OK


def _format_one(path: Path, is_check: bool, sink: Sink) -> bool:
    """Whether the layout of `path` is another than ours."""
    source = _read(path, sink)
    if source is None:
        return False
    errors = Sink()
    parse(source, errors)
    if errors.has_errors:
        sink.take(errors)
        return False
    text = formatted(source.text)
    if is_check:
        sys.stdout.write(_printable("".join(_difference(source, text))))
    elif path == _STDIN:
        sys.stdout.write(text)
    else:
        _write(path, text, sink)
    return text != source.text


def _read(path: Path, sink: Sink) -> Source | None:
    try:
        if path == _STDIN:
            return source_of(sys.stdin.buffer.read(), Path("<stdin>"), "<stdin>")
        return read_source(path, path.name)
    except OSError as error:
        sink.error("S002", f"cannot read '{path}': {error.strerror}")
    except ValueError as error:
        sink.error("S003", f"'{path.name}' is not a text file: {error}")
    return None


def _write(path: Path, text: str, sink: Sink) -> None:
    try:
        write_all([text_output(path.resolve(), text)])
    except OSError as error:
        sink.error("S002", f"cannot write '{path}': {error.strerror}")


def _difference(source: Source, text: str) -> list[str]:
    old, new = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
    return list(difflib.unified_diff(old, new, f"{source.label} (as it is)", f"{source.label} (formatted)"))
