#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants the mistakes of mutants.toml one at a time and expects the model checker to catch each.

A mutant is a text replacement in one source, or several others planted together. The old text must be there exactly once;
the sources that include a mutated file are compiled again beside the unchanged rest, and its scenarios are explored. The
run fails if a mutant survives, does not apply, or is called equivalent and is caught nevertheless.

Compiling them all takes a quarter of an hour: a run tries SHMCOMM_MUTANTS of them (50; 0 is all), which SHMCOMM_SEED chooses.
"""
from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import random
import re
import subprocess
import sys
import tomllib
from typing import Any

FULL_LAP_BITS = 40
RUNTIME_SOURCES = ("ring/*.cc", "wake/*.cc", "registry/*.cc", "platform/*_descriptor.cc", "segment/plan.cc",
                   "endpoint/messages.cc", "endpoint/polled.cc", "endpoint/room.cc", "endpoint/wait_set_core.cc")
ABSL_PACKAGES = ("absl_status", "absl_statusor", "absl_strings", "absl_time")
# What nearly every source includes and no mutant changes: compiled once, it makes the others three times as fast.
PRELUDE = ("algorithm", "array", "functional", "memory", "optional", "string", "vector",
           "absl/status/status.h", "absl/status/statusor.h", "absl/strings/str_cat.h")
# An equivalent mutant is explored in vain; its reason is what convinces.
EQUIVALENT_EXECUTIONS = "40000"


@dataclasses.dataclass(frozen=True)
class Edit:
    file: str
    old: str
    new: str


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    why: str
    edits: tuple[Edit, ...]
    scenarios: tuple[str, ...]
    lap_bits: int = FULL_LAP_BITS
    equivalent: str = ""


@dataclasses.dataclass(frozen=True)
class Outcome:
    mutant: Mutant
    is_right: bool
    text: str


class Failure(Exception):
    """A mutant that could not be tried."""


def read_mutants(path: pathlib.Path) -> list[Mutant]:
    with path.open("rb") as file:
        entries = tomllib.load(file)["mutant"]
    edits: dict[str, tuple[Edit, ...]] = {}
    mutants = []
    for entry in entries:
        name = entry["name"]
        if name in edits:
            raise SystemExit(f"{path}: two mutants are called '{name}'")
        edits[name] = edits_of(entry, edits)
        mutants.append(Mutant(name, entry["why"], edits[name], tuple(entry["scenarios"]),
                              entry.get("lap_bits", FULL_LAP_BITS), entry.get("equivalent", "")))
    return mutants


def chosen(mutants: list[Mutant], number: int, seed: int) -> list[Mutant]:
    """Some of them, in their order; all for 0, or where there are not as many."""
    if number == 0 or number >= len(mutants):
        return mutants
    places = sorted(random.Random(seed).sample(range(len(mutants)), number))
    return [mutants[place] for place in places]


def edits_of(entry: dict[str, Any], earlier: dict[str, tuple[Edit, ...]]) -> tuple[Edit, ...]:
    """Its own replacement, or those of the earlier mutants that it plants together."""
    if "together" not in entry:
        return (Edit(entry["file"], entry["old"], entry["new"]),)
    for name in entry["together"]:
        if name not in earlier:
            raise SystemExit(f"{entry['name']} plants '{name}', which is no mutant before it")
    return tuple(edit for name in entry["together"] for edit in earlier[name])


class Workshop:
    """Compiles the unchanged program once and variants of it afterwards."""

    def __init__(self, root: pathlib.Path, build: pathlib.Path, compiler: str) -> None:
        self.root = root
        self.build = build
        self.compiler = compiler
        self.runtime = root / "runtime" / "src"
        self.checker = root / "tests" / "sched"
        self.libraries = run(["pkg-config", "--libs", *ABSL_PACKAGES]).split()

    def sources(self) -> list[pathlib.Path]:
        scenarios = sorted((self.checker / "scenarios").glob("*.cc"))
        checker = [path for path in sorted(self.checker.glob("*.cc")) if not path.stem.endswith("_test")]
        return checker + scenarios + [path for pattern in RUNTIME_SOURCES for path in sorted(self.runtime.glob(pattern))]

    def flags(self, lap_bits: int) -> list[str]:
        return ["-std=c++17", "-O1", "-w", "-DSHMCOMM_CHECKED_ATOMICS", f"-DSHMCOMM_LAP_BITS={lap_bits}"]

    def prelude(self, lap_bits: int) -> pathlib.Path:
        return self.build / f"lap{lap_bits}" / "prelude.h"

    def compile_prelude(self, lap_bits: int) -> None:
        header = self.prelude(lap_bits)
        header.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(f"#include <{name}>\n" for name in PRELUDE)
        compiled = header.with_name(header.name + ".gch")
        if compiled.exists() and header.read_text() == text:
            return
        header.write_text(text)
        run([self.compiler, *self.flags(lap_bits), "-x", "c++-header", str(header), "-o", str(compiled)])

    def compile(self, source: pathlib.Path, target: pathlib.Path, lap_bits: int, overlay: pathlib.Path | None) -> None:
        includes = [self.runtime, self.root / "runtime" / "include", self.root / "tests"]
        if overlay is not None:
            includes = [overlay / "runtime" / "src", overlay / "tests", *includes]
        target.parent.mkdir(parents=True, exist_ok=True)
        run([self.compiler, *self.flags(lap_bits), "-include", str(self.prelude(lap_bits)),
             *(f"-I{include}" for include in includes), "-MMD", "-c", str(source), "-o", str(target)])

    def object_of(self, source: pathlib.Path, lap_bits: int) -> pathlib.Path:
        return self.build / f"lap{lap_bits}" / (str(source.relative_to(self.root)).replace("/", "_") + ".o")

    def is_fresh(self, target: pathlib.Path) -> bool:
        made = target.with_suffix(".d")
        if not target.exists() or not made.exists():
            return False
        needed = dependencies(made)
        return all(path.exists() and path.stat().st_mtime < target.stat().st_mtime for path in needed)

    def build_unchanged(self, pool: concurrent.futures.Executor, lap_bits: int) -> None:
        self.compile_prelude(lap_bits)
        stale = [(source, target) for source in self.sources()
                 if not self.is_fresh(target := self.object_of(source, lap_bits))]
        for job in [pool.submit(self.compile, source, target, lap_bits, None) for source, target in stale]:
            job.result()
        self.link([str(self.object_of(source, lap_bits)) for source in self.sources()], self.build / f"model{lap_bits}")

    def link(self, objects: list[str], program: pathlib.Path) -> None:
        run([self.compiler, *objects, *self.libraries, "-o", str(program)])

    def plant(self, mutant: Mutant) -> pathlib.Path:
        """Copies of the mutated files, in a tree that precedes the real one."""
        overlay = self.build / "mutants" / mutant.name
        texts = {edit.file: (self.root / edit.file).read_text() for edit in mutant.edits}
        for edit in mutant.edits:
            if texts[edit.file].count(edit.old) != 1:
                raise Failure(f"its old text is {texts[edit.file].count(edit.old)} times in {edit.file}")
            if edit.old == edit.new:
                raise Failure("it changes nothing")
            texts[edit.file] = texts[edit.file].replace(edit.old, edit.new)
        for name, text in texts.items():
            planted = overlay / name
            planted.parent.mkdir(parents=True, exist_ok=True)
            planted.write_text(text)
        return overlay

    def build_mutant(self, mutant: Mutant) -> pathlib.Path:
        overlay = self.plant(mutant)
        unused = {(self.root / edit.file).resolve() for edit in mutant.edits}
        mutated = frozenset(unused)
        objects = []
        for source in self.sources():
            target = self.object_of(source, mutant.lap_bits)
            if touched := mutated & dependencies(target.with_suffix(".d")):
                unused -= touched
                planted = overlay / source.relative_to(self.root)
                target = overlay / target.name
                self.compile(planted if planted.exists() else source, target, mutant.lap_bits, overlay)
            objects.append(str(target))
        if unused:
            raise Failure(f"no source was made from {unused.pop()}; does {self.build} belong to another tree?")
        program = overlay / "model"
        self.link(objects, program)
        return program


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command[:2])} … failed: {error_lines(done.stderr)}")
    return done.stdout


def error_lines(text: str) -> str:
    lines = [line for line in text.splitlines() if "error" in line or "undefined reference" in line]
    return " | ".join(lines[:2])[:400]


def dependencies(made: pathlib.Path) -> set[pathlib.Path]:
    text = made.read_text().replace("\\\n", " ").split(":", 1)[1]
    return {pathlib.Path(name).resolve() for name in text.split()}


def counts(executions: str) -> list[str]:
    return ["--depth-first", executions, "--random", executions]


def try_mutant(workshop: Workshop, mutant: Mutant, options: list[str]) -> Outcome:
    try:
        program = workshop.build_mutant(mutant)
    except Failure as failure:
        return Outcome(mutant, False, f"does not apply: {failure}")
    results = []
    is_right = True
    if mutant.equivalent and not options:
        options = counts(EQUIVALENT_EXECUTIONS)
    for scenario in mutant.scenarios:
        done = subprocess.run([str(program), "run", scenario, *options], capture_output=True, text=True)
        if done.returncode not in (0, 1):
            return Outcome(mutant, False, f"{scenario}: the program ended with {done.returncode}: {done.stderr[:300]}")
        is_caught = done.returncode == 1
        is_right &= is_caught != bool(mutant.equivalent)
        executions = re.search(r"(\d+) executions", done.stdout)
        what = done.stdout.splitlines()[1] if is_caught else "survives"
        results.append(f"{scenario}: {executions.group(1) if executions else '?'} executions, {what}")
    program.unlink()
    return Outcome(mutant, is_right, "; ".join(results))


def main() -> int:
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where to compile")
    parser.add_argument("--compiler", default=os.environ.get("CXX", "g++"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", action="append", default=[], help="only this mutant; may be repeated")
    parser.add_argument("--executions", default="", help="depth-first and random executions of each scenario")
    arguments = parser.parse_args()

    mutants = read_mutants(here / "mutants.toml")
    if arguments.only:
        mutants = [mutant for mutant in mutants if mutant.name in arguments.only]
    else:
        seed = int(os.environ.get("SHMCOMM_SEED", random.SystemRandom().randrange(1 << 32)))
        mutants = chosen(mutants, int(os.environ.get("SHMCOMM_MUTANTS", "50")), seed)
        print(f"SHMCOMM_SEED={seed} chose {len(mutants)} mutants", flush=True)
    workshop = Workshop(here.parents[1], arguments.build.resolve(), arguments.compiler)
    options = counts(arguments.executions) if arguments.executions else []
    wrong = 0
    caught = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        try:
            for lap_bits in sorted({mutant.lap_bits for mutant in mutants}):
                workshop.build_unchanged(pool, lap_bits)
        except Failure as failure:
            raise SystemExit(f"the unchanged sources do not compile: {failure}") from failure
        jobs = [pool.submit(try_mutant, workshop, mutant, options) for mutant in mutants]
        for outcome in (job.result() for job in jobs):
            wrong += not outcome.is_right
            caught += outcome.is_right and not outcome.mutant.equivalent
            expected = "equivalent" if outcome.mutant.equivalent else "caught"
            verdict = expected if outcome.is_right else "WRONG"
            print(f"{verdict:10} {outcome.mutant.name:32} {outcome.text}", flush=True)
    equivalent = sum(bool(mutant.equivalent) for mutant in mutants)
    print(f"mutants: {caught} of {len(mutants) - equivalent} caught, {equivalent} equivalent")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
