# SPDX-License-Identifier: Apache-2.0
"""What is in the wheel: the files, no more and no fewer, and an extension that runs on other systems. It takes minutes and
asks package registries, so it runs with `test.sh --long` only (SHMCOMM_TEST_WHEEL=1)."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wheel.commands import SUPPORTED, run
from tests.wheel.conftest import Wheel

pytestmark = [
    pytest.mark.skipif(os.environ.get("SHMCOMM_TEST_WHEEL") != "1", reason="runs with test.sh --long"),
    pytest.mark.timeout(1800),
]

FOLDERS = {
    "shmcomm": "runtime/python/shmcomm",
    "shmcomm_gen": "generator/shmcomm_gen",
    "shmcomm/cpp/runtime/src": "runtime/src",
    "shmcomm/cpp/runtime/include": "runtime/include",
    "shmcomm/cpp/cmake": "cmake",
}
FILES = {
    "shmcomm_gen/grammar.lark": "schema/grammar.lark",
    "shmcomm_gen/diagnostics.md": "schema/diagnostics.md",
    "shmcomm/cpp/CMakeLists.txt": "CMakeLists.txt",
    "shmcomm/cpp/LICENSE": "LICENSE",
    "shmcomm/cpp/runtime/CMakeLists.txt": "runtime/CMakeLists.txt",
    "shmcomm/cpp/config/shmcommConfig.cmake": "cmake/in_wheel/shmcommConfig.cmake",
}
ABOUT = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}


def copies(checkout: Path) -> Iterator[tuple[str, Path]]:
    """Files of the wheel that are files of the checkout."""
    for name, source in FILES.items():
        yield name, checkout / source
    for folder, source in FOLDERS.items():
        for file in (checkout / source).rglob("*"):
            if file.is_file() and file.parent.name != "in_wheel":
                yield f"{folder}/{file.relative_to(checkout / source)}", file


def test_it_has_what_belongs_in_it_and_nothing_else(wheel: Wheel, checkout: Path) -> None:
    with zipfile.ZipFile(wheel.file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}

    expected = dict(copies(checkout))
    about = wheel.file.name.split("-cp")[0] + ".dist-info/"
    extension = f"shmcomm/_core.cpython-{wheel.version.replace('.', '')}-x86_64-linux-gnu.so"
    assert about.startswith("shm_comm_lib-")
    assert sorted(contents) == sorted([*expected, extension, *(about + name for name in ABOUT)])
    assert [name for name, file in expected.items() if contents[name] != file.read_bytes()] == []


def test_a_source_distribution_says_the_same_of_itself_as_a_checkout(wheel: Wheel, wheel_of_checkout: Wheel) -> None:
    def about(one: Wheel, name: str) -> bytes:
        with zipfile.ZipFile(one.file) as archive:
            return archive.read(f"{one.file.name.split('-cp')[0]}.dist-info/{name}")

    for name in ("METADATA", "entry_points.txt"):
        assert about(wheel, name) == about(wheel_of_checkout, name)


def test_it_runs_on_older_systems(wheel: Wheel, tools: Path) -> None:
    text = " ".join(run(tools / "auditwheel", "show", wheel.file, folder=wheel.file.parent).split())

    found = re.search(r'platform tag: "manylinux_2_(\d+)_x86_64"', text)
    assert found and int(found[1]) <= 34, text


def test_abseil_is_inside_and_not_seen(wheel: Wheel, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel.file) as archive:
        (name,) = (name for name in archive.namelist() if name.startswith("shmcomm/_core.") and name.endswith(".so"))
        module = archive.extract(name, tmp_path)

    symbols = run("nm", "--dynamic", "--defined-only", module, folder=tmp_path)
    needed = run("readelf", "--dynamic", module, folder=tmp_path)
    assert [line.split()[-1] for line in symbols.splitlines()] == ["PyInit__core"]
    assert set(re.findall(r"Shared library: \[(\w+)", needed)) <= {"libstdc", "libm", "libgcc_s", "libc", "ld"}


def test_cibuildwheel_knows_its_options_and_builds_for_what_is_supported(tools: Path, checkout: Path) -> None:
    """A key that it does not know is an error of cibuildwheel."""
    identifiers = run(tools / "cibuildwheel", "--print-build-identifiers", "--platform", "linux", ".", folder=checkout).split()

    assert identifiers == [f"cp{version.replace('.', '')}-manylinux_x86_64" for version in SUPPORTED]
