# SPDX-License-Identifier: Apache-2.0
"""Other processes and threads of a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[Any]]:
    """Runs `work`; the list then holds its answer or its exception."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def environment(generated: Path) -> dict[str, str]:
    """That of a child that imports shmcomm and the generated package."""
    import shmcomm

    assert shmcomm.__file__ is not None
    built = Path(shmcomm.__file__).parents[1]
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(built), str(generated)])}


def library(source: str, folder: Path) -> Path:
    """A shared library of C for a child's LD_PRELOAD. Skips the test where no compiler is."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    (folder / "shim.c").write_text(source)
    clean = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "shim.so", folder / "shim.c", "-ldl"], check=True, env=clean)
    return folder / "shim.so"


def start(program: str, *arguments: object, generated: Path) -> subprocess.Popen[str]:
    """A Python program that talks to the test over its standard input and output, line by line."""
    command = [sys.executable, "-u", "-c", program, *map(str, arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(generated)
    )


def tell(child: subprocess.Popen[str], line: str = "go") -> None:
    pipe = _pipe(child.stdin)
    pipe.write(line + "\n")
    pipe.flush()


def hear(child: subprocess.Popen[str]) -> str:
    """The child's next line; AssertionError if it ended instead."""
    line = _pipe(child.stdout).readline()
    assert line, f"the child ended with {child.wait()}"
    return line.rstrip("\n")


def wait_until_asleep(process: int) -> None:
    """Returns when the kernel says that the process sleeps."""
    status = Path(f"/proc/{process}/stat")
    while status.read_text().rpartition(")")[2].split()[0] != "S":
        os.sched_yield()


def end(child: subprocess.Popen[str]) -> int:
    """Closes the child's input and waits for its end."""
    _pipe(child.stdin).close()
    code = child.wait()
    _pipe(child.stdout).close()
    return code


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
