# SPDX-License-Identifier: Apache-2.0
"""Messages as many as one process can send and take leave memory and descriptors flat. SHMCOMM_SCALE multiplies how many, and
what was reached is printed: 250 makes a hundred million of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shmcomm
from test_leaks import SCALE, expect_flat

AT_ONCE = 40
ROUNDS = 10_000 * SCALE
NUMBERS = list(range(AT_ONCE))


@pytest.mark.timeout(300 * SCALE)
def test_many_typed_messages_leave_memory_flat(everything: Any, root: Path) -> None:
    with everything.ScalarsPublisher(root=root) as pub, everything.ScalarsSubscriber(root=root) as sub:

        def cycle() -> None:
            for number in NUMBERS:
                pub.send(h=number)
                assert sub.try_recv().h == number

        expect_flat(ROUNDS, cycle)
    print(f"\nleaks_python typed_many messages {ROUNDS * AT_ONCE}")


@pytest.mark.timeout(300 * SCALE)
def test_many_bytes_leave_memory_flat(root: Path) -> None:
    content = [bytes([number]) for number in NUMBERS]
    with shmcomm.Publisher("x", capacity=AT_ONCE, root=root) as pub, shmcomm.Subscriber("x", root=root) as sub:

        def cycle() -> None:
            for message in content:
                pub.send(message)
            assert [view[0] for view in sub.recv_many(AT_ONCE)] == NUMBERS

        expect_flat(ROUNDS, cycle)
    print(f"\nleaks_python many messages {ROUNDS * AT_ONCE}")
