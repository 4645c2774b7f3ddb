# SPDX-License-Identifier: Apache-2.0
"""Nothing in the runtime reads the clock of day, but to date lines of the log: whoever sets it would change timeouts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("runtime/src", "runtime/include", "runtime/python")
SUFFIXES = {".h", ".cc", ".py", ".pyi"}
DATED_LINES = "runtime/src/endpoint/log.cc"
CLOCK_OF_DAY = re.compile(
    r"\babsl::Now\b|\bsystem_clock\b|\bCLOCK_REALTIME|\bgettimeofday\b|\btimespec_get\b|\btime\.time(?:_ns)?\b"
    r"|(?<![\w.>])time\((?:nullptr|NULL|0|&\w+)\)|\bdatetime\.(?:now|utcnow|today)\b|\babsl/time/clock\.h"
)


def readings(name: str, text: str) -> list[str]:
    return [
        f"{name}:{n}: reads the clock of day, timeouts need the monotonic one"
        for n, line in enumerate(text.splitlines(), 1)
        if CLOCK_OF_DAY.search(line)
    ]


def test_the_runtime_reads_the_monotonic_clock_only() -> None:
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")) if path.suffix in SUFFIXES]
    assert ROOT / DATED_LINES in paths
    paths.remove(ROOT / DATED_LINES)
    assert [found for path in paths for found in readings(str(path.relative_to(ROOT)), path.read_text())] == []


@pytest.mark.parametrize(
    "line",
    [
        "const absl::Time deadline = absl::Now() + timeout;",
        '#include "absl/time/clock.h"',
        "auto now = std::chrono::system_clock::now();",
        "clock_gettime(CLOCK_REALTIME, &now);",
        "clock_gettime(CLOCK_REALTIME_COARSE, &now);",
        "gettimeofday(&now, nullptr);",
        "std::time(nullptr);",
        "deadline = time.time() + timeout",
    ],
)
def test_a_reading_of_the_clock_of_day_is_found(line: str) -> None:
    assert readings("a.cc", line) == ["a.cc:1: reads the clock of day, timeouts need the monotonic one"]


@pytest.mark.parametrize("line", ["clock_gettime(CLOCK_MONOTONIC, &now);", "platform::NowNs()", "loop.time()", "time.monotonic()"])
def test_the_monotonic_clock_is_not_complained_about(line: str) -> None:
    assert readings("a.cc", line) == []
