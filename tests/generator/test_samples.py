# SPDX-License-Identifier: Apache-2.0
"""Schemas nobody here wrote: those of FlatBuffers itself, under $SHMCOMM_TEST_DATA/fbs. What flatc accepts is accepted and
means the same, field by field; what flatc refuses is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from shmcomm_gen.diagnostics import as_report
from shmcomm_gen.targets.bfbs import bfbs_bytes
from shmcomm_gen.targets.fbs import fbs_text
from shmcomm_gen.versions import newer_constructs

from tests.generator.support.bfbs_reader import read_bfbs
from tests.generator.support.compiling import compile_file
from tests.generator.support.flatcs import LANES, Lane, comparable

ROOT = Path(os.environ.get("SHMCOMM_TEST_DATA", "/nonexistent")) / "fbs"
# Where the includes of a schema are found beside its own folder, by the folder it lies in.
IMPORT_DIRS = {
    "tests": ("tests", "tests/include_test"),
    "tests/include_test": ("tests/include_test", "tests/include_test/sub"),
    "tests/include_test/sub": ("tests/include_test",),
    "tests/flatc": ("tests/flatc",),
    "tests/flatc/bar": ("tests/flatc",),
    "tests/flatc/bar/baz": ("tests/flatc",),
    "samples": ("samples",),
}
# These include a file that is not part of the collection.
INCOMPLETE = "imported.fbs"
SAMPLES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.fbs")) if ROOT.is_dir() else []


def folders(name: str) -> tuple[Path, ...]:
    return tuple(ROOT / folder for folder in IMPORT_DIRS.get(str(Path(name).parent), ()))


@pytest.mark.skipif(not SAMPLES, reason="SHMCOMM_TEST_DATA names no folder with fbs/")
@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("name", SAMPLES or ["none"])
def test_a_sample_means_to_us_what_it_means_to_flatc(tmp_path: Path, name: str, lane: Lane) -> None:
    theirs = lane.run(tmp_path, ROOT / name, *folders(name))
    schema, sink = compile_file(ROOT / name, *folders(name))
    if INCOMPLETE in theirs.stdout + theirs.stderr and "S002" in {found.code for found in sink.diagnostics}:
        pytest.skip(f"{name} includes {INCOMPLETE}, which is not in the collection")

    if theirs.returncode != 0:
        assert sink.has_errors or list(newer_constructs(schema)), theirs.stdout + theirs.stderr
        return

    assert not sink.has_errors, as_report(sink.diagnostics)
    expected = comparable(read_bfbs((tmp_path / f"{Path(name).stem}.bfbs").read_bytes()), lane)
    assert comparable(read_bfbs(bfbs_bytes(schema)), lane) == expected


@pytest.mark.skipif(not SAMPLES, reason="SHMCOMM_TEST_DATA names no folder with fbs/")
@pytest.mark.parametrize("name", SAMPLES or ["none"])
def test_what_we_print_for_flatc_means_the_same(tmp_path: Path, name: str) -> None:
    lane = LANES[1]
    lane.find()
    schema, sink = compile_file(ROOT / name, *folders(name))
    if sink.has_errors:
        pytest.skip("refused")
    for file in schema.files:
        (tmp_path / f"{file.stem}.fbs").write_text(fbs_text(file, schema), encoding="utf-8")

    theirs = lane.schema(tmp_path, tmp_path / f"{schema.main.stem}.fbs")

    assert comparable(read_bfbs(bfbs_bytes(schema)), lane) == comparable(theirs, lane)
