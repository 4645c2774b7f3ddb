# SPDX-License-Identifier: Apache-2.0
"""A real sensor recording through shared memory to both languages at once, compared bit for bit."""

from __future__ import annotations

import csv
import os
import struct
from pathlib import Path

import pytest
from interop_peers import Peers

COLUMNS = 10


@pytest.fixture
def recording() -> Path:
    folder = os.environ.get("SHMCOMM_TEST_DATA")
    if not folder:
        pytest.skip("SHMCOMM_TEST_DATA does not name the folder of the recordings")
    path = Path(folder) / "imu_recording.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def rows_of(path: Path) -> list[bytes]:
    with path.open(newline="") as file:
        lines = csv.reader(file)
        assert len(next(lines)) == COLUMNS
        return [struct.pack(f"<{COLUMNS}d", *map(float, line)) for line in lines]


@pytest.mark.timeout(300)
def test_every_value_of_a_recording_arrives_bit_for_bit(peers: Peers, recording: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / "cpp", tmp_path / "python"]
    replay = peers.start("cpp", "replay", str(recording), str(len(outputs)))

    recorders = [peers.start(path.name, "record", str(path), str(i)) for i, path in enumerate(outputs)]
    for process in [*recorders, replay]:
        process.finish()

    sent = rows_of(recording)
    assert len(sent) > 10_000
    for path in outputs:
        assert path.read_bytes() == b"".join(sent), f"the {path.name} subscriber"
    assert peers.left() == []
