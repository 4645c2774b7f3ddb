# SPDX-License-Identifier: Apache-2.0
"""What a build waits for: the compiler on a schema of 10,000 lines, each run a process of its own, as CMake starts it.

Processor time, flatc's included. The limit is the start of an interpreter that imports what the compiler imports; the goal
is 2 s for the whole. Not measured: waiting for the disk.

    .venv/bin/python bench/python/compile_schema.py [LINES] [BLOCKS]
"""

from __future__ import annotations

import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIELDS = ("int = 3", "string", "[ubyte] (required)", "double = 1.5", "[Table1]", "Struct2", "Enum3 = Value1", "ulong (deprecated)")


def schema(lines: int) -> str:
    """Enums, structs, tables and channels, documented and with remarks, as people write them."""
    dice = random.Random(1)
    written = ["namespace bench;"]
    number = 0
    while len(written) < lines:
        number += 1
        written.append(f"/// What the {number}th of these types is for, told at some length.")
        if number % 3 == 0:
            written += [f"enum Enum{number} : ubyte {{", *(f"  Value{i}," for i in range(8)), "}"]
        elif number % 3 == 2:
            written += [f"struct Struct{number} {{", *(f"  field{i}:{dice.choice(('float', 'int', 'ubyte'))};" for i in range(10)), "}"]
        else:
            written += [f"table Table{number} {{", *(f"  field_{i}:{dice.choice(FIELDS)};  // a remark" for i in range(14)), "}"]
        if number % 30 == 1:
            written.append(f"channel channel_{number} : pubsub<Table{number}> {{ capacity: 8; max_size: 1MiB; }}")
        written.append("")
    return "\n".join(written[: lines - 1] + ["// the end"])


def seconds(command: list[str], cache: Path) -> float:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator"), "XDG_CACHE_HOME": str(cache)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(lines: int, blocks: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bench.channel").write_text(schema(lines), encoding="utf-8")
        compiler = [sys.executable, "-m", "shmcomm_gen", str(folder / "bench.channel")]
        kept, fresh = folder / "kept", iter(range(blocks))
        contenders: dict[str, Callable[[], float]] = {
            "limit: start and imports": lambda: seconds([sys.executable, "-c", "import shmcomm_gen.cli"], kept),
            "check": lambda: seconds(compiler, kept),
            "Python": lambda: seconds([*compiler, "--python", str(folder / "out")], kept),
            "C++, with flatc": lambda: seconds([*compiler, "--cpp", str(folder / "out")], kept),
            "check, no grammar cached": lambda: seconds(compiler, folder / f"fresh{next(fresh)}"),
        }
        times: dict[str, list[float]] = {what: [] for what in contenders}
        for _ in range(blocks):
            for what, run in contenders.items():
                times[what].append(run())
    limit, *others = times
    print(f"{lines:,} lines, {blocks} blocks")
    print(f"{limit:28} {statistics.median(times[limit]):7.3f} s")
    for what in others:
        ratios = [mine / least for mine, least in zip(times[what], times[limit], strict=True)]
        spread = f"{statistics.median(ratios):5.1f} ({min(ratios):.1f} to {max(ratios):.1f}) times the limit"
        print(f"{what:28} {statistics.median(times[what]):7.3f} s  {spread}")


if __name__ == "__main__":
    main(*(int(word) for word in (sys.argv[1:] + ["10000", "7"][len(sys.argv) - 1 :])))
