# SPDX-License-Identifier: Apache-2.0
"""The command `shmcommc`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from shmcomm_gen import __version__
from shmcomm_gen.compile import Request, compile_schema, compiler_files
from shmcomm_gen.commands import add_inputs, check, format_, lock, parse_inputs, print_diagnostics
from shmcomm_gen.diagnostics import Sink
from shmcomm_gen.explain import explain, sections
from shmcomm_gen.output import Output, depfile_text, text_output, write_all

_OK, _ERRORS, _USAGE = 0, 1, 2
_DEEPEST_NESTING = 50_000  # A schema may nest structs deeper than Python's default allows.

_EXAMPLES = """\
examples:
  shmcommc robot.channel -I schema --cpp out --python out    C++ and Python of one schema
  shmcommc check robot.channel                               only check it; more in --help
  shmcommc format robot.channel                              lay it out anew, in place; more in --help
  shmcommc lock robot.channel                                keep what its programs agree on; more in --help
  shmcommc explain S014                                      what a diagnostic means

exit status: 0 well, 1 errors in a schema, 2 wrong usage
"""


def main(arguments: Sequence[str]) -> int:
    sys.setrecursionlimit(_DEEPEST_NESTING)
    verb = _VERBS.get(arguments[0]) if arguments else None
    return verb(arguments[1:]) if verb else _compile(arguments)


def run() -> None:
    """The command `shmcommc`."""
    sys.exit(main(sys.argv[1:]))


def _compile(arguments: Sequence[str]) -> int:
    options = parse_inputs(_parser(), arguments)
    sink = Sink()
    outputs: list[Output] = []
    for schema in options.schemas:
        request = Request(
            schema, tuple(options.I), options.cpp, options.python, options.bfbs, options.flatc, lock=options.compatible_with
        )
        compilation = compile_schema(request, sink)
        outputs += compilation.outputs
        if options.depfile and compilation.outputs:
            dependencies = [*compilation.sources, *compiler_files()]
            outputs.append(text_output(options.depfile, depfile_text(compilation.outputs[0].path, dependencies)))
    print_diagnostics(sink, options.error_format)
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
    add_inputs(parser)
    parser.add_argument("--cpp", type=Path, metavar="DIR", help="write STEM.shm.h, STEM.shm.cc and STEM_generated.h")
    parser.add_argument("--python", type=Path, metavar="DIR", help="write the package STEM")
    parser.add_argument("--bfbs", type=Path, metavar="DIR", help="write STEM.bfbs, FlatBuffers' binary schema")
    parser.add_argument("--flatc", type=_program, metavar="PATH", help="FlatBuffers' compiler; default: the one on PATH")
    parser.add_argument("--depfile", type=Path, metavar="FILE", help="write a make rule of all inputs; for one SCHEMA")
    parser.add_argument("--version", action="version", version=f"shmcommc {__version__}")
    return parser


def _program(text: str) -> Path:
    """A name is looked for on PATH, anything else is a place, seen from here whatever the folder it is run in."""
    return Path(text).absolute() if "/" in text else Path(text)


def _explain(codes: Sequence[str]) -> int:
    texts = [explain(code) for code in codes]
    if not codes or None in texts:
        print(f"usage: shmcommc explain CODE, from {min(sections())} to {max(sections())}", file=sys.stderr)
        return _USAGE
    print("\n".join(text for text in texts if text))
    return _OK


_VERBS: Mapping[str, Callable[[Sequence[str]], int]] = {"check": check, "format": format_, "lock": lock, "explain": _explain}
