# SPDX-License-Identifier: Apache-2.0
"""A message that changes while it is read gives wrong values or SHMCorruptionError, never a crash."""

from __future__ import annotations

import mmap
import random
import threading
from pathlib import Path
from typing import Any

import pytest


def map_slot(root: Path, marker: bytes) -> tuple[mmap.mmap, int]:
    """The publisher's data file, writable, and where in it the marker lies."""
    for path in root.rglob("pub.*"):
        with path.open("r+b") as file:
            data = mmap.mmap(file.fileno(), 0)
        at = data.find(marker)
        if at >= 0:
            return data, at
        data.close()
    raise AssertionError("the message is in no data file")


def test_a_message_overwritten_while_it_is_read_never_crashes(everything: Any, root: Path) -> None:
    import shmcomm
    from shmcomm import typed

    from test_build_and_read import full_tree
    from test_hostile_messages import ROUNDS, read_all

    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    marker = b"the marker that is looked for in the data file"
    fields = full_tree(everything) | {"name": marker.decode()}
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        pub.send(**fields | {"children": [fields, fields]})
        tree = sub.recv(timeout=1000)
        original = bytes(memoryview(tree))
        data, at = map_slot(root, marker)
        start = at - original.index(marker)
        assert data[start : start + len(original)] == original
        stop = threading.Event()

        def scribble() -> None:
            rng = random.Random(seed)
            while not stop.is_set():
                for _ in range(rng.randrange(1, 50)):
                    data[start + rng.randrange(len(original))] = rng.randrange(256)
                data[start : start + len(original)] = original

        writer = threading.Thread(target=scribble)
        writer.start()
        try:
            for _ in range(ROUNDS // 10):
                try:
                    read_all(tree)
                    repr(tree)
                    tree.to_dict()
                    typed.encode(tree)
                except shmcomm.SHMCorruptionError:
                    continue
        finally:
            stop.set()
            writer.join()
        data[start : start + len(original)] = original

        assert tree.to_dict() == everything.Tree(**fields | {"children": [fields, fields]}).to_dict()
        del tree
        data.close()


def test_a_message_of_another_codec_is_refused(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.ImuPublisher(root=root) as pub, everything.ImuSubscriber(root=root) as sub:
        pub.send(stamp_ns=0x1122334455667788)
        data, at = map_slot(root, (0x1122334455667788).to_bytes(8, "little"))
        bytes_in_struct = len(memoryview(everything.Imu()))
        header = at + bytes_in_struct
        data[header + 20] = 2

        with pytest.raises(shmcomm.SHMCorruptionError, match="codec 2 is no everything.Imu"):
            sub.recv(timeout=1000)
        data.close()
        pub.send(stamp_ns=2)
        assert sub.recv(timeout=1000).stamp_ns == 2
