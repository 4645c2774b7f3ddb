# SPDX-License-Identifier: Apache-2.0
"""The coverage of the hand-written C++ by folder, and whether it reaches the goals.

usage: cpp_coverage.py BUILD PROFILES [--missing]    (a build of the preset coverage; the folder its programs wrote .profraw to;
--missing lists each line never executed and each branch never taken)

A line counts if it holds code. A condition counts as two branches: it was true, and it was false; `a && b` is two conditions,
a case of a switch is one. Templates count once, whatever they were instantiated for, and so does a condition in a macro.
Where neither can be, the line says `// unreached: ` and why, and counts for nothing; such lines are counted by themselves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNREACHED = re.compile(r"// unreached: \S")
# CMake's own, and builds of the same sources with hooks or checked atomics, which have branches that users never get.
OTHER_BUILDS = re.compile(r"/(CMakeFiles/.*|sched_[^/]*|[^/]*crash_point_test|fuzz_ring)$")
COLUMNS = "{:<28} {:>7} {:>7} {:>9} {:>7} {:>9}"

Position = tuple[int, int]


@dataclass(frozen=True)
class Goal:
    folder: str
    lines: float
    branches: float


GOALS = (Goal("runtime/src", 95.0, 95.0), Goal("runtime/python/src", 90.0, 0.0))


@dataclass
class File:
    """What is counted of one source: how often each line was executed, and each condition was true and was false."""

    lines: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    branches: dict[Position, tuple[int, int]] = field(default_factory=lambda: defaultdict(lambda: (0, 0)))

    def without(self, unreached: set[int]) -> File:
        return File(
            {line: count for line, count in self.lines.items() if line not in unreached},
            {place: taken for place, taken in self.branches.items() if place[0] not in unreached},
        )


@dataclass
class Sum:
    """The figures of a folder."""

    lines: int = 0
    lines_covered: int = 0
    branches: int = 0
    branches_covered: int = 0
    unreached: int = 0

    def add(self, file: File, unreached: set[int]) -> None:
        kept = file.without(unreached)
        self.lines += len(kept.lines)
        self.lines_covered += sum(count > 0 for count in kept.lines.values())
        self.branches += 2 * len(kept.branches)
        self.branches_covered += sum((true > 0) + (false > 0) for true, false in kept.branches.values())
        self.unreached += len(unreached)

    @property
    def line_percent(self) -> float:
        return percent(self.lines_covered, self.lines)

    @property
    def branch_percent(self) -> float:
        return percent(self.branches_covered, self.branches)

    def row(self, folder: str) -> str:
        lines, branches = f"{self.line_percent:.1f} %", f"{self.branch_percent:.1f} %"
        return COLUMNS.format(folder, self.lines, lines, self.branches, branches, self.unreached)


def percent(covered: int, total: int) -> float:
    return 100.0 * covered / total if total else 100.0


def unreached_lines(text: str) -> set[int]:
    return {number for number, line in enumerate(text.splitlines(), 1) if UNREACHED.search(line)}


def read_lines(lcov: Iterable[str], files: dict[str, File]) -> None:
    """The lines of llvm-cov's lcov export."""
    current = File()
    for record in lcov:
        if record.startswith("SF:"):
            current = files[record[3:].strip()]
        elif record.startswith("DA:"):
            line, count = record[3:].split(",")[:2]
            current.lines[int(line)] += int(count)


def read_branches(export: dict[str, list[dict[str, list[dict[str, list[list[int]]]]]]], files: dict[str, File]) -> None:
    """The branches of llvm-cov's JSON export, those of all instances of a function at one place added up."""
    for function in export["data"][0]["functions"]:
        names = function["filenames"]
        for line, column, _, _, true, false, file, *_ in function["branches"]:
            branches = files[str(names[file])].branches
            before = branches[line, column]
            branches[line, column] = (before[0] + true, before[1] + false)


def folder_of(path: str) -> str:
    return str(Path(path).parent)


def table(files: dict[str, File], texts: dict[str, str], goals: Iterable[Goal]) -> tuple[list[str], bool]:
    """Rows for each folder and each goal, and whether all goals are reached."""
    rows, is_reached = [COLUMNS.format("", "lines", "", "branches", "", "unreached")], True
    for goal in goals:
        whole, folders = Sum(), defaultdict[str, Sum](Sum)
        for path in sorted(path for path in files if path.startswith(goal.folder + "/")):
            unreached = unreached_lines(texts[path])
            for figures in (whole, folders[folder_of(path)]):
                figures.add(files[path], unreached)
        rows += [figures.row(folder) for folder, figures in folders.items() if folder != goal.folder]
        has_reached = whole.lines > 0 and whole.line_percent >= goal.lines and whole.branch_percent >= goal.branches
        verdict = "" if has_reached else f"  below the goals of {goal.lines} % and {goal.branches} %"
        rows.append(whole.row(goal.folder) + verdict)
        is_reached = is_reached and has_reached
    return rows, is_reached


def missing(files: dict[str, File], texts: dict[str, str]) -> Iterator[str]:
    for path in sorted(files):
        lines, kept = texts[path].splitlines(), files[path].without(unreached_lines(texts[path]))
        gaps = [(line, 0, "never executed") for line, count in kept.lines.items() if count == 0]
        for (line, column), taken in kept.branches.items():
            gaps += [(line, column, f"never {value}") for value, count in zip(("true", "false"), taken, strict=True) if count == 0]
        yield from (f"{path}:{line}:{column}: {gap}: {lines[line - 1].strip()}" for line, column, gap in sorted(gaps))


def is_program(path: Path) -> bool:
    if not path.is_file() or path.is_symlink() or OTHER_BUILDS.search(str(path)):
        return False
    with path.open("rb") as file:
        start = file.read(18)
    return start[:4] == b"\x7fELF" and start[16] in (2, 3)  # programs and shared libraries, no objects


def export(build: Path, profiles: Path) -> dict[str, File]:
    """What the programs of `build` executed of the sources with goals."""
    merged = build / "coverage.profdata"
    subprocess.run(["llvm-profdata", "merge", "-sparse", "-o", merged, *sorted(profiles.glob("*.profraw"))], check=True)
    programs = sorted(path for path in build.rglob("*") if is_program(path))
    objects = [str(programs[0]), *(f"-object={program}" for program in programs[1:])]
    sources = [str(ROOT / goal.folder) for goal in GOALS]

    def run(form: str) -> str:
        command = ["llvm-cov", "export", f"-format={form}", f"-instr-profile={merged}", *objects, *sources]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    files: dict[str, File] = defaultdict(File)
    read_lines(run("lcov").splitlines(), files)
    read_branches(json.loads(run("text")), files)
    inside = {path: Path(path) for path in files if Path(path).is_relative_to(ROOT)}
    return {str(path.relative_to(ROOT)): files[name] for name, path in inside.items() if any(map(str(path).startswith, sources))}


def main(arguments: list[str]) -> int:
    build, profiles = map(Path, arguments[:2])
    files = export(build.resolve(), profiles)
    texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in files}
    if "--missing" in arguments:
        print(*missing(files, texts), sep="\n")
    rows, is_reached = table(files, texts, GOALS)
    print(*rows, sep="\n")
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
