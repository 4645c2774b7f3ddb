# SPDX-License-Identifier: Apache-2.0
"""Text of the table, from plain values, and the terminal it is drawn on."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from meter import Figures

BAR_WIDTH = 24


@dataclass(frozen=True)
class ProcessRow:
    pid: int
    name: str
    state: str
    cores: float
    resident_bytes: int


@dataclass(frozen=True)
class Overview:
    """What the table shows of one snapshot: copied out, because the message itself is only borrowed."""

    host: str
    uptime_s: float
    busy: Sequence[float]
    memory_used: int
    memory_total: int
    load: Sequence[float]
    temperatures: Mapping[str, float] = field(default_factory=dict)
    processes: Sequence[ProcessRow] = ()


def size_text(size: float) -> str:
    """`size` bytes with a binary unit and three digits at least."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def time_text(ns: float) -> str:
    """A latency in the unit that suits it."""
    if ns < 1e6:
        return f"{ns / 1e3:.1f} µs"
    return f"{ns / 1e6:.2f} ms" if ns < 1e9 else f"{ns / 1e9:.2f} s"


def bar(share: float, width: int = BAR_WIDTH) -> str:
    filled = round(min(max(share, 0.0), 1.0) * width)
    return "█" * filled + "·" * (width - filled)


def channel_lines(channels: Mapping[str, Figures]) -> list[str]:
    lines = [f"{'channel':<20}{'received':>10}{'rate':>12}{'p50':>12}{'p99':>12}{'lost':>8}"]
    for name, one in channels.items():
        lines.append(
            f"{name:<20}{one.received:>10,}{one.rate_hz:>9.1f} Hz{time_text(one.p50_ns):>12}{time_text(one.p99_ns):>12}{one.lost:>8,}"
        )
    return lines


def overview_lines(overview: Overview) -> list[str]:
    hours, minutes = divmod(int(overview.uptime_s) // 60, 60)
    used = overview.memory_used / overview.memory_total if overview.memory_total else 0.0
    lines = [f"{overview.host}   up {hours}:{minutes:02}   load " + " ".join(f"{one:.2f}" for one in overview.load)]
    lines += [f"core {i:<4} {bar(busy)} {busy:>6.1%}" for i, busy in enumerate(overview.busy)]
    lines.append(f"memory    {bar(used)} {used:>6.1%}   {size_text(overview.memory_used)} of {size_text(overview.memory_total)}")
    lines += [f"{sensor:<24} {celsius:.1f} °C" for sensor, celsius in overview.temperatures.items()]
    if not overview.temperatures:
        lines.append("no temperature sensors")
    return lines


def process_lines(processes: Sequence[ProcessRow]) -> list[str]:
    lines = [f"{'pid':>8}  {'process':<24}{'state':<10}{'cores':>7}{'memory':>12}"]
    for one in processes:
        lines.append(f"{one.pid:>8}  {_printable(one.name)[:23]:<24}{one.state:<10}{one.cores:>7.2f}{size_text(one.resident_bytes):>12}")
    return lines


def _printable(text: str) -> str:
    """A process may call itself anything, escape sequences included."""
    return "".join(c if c.isprintable() else "?" for c in text)


def table_lines(channels: Mapping[str, Figures], overview: Overview | None) -> list[str]:
    lines = channel_lines(channels) + [""]
    if overview is None:
        return [*lines, "waiting for the first snapshot"]
    return lines + overview_lines(overview) + [""] + process_lines(overview.processes)


class Screen:
    """Redraws in place on a terminal; elsewhere (a pipe, CI) it draws nothing, so that no control codes get into logs."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._height = 0

    def draw(self, lines: Sequence[str]) -> None:
        if not self._is_terminal:
            return
        columns, rows = shutil.get_terminal_size()
        lines = [line[: columns - 1] for line in lines[: rows - 1]]  # what wraps or scrolls could not be redrawn
        up = f"\x1b[{self._height}A" if self._height else ""
        body = "".join(f"\x1b[2K{line}\n" for line in lines)
        self._out.write(f"{up}\r{body}\x1b[J")
        self._out.flush()
        self._height = len(lines)

    def clear(self) -> None:
        """Makes room for what is printed next."""
        self.draw([])
