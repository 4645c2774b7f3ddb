# SPDX-License-Identifier: Apache-2.0
"""The command `shmcommc`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from shmcomm_gen import __version__
from shmcomm_gen.compile import Request, compile_schema, compiler_files
from shmcomm_gen.diagnostics import Sink, as_json, as_report
from shmcomm_gen.explain import CODES, explain
from shmcomm_gen.output import Output, depfile_text, text_output, write_all

_OK, _ERRORS, _USAGE = 0, 1, 2
_DEEPEST_NESTING = 50_000  # A schema may nest structs deeper than Python's default allows.

_IMPORT_DIRS_HELP = "where includes are found, after the includer's own folder; may be repeated"
_EXAMPLES = """\
examples:
  shmcommc robot.channel -I schema --cpp out --python out    C++ and Python of one schema
  shmcommc robot.channel                                     only check it
  shmcommc explain S014                                      what a diagnostic means

exit status: 0 well, 1 errors in a schema, 2 wrong usage
"""


def main(arguments: Sequence[str]) -> int:
    if arguments and arguments[0] == "explain":
        return _explain(arguments[1:])
    options = _parser().parse_args(arguments)
    sys.setrecursionlimit(_DEEPEST_NESTING)
    sink = Sink()
    outputs: list[Output] = []
    for schema in options.schemas:
        request = Request(schema, tuple(options.I), options.cpp, options.python, options.bfbs, options.flatc)
        compilation = compile_schema(request, sink)
        outputs += compilation.outputs
        if options.depfile and compilation.outputs:
            dependencies = [*compilation.sources, *compiler_files()]
            outputs.append(text_output(options.depfile, depfile_text(compilation.outputs[0].path, dependencies)))
    _print_diagnostics(sink, options.error_format)
    if sink.has_errors:
        return _ERRORS
    try:
        write_all(outputs)
    except OSError as error:
        print(f"shmcommc: cannot write '{error.filename}': {error.strerror}", file=sys.stderr)
        return _ERRORS
    return _OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="shmcommc",
        description="Compiles .channel and .fbs schemas to typed shared-memory endpoints.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("schemas", nargs="+", type=Path, metavar="SCHEMA", help="a .channel or .fbs file")
    parser.add_argument("-I", action="append", default=[], type=Path, metavar="DIR", help=_IMPORT_DIRS_HELP)
    parser.add_argument("--cpp", type=Path, metavar="DIR", help="write STEM.shm.h, STEM.shm.cc and STEM_generated.h")
    parser.add_argument("--python", type=Path, metavar="DIR", help="write the package STEM")
    parser.add_argument("--bfbs", type=Path, metavar="DIR", help="write STEM.bfbs, FlatBuffers' binary schema")
    parser.add_argument("--flatc", type=Path, metavar="PATH", help="FlatBuffers' compiler; default: the one on PATH")
    parser.add_argument("--depfile", type=Path, metavar="FILE", help="write a make rule of all inputs; for one SCHEMA")
    parser.add_argument("--error-format", choices=("text", "json"), default="text", help="default: text")
    parser.add_argument("--version", action="version", version=f"shmcommc {__version__}")
    return parser


def _print_diagnostics(sink: Sink, form: str) -> None:
    if form == "json":
        print(as_json(sink.diagnostics))
    else:
        sys.stderr.write(as_report(sink.diagnostics))


def _explain(codes: Sequence[str]) -> int:
    texts = [explain(code) for code in codes]
    if not codes or None in texts:
        print(f"usage: shmcommc explain CODE, from {min(CODES)} to {max(CODES)}", file=sys.stderr)
        return _USAGE
    print("\n".join(text for text in texts if text))
    return _OK
