# SPDX-License-Identifier: Apache-2.0
"""The whole compiler, top to bottom: a schema's path in, files to write out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shmcomm_gen import rules
from shmcomm_gen.diagnostics import Sink
from shmcomm_gen.flatc import find_flatc, generated_headers, version_of
from shmcomm_gen.grammar import grammar_path
from shmcomm_gen.load import load
from shmcomm_gen.lock import check_lock
from shmcomm_gen.model import Schema
from shmcomm_gen.output import Output, text_output
from shmcomm_gen.resolve import resolve
from shmcomm_gen.targets import bfbs, cpp, fbs, python
from shmcomm_gen.targets.cppnames import check_cpp_names
from shmcomm_gen.versions import check_far_keys, check_padding, check_texts, check_version, newer_constructs


@dataclass(frozen=True)
class Request:
    """What to compile and where each language goes; None leaves a language out. Names are checked for the languages that
    are generated, and for those of `check_for`. `lock` is what the schema must keep to."""

    schema: Path
    import_dirs: tuple[Path, ...] = ()
    cpp_dir: Path | None = None
    python_dir: Path | None = None
    bfbs_dir: Path | None = None
    flatc: Path | None = None
    check_for: frozenset[str] = frozenset()
    lock: Path | None = None


@dataclass(frozen=True)
class Compilation:
    """The files to write, the one named in a depfile first, and the schemas they were made from."""

    outputs: tuple[Output, ...]
    sources: tuple[Path, ...]


def checked_schema(path: Path, import_dirs: tuple[Path, ...], sink: Sink) -> Schema | None:
    """The model of a schema without errors."""
    schema, _ = _read(path, import_dirs, sink)
    return None if sink.has_errors else schema


def _read(path: Path, import_dirs: tuple[Path, ...], sink: Sink) -> tuple[Schema, tuple[Path, ...]]:
    closure = load(path, import_dirs, sink)  # source, grammar, syntax
    schema = resolve(closure, sink)
    rules.check(schema, closure, sink)
    return schema, closure.paths


def compile_schema(request: Request, sink: Sink) -> Compilation:
    schema, sources = _read(request.schema, request.import_dirs, sink)
    if request.lock and not sink.has_errors:
        check_lock(request.lock, schema, sink)
    sources = (*sources, request.lock) if request.lock else sources
    if sink.has_errors:
        return Compilation((), sources)
    if request.cpp_dir or "cpp" in request.check_for:
        check_cpp_names(schema, sink)
    if request.python_dir or "python" in request.check_for:
        rules.check_package(schema, sink)
        python.check_python_names(schema, sink)
    binary = bfbs.bfbs_bytes(schema)
    outputs: list[Output] = []
    if request.cpp_dir:
        outputs += _cpp_outputs(schema, binary, request.cpp_dir, request.flatc, sink)
    if request.python_dir:
        outputs += _python_outputs(schema, binary, request.python_dir)
    if request.bfbs_dir:
        outputs.append(Output(request.bfbs_dir / f"{schema.main.stem}.bfbs", binary))
    return Compilation(() if sink.has_errors else tuple(outputs), sources)


def _cpp_outputs(schema: Schema, binary: bytes, directory: Path, asked: Path | None, sink: Sink) -> list[Output]:
    flatc = find_flatc(asked, sink)
    if flatc is None:
        return []
    if any(newer_constructs(schema)):
        check_version(schema, flatc, version_of(flatc), sink)
        check_texts(schema, sink)
    check_padding(schema, sink)
    check_far_keys(schema, sink)
    if sink.has_errors:
        return []
    stem = schema.main.stem
    texts = {file.stem: fbs.fbs_text(file, schema) for file in schema.files}
    headers = generated_headers(flatc, texts, sink)
    return [
        text_output(directory / f"{stem}.shm.cc", cpp.source_text(schema, binary)),
        text_output(directory / f"{stem}.shm.h", cpp.header_text(schema)),
        *(Output(directory / name, content) for name, content in headers.items()),
        *(text_output(directory / f"{name}.fbs", text) for name, text in texts.items()),
    ]


def _python_outputs(schema: Schema, binary: bytes, directory: Path) -> list[Output]:
    package = directory / schema.main.stem
    texts = python.package_files(schema)
    files = [text_output(package / name, text) for name, text in texts.items()]
    return [*files, Output(package / f"{schema.main.stem}.bfbs", binary)]


def compiler_files() -> tuple[Path, ...]:
    """The files of the compiler itself: what it makes depends on them as much as on the schema."""
    package = Path(__file__).parent
    files = [path for pattern in ("*.py", "targets/*.py", "templates/*.j2") for path in package.glob(pattern)]
    return (*sorted(files), grammar_path())
