# SPDX-License-Identifier: Apache-2.0
"""The fuzz targets are libFuzzer's as well: the smallest is built as the preset `fuzz` says, and runs for a moment."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests/fuzz/corpora/ring"
RUNS = 5000


def run(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A folder configured with the preset."""
    if shutil.which("clang++") is None:
        pytest.skip("clang++ is not installed")
    program = tmp_path / "empty"
    source = tmp_path / "empty.cc"
    source.write_text('extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }\n')
    linked = subprocess.run(["clang++", "-fsanitize=fuzzer,address,undefined", source, "-o", program], capture_output=True)
    if linked.returncode != 0:
        pytest.skip("clang++ has no libFuzzer and sanitizers (Debian: libclang-rt-dev)")
    run("cmake", "--preset", "fuzz", "-B", tmp_path / "build", "-DSHMCOMM_BUILD_PYTHON=OFF")
    return tmp_path / "build"


def test_libfuzzer_looks_for_branches_of_the_ring_and_finds_no_fault(build: Path, tmp_path: Path) -> None:
    found = tmp_path / "found"
    found.mkdir()
    run("cmake", "--build", build, "--target", "fuzz_ring")

    said = run(build / "tests/fuzz/fuzz_ring", f"-runs={RUNS}", "-seed=1", "-timeout=60", f"-artifact_prefix={tmp_path}/", found, CORPUS)

    assert f"Done {RUNS} runs" in said, said
    assert max(int(edges) for edges in re.findall(r"cov: (\d+)", said)) > 100, said
    assert any(found.iterdir()), "no input that reaches a new branch was kept"
