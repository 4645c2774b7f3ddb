# SPDX-License-Identifier: Apache-2.0
"""`record.py FILE ID`: the same as record.cc."""

from __future__ import annotations

import faulthandler
import struct
import sys
from pathlib import Path

from recording import ImuSubscriber, ProgressPublisher, Sample

HUNG_AFTER_S = 240


def row(sample: Sample) -> bytes:
    g, a, m = sample.gyroscope, sample.accelerometer, sample.magnetometer
    return struct.pack("<10d", sample.time_s, g.x, g.y, g.z, a.x, a.y, a.z, m.x, m.y, m.z)


def record(path: Path, identity: int) -> None:
    with path.open("wb") as file, ImuSubscriber() as subscriber, ProgressPublisher() as reports:
        print("ready", flush=True)
        reports.send(subscriber=identity, taken=0)
        taken, count = 0, 1
        while taken < count:
            sample = subscriber.recv()
            if sample.lost != 0 or sample.index != taken:
                raise RuntimeError(f"sample {taken} was lost")
            file.write(row(sample))
            count = sample.count
            taken += 1
            reports.send(subscriber=identity, taken=taken)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(HUNG_AFTER_S, exit=True)
    record(Path(sys.argv[1]), int(sys.argv[2]))
