# SPDX-License-Identifier: Apache-2.0
"""Whatever looks at a message keeps its slot, and nothing else does."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import tracemalloc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shmcomm

VIEWS: dict[str, Callable[[Any], Any]] = {
    "sample": lambda tree: tree,
    "array": lambda tree: tree.data,
    "slice of an array": lambda tree: tree.data[1:][::2],
    "memoryview": lambda tree: memoryview(tree),
    "slice of a memoryview": lambda tree: memoryview(tree)[4:],
    "nested table": lambda tree: tree.leaf,
    "nested struct": lambda tree: tree.imu.accel,
    "array of a nested struct": lambda tree: tree.imu.cov,
    "sequence": lambda tree: tree.names,
    "element of a sequence": lambda tree: tree.leaves[0],
    "array of an element": lambda tree: tree.leaves[0].scores,
    "structured array": lambda tree: tree.points,
    "row of a structured array": lambda tree: tree.points[:1],
}


def send_tree(pub: Any, number: int) -> None:
    pub.send(
        id=number, data=bytes([number]) * 100, names=[f"name {number}"] * 3, leaf={"id": number, "name": str(number)},
        imu={"accel": (number,) * 3, "cov": [number] * 9}, leaves=[{"id": number, "scores": [number] * 5}],
        points=[(number,) * 3] * 5,
    )  # fmt: skip


def show(view: Any) -> str:
    if isinstance(view, memoryview):
        return bytes(view).hex()
    return str(view.tolist() if isinstance(view, np.ndarray) else view)


@pytest.mark.parametrize("take", VIEWS.values(), ids=VIEWS.keys())
def test_a_view_keeps_the_slot_after_sample_and_subscriber(everything: Any, root: Path, take: Callable[[Any], Any]) -> None:
    with everything.TreePublisher(root=root) as pub:
        sub = everything.TreeSubscriber(root=root)
        send_tree(pub, 1)
        view = take(sub.recv(timeout=1000))
        before = show(view)
        sub.close()
        del sub
        gc.collect()
        for number in range(2, 100):
            send_tree(pub, number)

        assert show(view) == before
    assert show(view) == before


@pytest.mark.parametrize("take", VIEWS.values(), ids=VIEWS.keys())
def test_a_dropped_view_gives_its_slot_back(everything: Any, root: Path, take: Callable[[Any], Any]) -> None:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        for number in range(50):  # max_borrowed is 4: the fifth would be refused
            send_tree(pub, number)
            assert show(take(sub.recv(timeout=1000)))


def test_files_go_when_the_last_view_goes(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        send_tree(pub, 1)
        data = sub.recv(timeout=1000).data
    assert data[0] == 1
    del data

    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_value_outlives_what_it_was_made_from(everything: Any) -> None:
    leaf = everything.Tree(data=b"", leaves=[{"name": "n" * 1000, "scores": range(1000)}]).leaves[0]
    scores = leaf.scores
    del leaf
    gc.collect()

    assert scores.tolist() == list(range(1000))


def test_classes_live_as_long_as_their_instances(everything: Any) -> None:
    class Temporary(everything.Vec3):  # type: ignore[misc]
        pass

    vec = Temporary(x=1)
    died = weakref.ref(Temporary)
    del Temporary
    gc.collect()

    assert died() is not None
    assert vec.x == 1.0


def test_many_messages_leave_memory_flat(everything: Any, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="shmcomm")  # or what is kept of the log would grow

    def exchange(count: int) -> None:
        for number in range(count):
            pub.send(id=number, data=b"abc", names=["a"], leaf={"id": 1})
            tree = sub.recv(timeout=1000)
            _ = tree.id, tree.data[0], tree.names[0], tree.leaf.id, repr(tree), tree.to_dict(), memoryview(tree)[0]
            try:  # pytest.raises keeps some memory of its own in CPython 3.12
                pub.send(data=b"", id="x")
                pytest.fail("a text was taken for an int")
            except shmcomm.SHMSerializationError as error:
                assert "expected int" in str(error)

    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        exchange(200)
        gc.collect()
        tracemalloc.start()
        exchange(100)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        exchange(2000)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert after - before < 20_000


def test_receiving_leaves_reference_counts_alone(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        pub.send(data=b"", id=1)
        sample_class = type(sub.recv(timeout=1000))
        before = sys.getrefcount(sample_class), sys.getrefcount(everything.Leaf), sys.getrefcount(everything.Tree)
        for _ in range(100):
            pub.send(data=b"", leaf={"id": 1})
            tree = sub.recv(timeout=1000)
            _ = tree.leaf, everything.Leaf(id=1), everything.Tree(data=b"")
            del tree, _

        assert before == (sys.getrefcount(sample_class), sys.getrefcount(everything.Leaf), sys.getrefcount(everything.Tree))


@pytest.mark.parametrize("ending", ["", "sys.exit(3)", "os._exit(3)", "raise SystemExit(3)", "del pub, sub", "gc.disable()"])
def test_the_interpreter_may_end_at_any_time(generated: Path, root: Path, ending: str) -> None:
    from programs import environment

    program = f"""
import gc, os, sys
import everything
pub, sub = everything.TreePublisher(root=sys.argv[1]), everything.TreeSubscriber(root=sys.argv[1])
pub.send(data=b"abc", names=["a"], leaf={{"id": 1}})
sample = sub.recv(timeout=1000)
cycle = [sample, sample.data, sample.names, sample.leaf, memoryview(sample)]
cycle.append(cycle)
{ending}
"""
    done = subprocess.run([sys.executable, "-c", program, root], env=environment(generated))

    assert done.returncode == (3 if "3" in ending else 0)
