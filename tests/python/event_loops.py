# SPDX-License-Identifier: Apache-2.0
"""Event loops of a test: asyncio's own and uvloop, and what the kernel knows of what they watch."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def runner(name: str) -> Run:
    """Runs a coroutine to its end on a loop of its own: asyncio's, or that of the module `name`."""
    if name == "asyncio":
        return asyncio.run
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    run: Run = importlib.import_module(name).run
    return run


def watchers_of(descriptor: int) -> int:
    """How many epolls of this process watch the descriptor."""
    count = 0
    for info in Path("/proc/self/fdinfo").iterdir():
        try:
            lines = info.read_text().splitlines()
        except FileNotFoundError:
            continue
        count += any(line.startswith("tfd:") and int(line.split()[1]) == descriptor for line in lines)
    return count


def threads() -> set[str]:
    return set(os.listdir("/proc/self/task"))


async def turns(count: int = 3) -> None:
    """Lets every task that can run do so."""
    for _ in range(count):
        await asyncio.sleep(0)
