# SPDX-License-Identifier: Apache-2.0
"""README.md and the guide: each block of Python runs, each of C++ compiles, each schema is accepted, or a reason is given."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import PAGES, ROOT, Block, Left, Program, blocks_of
from shmcomm_gen.compile import Request, compile_schema
from shmcomm_gen.diagnostics import Sink, as_report
from shmcomm_gen.output import write_all
from treatments import TREATMENTS

from tests.generator.support.compiling import compile_file
from tests.generator.support.tools import compiler_with_abseil, flatc

BLOCKS = {page.name: blocks for page in PAGES if (blocks := blocks_of(page))}
TREATED = [
    (block, treatment)
    for page, treatments in TREATMENTS.items()
    for block, treatment in zip(BLOCKS.get(page, []), treatments, strict=False)
]
HELPERS = """
#include <csignal>
#include <cstdint>
#include <poll.h>
#include <vector>
#include "absl/time/clock.h"
#include "snippets.shm.h"
template <class... What> void Use(What&&...) {}
template <class... What> void Warn(What&&...) {}
template <class... What> void Work(What&&...) {}
template <class... What> void Show(What&&...) {}
template <class... What> void Update(What&&...) {}
"""


def programs(*languages: str) -> list[object]:
    """The blocks of a language that are made programs of, and what is around them."""
    chosen = [(block, treatment) for block, treatment in TREATED if block.language in languages and isinstance(treatment, Program)]
    return [pytest.param(block, treatment, id=block.place) for block, treatment in chosen]


def test_every_block_is_decided_about() -> None:
    assert {page: len(blocks) for page, blocks in BLOCKS.items()} == {page: len(of_page) for page, of_page in TREATMENTS.items()}


def test_what_is_left_is_no_code() -> None:
    left = [block for block, treatment in TREATED if isinstance(treatment, Left)]

    assert {block.language for block in left} <= {"", "console", "cmake"}


@pytest.mark.parametrize("ends", [("Publisher", "Subscriber"), ("Requester", "Replier"), ("Pusher", "Puller")])
def test_both_ends_of_a_pattern_without_a_schema_take_fewer_than_ten_lines(ends: tuple[str, str]) -> None:
    texts = [block.text for block in BLOCKS["python_without_schema.md"]]

    programs = ["".join(texts[first:last]) for first, last in itertools.combinations(range(len(texts) + 1), 2)]
    complete = [text for text in programs if all(f"{end}(" in text and re.search(rf"import .*\b{end}\b", text) for end in ends)]
    assert min(sum(bool(line.strip()) for line in text.splitlines()) for text in complete) < 10


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package `robot` and of the header of what the pages speak of."""
    folder = tmp_path_factory.mktemp("generated")
    source = (Path(__file__).with_name("snippets.channel")).read_text(encoding="utf-8")
    for name, languages in (("snippets", {"cpp_dir": folder / "cpp"}), ("robot", {"python_dir": folder / "python"})):
        (folder / f"{name}.channel").write_text(source, encoding="utf-8")
        sink = Sink()
        write_all(compile_schema(Request(folder / f"{name}.channel", flatc=flatc(), **languages), sink).outputs)
        assert not sink.has_errors, as_report(sink.diagnostics)
    return folder


@pytest.mark.parametrize(("block", "program"), programs("python"))
def test_its_python_runs(block: Block, program: Program, generated: Path, tmp_path: Path) -> None:
    pytest.importorskip("shmcomm._core", reason="the extension is not built")
    import shmcomm

    patient = re.sub(r"timeout=\d+", "timeout=60_000", block.text)  # how fast it is, is no matter here
    assert shmcomm.__file__ is not None
    path = os.pathsep.join([str(Path(shmcomm.__file__).parents[1]), str(generated / "python")])
    environment = os.environ | {"PYTHONPATH": path, "SHMCOMM_ROOT": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", program.around(patient)], env=environment, capture_output=True, text=True, timeout=200
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(program.prints), done.stderr


@pytest.mark.parametrize(("block", "program"), programs("fbs"))
def test_its_schema_is_accepted(block: Block, program: Program, tmp_path: Path) -> None:
    (tmp_path / "robot.channel").write_text(program.around(block.text), encoding="utf-8")

    _, sink = compile_file(tmp_path / "robot.channel")

    assert not sink.has_errors, as_report(sink.diagnostics)


def as_cpp(block: Block, program: Program, number: int) -> tuple[str, str]:
    """What a block includes, and the block in a namespace of its own."""
    text = block.text.replace('#include "robot.shm.h"\n', "")
    includes = "".join(re.findall(r"^#include .*\n", text, re.MULTILINE))
    rest = re.sub(r"^#include .*\n", "", text, flags=re.MULTILINE)
    return includes, f"namespace block_{number} {{  // {block.place}\n{program.around(rest)}}}\n"


def test_its_cpp_compiles(generated: Path) -> None:
    treated = [(block, made) for block, made in TREATED if block.language == "cpp" and isinstance(made, Program)]
    parts = [as_cpp(block, made, number) for number, (block, made) in enumerate(treated)]
    text = HELPERS + "".join(includes for includes, _ in parts) + "".join(body for _, body in parts)
    command = [compiler_with_abseil(), "-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wno-unused", "-Wno-main", "-fsyntax-only",
               "-x", "c++", "-", "-I", str(generated / "cpp"), "-I", str(ROOT / "runtime" / "include")]  # fmt: skip

    done = subprocess.run(command, input=text, capture_output=True, text=True)

    assert done.stderr == ""
    assert len(parts) > 10


def test_a_block_keeps_its_shape_in_a_program() -> None:
    assert Program("try:\n    <block>\nend").around("a\n\nb\n") == "try:\n    a\n\n    b\nend"
