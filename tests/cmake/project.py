# SPDX-License-Identifier: Apache-2.0
"""CMake projects that tests configure and build."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATORS = ("Ninja", "Unix Makefiles")


def run(*command: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs it with output and errors in one text."""
    return subprocess.run(
        [str(word) for word in command], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def run_or_fail(*command: str | Path) -> str:
    result = run(*command)
    assert result.returncode == 0, result.stdout
    return result.stdout


@dataclass(frozen=True)
class Project:
    """A CMake project in folders of its own, free to be changed."""

    source: Path
    build: Path
    generator: str = "Ninja"

    def configure(self, *options: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return run("cmake", "-S", self.source, "-B", self.build, "-G", self.generator, *options, env=env)

    def make(self) -> str:
        return run_or_fail("cmake", "--build", self.build, "--parallel", "2")
