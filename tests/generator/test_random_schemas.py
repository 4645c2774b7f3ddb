# SPDX-License-Identifier: Apache-2.0
"""Schemas made at random, compared with flatc: both accept and mean the same, or both refuse.

SHMCOMM_RANDOM_SCHEMAS sets how many a lane; the default is small. A failure prints the smallest schema that shows it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from shmcomm_gen.diagnostics import as_report
from shmcomm_gen.targets.bfbs import bfbs_bytes
from shmcomm_gen.versions import newer_constructs

from tests.generator.support.bfbs_reader import read_bfbs
from tests.generator.support.compiling import compile_file
from tests.generator.support.flatcs import LANES, Lane, comparable

hypothesis = pytest.importorskip("hypothesis")
from tests.generator.support.random_schemas import schemas  # noqa: E402  (needs hypothesis)

COUNT = int(os.environ.get("SHMCOMM_RANDOM_SCHEMAS", "40"))


@pytest.mark.parametrize("lane", LANES)
def test_a_random_schema_means_to_us_what_it_means_to_flatc(lane: Lane) -> None:
    lane.find()

    @hypothesis.settings(max_examples=COUNT, deadline=None, database=None, print_blob=True)
    @hypothesis.given(schemas())
    def compare(text: str) -> None:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            (directory / "case.fbs").write_text(text, encoding="utf-8")
            theirs = lane.run(directory, directory / "case.fbs")
            schema, sink = compile_file(directory / "case.fbs")
            if theirs.returncode != 0:
                assert sink.has_errors or list(newer_constructs(schema)), theirs.stdout + theirs.stderr
                return
            assert not sink.has_errors, as_report(sink.diagnostics)
            expected = comparable(read_bfbs((directory / "case.bfbs").read_bytes()), lane)
            assert comparable(read_bfbs(bfbs_bytes(schema)), lane) == expected

    compare()
