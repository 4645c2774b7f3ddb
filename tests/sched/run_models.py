#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Explores every scenario, also those across the wrap of a shrunk lap, and adds up what was seen.

The build must have the programs sched_model, sched_model_lap3 and sched_model_lap2. SHMCOMM_MODEL_EXECUTIONS multiplies
the executions. The last line is the sum, for tables. The run fails when a scenario ends in a violation.
"""
from __future__ import annotations

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

PROGRAMS = ("sched_model", "sched_model_lap3", "sched_model_lap2")


def scenarios_of(program: pathlib.Path) -> list[str]:
    listed = subprocess.run([program, "list"], check=True, capture_output=True, text=True).stdout
    return [line.split()[0] for line in listed.splitlines()]


def explore(program: pathlib.Path, scenario: str) -> tuple[bool, str]:
    done = subprocess.run([program, "run", scenario], capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path, help="the folder that holds the programs, such as build/ci/tests/sched")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()

    programs = [arguments.build / name for name in PROGRAMS]
    tasks = [(program, scenario) for program in programs for scenario in scenarios_of(program)]
    executions = exhausted = wrong = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for holds, text in pool.map(lambda task: explore(*task), tasks):
            print(text, end="", flush=True)
            wrong += not holds
            exhausted += "(exhausted)" in text
            found = re.search(r"(\d+) executions", text)
            executions += int(found.group(1)) if found else 0
    print(f"model: {executions} executions, {len(tasks)} scenarios, {exhausted} exhausted, {wrong} violated")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
