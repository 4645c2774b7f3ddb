# SPDX-License-Identifier: Apache-2.0
"""Any text through the whole compiler: it answers with code or with diagnostics, and never with an exception.

As a program it is a fuzzer (atheris), called as libFuzzer's are:

    python tests/fuzz/schema_text.py -atheris_runs=100000 CORPUS_FOLDER
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).parent / "corpora" / "schema_text"
DICTIONARY = Path(__file__).parent / "schema_text.dict"
_FOLDER = tempfile.TemporaryDirectory(prefix="shmcomm-fuzz-")
_SCHEMA = Path(_FOLDER.name) / "case.channel"


def seeds() -> list[Path]:
    """Texts to begin with: what was found before, then every schema of the generator's tests."""
    tests = ROOT / "tests" / "generator"
    return sorted(CORPUS.iterdir()) + sorted(tests.glob("inputs/*")) + sorted(tests.glob("cases/*/case.channel"))


def compile_text(data: bytes) -> None:
    """Raises where the compiler does what it must not."""
    # Here and not above: the fuzzer instruments what is imported while it watches.
    from shmcomm_gen import diagnostics, lock
    from shmcomm_gen.compile import checked_schema
    from shmcomm_gen.targets import bfbs, cpp, cppnames, fbs, python

    _SCHEMA.write_bytes(data)
    sink = diagnostics.Sink()
    schema = checked_schema(_SCHEMA, (), sink)
    if schema is not None:
        cppnames.check_cpp_names(schema, sink)
        python.check_python_names(schema, sink)
        cpp.header_text(schema)
        cpp.source_text(schema, bfbs.bfbs_bytes(schema))
        lock.lock_text(schema)
        for text in (*python.package_files(schema).values(), *(fbs.fbs_text(file, schema) for file in schema.files)):
            text.encode()
    for form in (diagnostics.as_report, diagnostics.as_json, diagnostics.as_github):
        form(sink.diagnostics)
    _format()


def _format() -> None:
    """Where the text parses, a second time changes nothing."""
    from shmcomm_gen.diagnostics import Sink
    from shmcomm_gen.formatter import formatted
    from shmcomm_gen.grammar import parse
    from shmcomm_gen.source import read_source

    try:
        source = read_source(_SCHEMA, "case.channel")
    except ValueError:
        return
    errors = Sink()
    parse(source, errors)
    if not errors.has_errors:
        once = formatted(source.text)
        assert formatted(once) == once


def main() -> None:
    import atheris  # type: ignore[import-not-found]

    sys.path.insert(0, str(ROOT / "generator"))
    sys.setrecursionlimit(50_000)
    with atheris.instrument_imports(include=["shmcomm_gen"]):
        compile_text(b"")
    atheris.Setup([*sys.argv, f"-dict={DICTIONARY}"], compile_text)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
