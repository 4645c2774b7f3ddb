# SPDX-License-Identifier: Apache-2.0
"""The largest message that is promised. It needs 1 GiB of shared memory and as much besides: with `test.sh --long` only."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

GIBIBYTE = 1 << 30

pytestmark = [
    pytest.mark.skipif("SHMCOMM_SCALE" not in os.environ, reason="runs with test.sh --long"),
    pytest.mark.skipif(shutil.disk_usage("/dev/shm").free < 2 * GIBIBYTE, reason="/dev/shm has less than 2 GiB free"),
]


def test_an_array_of_a_gibibyte_is_copied_in_and_made_in_place(root: Path) -> None:
    import numpy as np
    from shmcomm import Publisher, Subscriber

    shape = (GIBIBYTE // 8 - 64,)  # the rest tells what it is
    sent = np.arange(*shape, dtype=np.int64)
    with Publisher("map", max_size=GIBIBYTE, root=root) as pub, Subscriber("map", root=root) as sub:
        pub.send(sent)
        received = sub.recv(timeout=60_000)
        assert np.array_equal(received, sent)
        del received
        with pub.loan(shape, np.int64) as array:
            array[:] = 7
        received = sub.recv(timeout=60_000)
        assert received.shape == shape and (received == 7).all()
