# SPDX-License-Identifier: Apache-2.0
"""The goals table: what the tests of a run reached, out of what they printed.

usage: goals.py LOG...    (ctest's LastTest.log and pytest's output); fails where a goal is missed that is not of time"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

Figures = list[tuple[int, ...]]


@dataclass(frozen=True)
class Goal:
    """One row: lines that match `pattern` give numbers, `figure` makes one number of them, which should be at least `goal`,
    or at most, and then there must be such lines. A time depends on what else the machine does: it is only shown."""

    area: str
    goal: int
    pattern: str
    figure: Callable[[Figures], int]
    is_most: bool = False
    is_time: bool = False

    def reached(self, text: str) -> tuple[int, bool]:
        """The figure, and whether it is good enough."""
        figures = [tuple(map(int, match.groups())) for match in re.finditer(self.pattern, text)]
        reached = self.figure(figures)
        return reached, bool(figures) and reached <= self.goal if self.is_most else reached >= self.goal

    def row(self, text: str) -> str:
        reached, is_enough = self.reached(text)
        return f"{self.goal:>14,} {reached:>14,} {' ' if is_enough else '-'} {self.area}"


def total(figures: Figures) -> int:
    return sum(numbers[0] for numbers in figures)


def least(figures: Figures) -> int:
    return min((numbers[0] for numbers in figures), default=0)


def greatest(figures: Figures) -> int:
    return max((numbers[0] for numbers in figures), default=0)


def survivors(figures: Figures) -> int:
    return sum(planted - caught for caught, planted in figures)


GOALS = (
    Goal("executions of the model checker", 10_000_000, r"model: (\d+) executions", total),
    Goal("mutants of the protocol caught", 215, r"mutants: (\d+) of \d+ caught", total),
    Goal("mutants that survived, at most", 0, r"mutants: (\d+) of (\d+) caught", survivors, is_most=True),
    Goal("instructions at which a process was killed", 140_000, r"every_instruction \w+ kills (\d+)", total),
    Goal("addresses of code, each operation's by themselves, at which one was killed in operations that are no opening or closing", 68_000, r"every_instruction \w+ kills \d+ of \d+ at (\d+) addresses, hot", total),
    Goal("operations walked instruction by instruction", 80, r"every_instruction \w+ kills (\d+)", len),
    Goal("crash images repaired by a newcomer", 720, r"every_instruction \w+ images (\d+)", total),
    Goal("shared writes after which a process stood still while others exchanged something", 700, r"every_instruction \w+ pairs (\d+)", total),
    Goal("edges of system calls at which a process was killed", 1_000, r"every_system_call \w+ kills (\d+)", total),
    Goal("system calls made to fail", 500, r"failing_system_call \w+ (\d+)", total),
    Goal("allocations made to fail", 100, r"failing_allocation (\d+)", total),
    Goal("openings of a channel by 32 processes at once", 64_000, r"simultaneous_create openings (\d+)", total),
    Goal("random kills", 20_000, r"kill_test kills (\d+)", total),
    Goal("endpoints killed after which files and bytes were those of the living", 10_000, r"kill_leftovers endpoints (\d+)", total),
    Goal("jobs shared in turn, each of four pullers a quarter within 5 %", 200_000, r"turns jobs (\d+)", total),
    Goal("executions of fuzz targets", 10_000_000, r"fuzz \w+ executions (\d+)", total),
    Goal("seconds that every subset of the processes of a channel stood still", 60, r"every_subset stopped \d+ processes for (\d+) seconds", least),
    Goal("of the processes that stood still, taken for dead, at most", 0, r"every_subset stopped .* (\d+) taken for dead", total, is_most=True),
    Goal("interpreters that ended in a random way, none by a crash", 1_000, r"python_exits (\d+)", total),
    Goal("ms by which a dead subscriber delays a publisher, 99 % of deaths, at most", 50, r"dead subscriber, ms: .*p99 (\d+)", greatest, is_most=True, is_time=True),
    Goal("ms until a caller knows of its replier's death, 99 %, at most", 50, r"a replier's death, .*p99 (\d+)", greatest, is_most=True, is_time=True),
    Goal("ms until a newcomer has the name of those who were killed, the slowest of 600, at most", 1_000, r"reopened after .*max (\d+)", greatest, is_most=True, is_time=True),
    Goal("ms that a wait goes on after Ctrl-C, 99 %, in C++ and Python, at most", 100, r"interrupted_wait ms .*p99 (\d+)", greatest, is_most=True, is_time=True),
    Goal("words written by a hostile process", 60_000_000, r"hostile_writer \w+ written (\d+)", total),
    Goal("words a second that it wrote, where it was slowest", 1_000_000, r"hostile_writer .* a second (\d+)", least, is_time=True),
    Goal("reliable deliveries from 16 processes to 32, none lost, memory and descriptors flat", 1_000_000_000, r"reliable_processes deliveries (\d+)", total),
    Goal("messages checked in the soak", 1_000_000, r"soak .* taken (\d+)", total),
    Goal("kills in the soak", 20_000, r"soak .* kills (\d+)", total),
    Goal("times that the memory was full in the soak", 1_000, r"soak .* fills (\d+)", total),
    Goal("jobs done once in the soak", 100_000, r"soak .* jobs (\d+)", total),
    Goal("calls answered in the soak", 100_000, r"soak .* calls (\d+)", total),
    Goal("pairs that opened, published, took and closed, memory flat", 1_000_000, r"leaks NotBy(?:Opening|Others)\w+ count (\d+)", least),
    Goal("messages with flat memory", 100_000_000, r"leaks NotByMessages count (\d+)", total),
    Goal("pairs that came and went in Python, memory flat", 1_000_000, r"leaks_python \w+ opened (\d+)", total),
    Goal("messages of each kind in Python with flat memory", 1_000_000, r"leaks_python \w+ sent (\d+)", least),
    Goal("messages of one kind in Python with flat memory", 100_000_000, r"leaks_python \w+ messages (\d+)", least),
    Goal("endpoints of jobs and calls that opened and closed, memory flat", 200_000, r"leaks NotBy(?:Pushers|Requesters)\w+ count (\d+)", least),
    Goal("jobs with flat memory", 50_000_000, r"leaks NotByJobs count (\d+)", total),
    Goal("calls with flat memory", 20_000_000, r"leaks NotByCalls count (\d+)", total),
)  # fmt: skip


def table(text: str, goals: Iterable[Goal] = GOALS) -> list[str]:
    return [f"{'goal':>14} {'reached':>14}", *(goal.row(text) for goal in goals)]


def missed(text: str, goals: Iterable[Goal] = GOALS) -> list[str]:
    """Areas that fail a run."""
    return [goal.area for goal in goals if not goal.is_time and not goal.reached(text)[1]]


def main() -> int:
    text = "\n".join(Path(log).read_text(errors="replace") for log in sys.argv[1:] if Path(log).exists())
    print("\n".join(table(text)))
    for area in missed(text):
        print(f"missed: {area}")
    return 1 if missed(text) else 0


if __name__ == "__main__":
    sys.exit(main())
