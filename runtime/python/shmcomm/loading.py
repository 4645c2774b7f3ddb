# SPDX-License-Identifier: Apache-2.0
"""The typed module of a channel file, made at run time: no build, no flatc, no C++ compiler."""

from __future__ import annotations

import hashlib
import importlib.util
import tempfile
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from types import ModuleType

__all__ = ["load"]

_Key = tuple[Path, tuple[Path, ...]]

_loaded: dict[_Key, tuple[str, tuple[Path, ...], ModuleType]] = {}


def load(path: str | PathLike[str], *, import_dirs: Iterable[str | PathLike[str]] = ()) -> ModuleType:
    """The package that `shmcommc PATH --python` would write, as a module: the same classes, nothing left on disk.

    `import_dirs` are where includes are found, after the file's own folder. While the files do not change, every call
    gives the same module. It is not entered in sys.modules. Not to be called by two threads at once.
    Cost: some tenths of a second the first time, afterwards the files are read to see that they did not change.
    Errors: FileNotFoundError; ValueError, whose text is the compiler's report, for mistakes in the schema; ImportError
    where the schema compiler (the package `shmcomm_gen`) is not installed.

    >>> robot = load("robot.channel")
    >>> with robot.CameraPublisher() as camera, robot.CameraSubscriber() as screen:
    ...     _ = camera.send(width=2, height=1, data=b"ab")
    ...     screen.recv(timeout=100).width
    2
    """
    source = Path(path).resolve(strict=True)
    folders = tuple(Path(folder).resolve() for folder in import_dirs)
    known = _loaded.get((source, folders))
    if known and known[0] == _digest(known[1]):
        return known[2]
    sources, module = _compile(source, folders)
    _loaded[source, folders] = (_digest(sources), sources, module)
    return module


def _compile(source: Path, folders: tuple[Path, ...]) -> tuple[tuple[Path, ...], ModuleType]:
    compiler, diagnostics, output = map(_part_of_generator, ("compile", "diagnostics", "output"))
    sink = diagnostics.Sink()
    with tempfile.TemporaryDirectory(prefix="shmcomm-") as folder:
        compilation = compiler.compile_schema(compiler.Request(source, folders, python_dir=Path(folder)), sink)
        if sink.has_errors:
            raise ValueError(diagnostics.as_report(sink.diagnostics))
        output.write_all(compilation.outputs)
        (package,) = Path(folder).iterdir()
        return compilation.sources, _import(package)


def _part_of_generator(name: str) -> ModuleType:
    """Imported when first needed: it takes longer to import than all of shmcomm."""
    try:
        return importlib.import_module(f"shmcomm_gen.{name}")
    except ImportError as error:
        fix = "install it with its requirements, or put the folder generator/ of the sources on PYTHONPATH"
        raise ImportError(f"shmcomm.load needs the schema compiler shmcomm_gen ({error}); {fix}") from error


def _import(package: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(package.name, package / "__init__.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _digest(sources: tuple[Path, ...]) -> str:
    """Of names and contents; one that cannot be read any more differs from every other."""
    digest = hashlib.sha256()
    for source in sources:
        content = source.read_bytes() if source.is_file() else b"\0missing"
        digest.update(f"{source}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
