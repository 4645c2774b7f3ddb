# SPDX-License-Identifier: Apache-2.0
"""schema/language.md: its schemas are accepted and rejected as it says, its C++ compiles, its Python runs."""

from __future__ import annotations

import importlib
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from shmcomm_gen.compile import Request, compile_schema
from shmcomm_gen.diagnostics import Sink, as_report
from shmcomm_gen.output import write_all
from shmcomm_gen.targets.cppnames import escaped
from shmcomm_gen.versions import newer_constructs

from tests.generator.support.compiling import compile_file
from tests.generator.support.tools import ROOT, compiler_with_abseil, flatc, flatc_25

FENCE = re.compile(r"^```(\w+)\n((?:.*\n)*?)```\n", re.MULTILINE)
FILE = re.compile(r"^// file: (.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Construct:
    title: str
    accepted: str
    cpp: str
    python: str
    rejected: str
    said: str

    @property
    def name(self) -> str:
        """A word for folders, packages and namespaces."""
        return "on_" + re.sub(r"\W+", "_", self.title.lower())

    @property
    def has_namespaces(self) -> bool:
        return "namespace" in self.accepted


def constructs() -> list[Construct]:
    _, *parts = re.split(r"^## (.*)\n", (ROOT / "schema" / "language.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = []
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        fences = FENCE.findall(body)
        assert [language for language, _ in fences] == ["fbs", "cpp", "python", "fbs", "text"], title
        found.append(Construct(title, *(text for _, text in fences)))
    return found


CONSTRUCTS = constructs()


def written(folder: Path, name: str, text: str) -> Path:
    """The files of an example; the main one, which has the channels, is called `name`."""
    first, *named = FILE.split(text)
    files = dict(zip(named[::2], named[1::2], strict=True)) or {f"{name}.channel": first}
    for file, content in files.items():
        path = folder / (f"{name}.channel" if file.endswith(".channel") else file)
        path.write_text(content, encoding="utf-8")
    return folder / f"{name}.channel"


@pytest.mark.parametrize("construct", CONSTRUCTS, ids=lambda one: one.name)
def test_one_schema_is_accepted_and_one_rejected(tmp_path: Path, construct: Construct) -> None:
    _, accepting = compile_file(written(tmp_path, "good", construct.accepted))
    for left in tmp_path.iterdir():
        left.unlink()
    _, rejecting = compile_file(written(tmp_path, "bad", construct.rejected))

    assert not accepting.has_errors, as_report(accepting.diagnostics)
    assert [f"error[{one.code}]: {one.message}\n" for one in rejecting.diagnostics] == [construct.said]


def generated(folder: Path, construct: Construct, compiler: Path) -> None:
    """C++ and Python of the accepted schema, in a namespace of its own."""
    opening = "" if construct.has_namespaces else f"namespace {construct.name};\n"
    *others, main = re.split(r"(?<=^// file: main.channel\n)", construct.accepted, flags=re.MULTILINE)
    text = "".join([*others, opening + main])
    sink = Sink()
    request = Request(written(folder, construct.name, text), cpp_dir=folder / "cpp", python_dir=folder / "python", flatc=compiler)
    write_all(compile_schema(request, sink).outputs)
    assert not sink.has_errors, as_report(sink.diagnostics)


def compiled(folder: Path, group: list[Construct], flatbuffers: list[str]) -> str:
    """What a compiler says to the C++ of all of them in one text."""
    lines = [f'#include "{one.name}.shm.h"\n' for one in group]
    lines += [f"namespace {one.name} {{\n{one.cpp}}}\n" for one in group]
    command = [compiler_with_abseil(), "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++", "-",
               "-I", str(folder / "cpp"), "-I", str(ROOT / "runtime" / "include"), *flatbuffers]  # fmt: skip
    return subprocess.run(command, input="".join(lines), capture_output=True, text=True, check=False).stderr


def is_newer(folder: Path, construct: Construct) -> bool:
    schema, _ = compile_file(written(folder, "asked", construct.accepted))
    return any(newer_constructs(schema))


def test_its_cpp_compiles(tmp_path: Path) -> None:
    (tmp_path / "asked").mkdir()
    newer = {one.name for one in CONSTRUCTS if is_newer(tmp_path / "asked", one)}
    group = [one for one in CONSTRUCTS if one.name not in newer]
    for one in group:
        generated(tmp_path, one, flatc())

    assert len(newer) == 3
    assert compiled(tmp_path, group, []) == ""


def test_its_cpp_of_newer_constructs_compiles(tmp_path: Path) -> None:
    (tmp_path / "asked").mkdir()
    group = [one for one in CONSTRUCTS if is_newer(tmp_path / "asked", one)]
    for one in group:
        generated(tmp_path, one, flatc_25())

    assert compiled(tmp_path, group, ["-isystem", str(flatc_25().resolve().parents[1] / "include")]) == ""


@pytest.mark.parametrize("construct", CONSTRUCTS, ids=lambda one: one.name)
def test_its_python_runs(tmp_path: Path, construct: Construct, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("shmcomm._core", reason="the extension is not built")
    generated(tmp_path, construct, flatc_25())
    monkeypatch.syspath_prepend(tmp_path / "python")
    monkeypatch.setenv("SHMCOMM_ROOT", str(tmp_path / "root"))
    (tmp_path / "root").mkdir()
    package = importlib.import_module(construct.name)

    exec(compile(construct.python, construct.title, "exec"), vars(package))
    assert list((tmp_path / "root").iterdir()) == []


def test_names_of_its_sections_are_free_in_cpp() -> None:
    assert all(escaped(one.name) == one.name for one in CONSTRUCTS)
