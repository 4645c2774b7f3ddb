# SPDX-License-Identifier: Apache-2.0
"""Counts what arrives on one channel: rate, latency percentiles, lost messages."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

WINDOW = 4096
"""How many of the newest messages the rate and the percentiles are taken from."""


@dataclass(frozen=True)
class Figures:
    """What a meter says at one moment. Latencies are publish to take, in nanoseconds."""

    received: int
    lost: int
    rate_hz: float
    p50_ns: int
    p99_ns: int


def percentile(ordered: list[int], share: float) -> int:
    """The smallest value that at least `share` of the `ordered` values do not exceed; 0 if there are none."""
    if not ordered:
        return 0
    rank = -(-len(ordered) * share // 1)  # rounded up
    return ordered[max(0, int(rank) - 1)]


class Meter:
    """One thread notes, another reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received = 0
        self._lost = 0
        self._recent: deque[tuple[int, int]] = deque(maxlen=WINDOW)  # taken at, latency

    def note(self, publish_ns: int, taken_ns: int, lost: int) -> None:
        with self._lock:
            self._received += 1
            self._lost += lost
            self._recent.append((taken_ns, taken_ns - publish_ns))

    def figures(self) -> Figures:
        with self._lock:
            received, lost, recent = self._received, self._lost, list(self._recent)
        ordered = sorted(latency for _, latency in recent)
        return Figures(received, lost, _rate(recent), percentile(ordered, 0.50), percentile(ordered, 0.99))


def _rate(recent: list[tuple[int, int]]) -> float:
    """Messages a second between the first and the last of them."""
    if len(recent) < 2:
        return 0.0
    passed_ns = recent[-1][0] - recent[0][0]
    return (len(recent) - 1) * 1e9 / passed_ns if passed_ns > 0 else 0.0
