# SPDX-License-Identifier: Apache-2.0
"""Shows the telemetry of this computer as it arrives, for a few seconds, then prints a summary.

The messages are read where they lie in shared memory. Exits 0 if both channels delivered something.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from meter import Meter
from screen import Overview, ProcessRow, Screen, channel_lines, table_lines
from shmcomm import SHMError, SHMTimeoutError

from telemetry import ProcessState, PulseSubscriber, Snapshot, SnapshotSubscriber

WAIT_MS = 100
REDRAW_S = 0.2
PATIENCE_S = 30.0  # for a publisher that is still starting


class Receiver(threading.Thread):
    """Takes every message of one channel and notes when; `look` sees each while it is borrowed."""

    def __init__(self, subscriber: Any, stop: threading.Event, look: Callable[[Any], None] = lambda message: None) -> None:
        super().__init__(name=type(subscriber).__name__)
        self.meter = Meter()
        self.error: Exception | None = None
        self._subscriber = subscriber
        self._stop_asked = stop
        self._look = look

    def run(self) -> None:
        try:
            while not self._stop_asked.is_set():
                self._take()
        except Exception as error:  # shown by the main thread, which then stops everything
            self.error = error
            self._stop_asked.set()

    def _take(self) -> None:
        try:
            message = self._subscriber.recv(timeout=WAIT_MS)
        except SHMTimeoutError:
            return
        self.meter.note(message.publish_ns, time.monotonic_ns(), message.lost)
        self._look(message)


class Latest:
    """The newest snapshot, as the table needs it."""

    def __init__(self) -> None:
        self.overview: Overview | None = None

    def see(self, snapshot: Snapshot) -> None:
        cores, memory, load = snapshot.cores, snapshot.memory, snapshot.load
        self.overview = Overview(
            host=snapshot.host,
            uptime_s=snapshot.uptime_s,
            busy=(1.0 - cores["idle"] - cores["iowait"]).tolist(),
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            load=(load.one, load.five, load.fifteen),
            temperatures={one.sensor: one.celsius for one in snapshot.temperatures or ()},
            processes=[
                ProcessRow(one.pid, one.name, ProcessState(one.state).name, one.cores, one.resident_bytes)
                for one in snapshot.busiest
            ],
        )


class LatestWake:
    """How late the operating system woke the publisher, at worst."""

    def __init__(self) -> None:
        self.worst_ns = 0

    def see(self, pulse: Any) -> None:
        self.worst_ns = max(self.worst_ns, pulse.late_ns)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long to look (default: %(default)s)")
    return parser.parse_args()


def stop_on_signals(stop: threading.Event) -> None:
    def ask(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)


def show(receivers: dict[str, Receiver], latest: Latest, seconds: float, stop: threading.Event) -> None:
    """Redraws until the time is up, which begins when every channel has delivered, or someone asks to stop."""
    screen = Screen()
    end = time.monotonic() + PATIENCE_S
    has_begun = False
    while not stop.is_set() and (left := end - time.monotonic()) > 0:
        figures = {name: one.meter.figures() for name, one in receivers.items()}
        screen.draw(table_lines(figures, latest.overview))
        if not has_begun and all(one.received > 0 for one in figures.values()):
            has_begun = True
            left = seconds
            end = time.monotonic() + seconds
        stop.wait(min(REDRAW_S, left))
    screen.clear()


def summarize(receivers: dict[str, Receiver], latest: Latest, wakes: LatestWake) -> int:
    print("\n".join(channel_lines({name: one.meter.figures() for name, one in receivers.items()})))
    if latest.overview is not None:
        busiest = latest.overview.processes[0].name if latest.overview.processes else "none"
        print(f"{latest.overview.host}: {len(latest.overview.busy)} cores, busiest process {busiest}")
    print(f"the publisher's 1 kHz timer was late by {wakes.worst_ns / 1e3:.0f} µs at worst")
    for name, one in receivers.items():
        if one.error is not None:
            print(f"{name}: {one.error}", file=sys.stderr)
    failed = [name for name, one in receivers.items() if one.error is not None or one.meter.figures().received == 0]
    if failed:
        print(f"nothing or not everything arrived on {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def main() -> int:
    arguments = parse_arguments()
    stop = threading.Event()
    stop_on_signals(stop)
    latest, wakes = Latest(), LatestWake()
    with SnapshotSubscriber() as snapshots, PulseSubscriber() as pulses:
        receivers = {
            "telemetry/snapshot": Receiver(snapshots, stop, latest.see),
            "telemetry/pulse": Receiver(pulses, stop, wakes.see),
        }
        for one in receivers.values():
            one.start()
        show(receivers, latest, arguments.seconds, stop)
        stop.set()
        for one in receivers.values():
            one.join()
    return summarize(receivers, latest, wakes)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SHMError as error:
        sys.exit(f"telemetry_table: {error}")
