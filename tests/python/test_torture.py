# SPDX-License-Identifier: Apache-2.0
"""Messages, loans, views and endpoints dropped in any order, on any thread: what a view shows never changes under it."""

from __future__ import annotations

import gc
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROUNDS = int(os.environ.get("SHMCOMM_TORTURE_ROUNDS", "400"))
SIZE = 2000

DLPACK_KNOWS_READ_ONLY = tuple(map(int, np.__version__.split(".")[:2])) >= (2, 1)
TAKE: list[Callable[[Any], Any]] = [
    lambda tree: tree,
    lambda tree: tree.data,
    lambda tree: tree.data[7::3][::-1],
    lambda tree: tree.floats.reshape(-1, 2).T,
    lambda tree: memoryview(tree.data)[5:],
    lambda tree: np.from_dlpack(tree.floats) if DLPACK_KNOWS_READ_ONLY else tree.floats[:],
    lambda tree: tree.leaves,
    lambda tree: tree.leaves[1].scores,
    lambda tree: tree.points["y"],
    lambda tree: [tree, tree.data, {"leaf": tree.leaf}],
]


def fill(pub: Any, number: int) -> None:
    value = number % 250
    scores = {"scores": [value] * 50}
    pub.send(id=number, data=bytes([value]) * SIZE, floats=[value] * SIZE, points=[(value,) * 3] * 9, leaf=scores, leaves=[scores] * 3)


def values_in(view: Any) -> set[int]:
    """Every number of the view, which was written as one and the same."""
    if isinstance(view, list):
        return values_in(view[1]) | values_in(view[2]["leaf"].scores)
    if isinstance(view, np.ndarray | memoryview):
        return set(np.asarray(view).ravel().astype(int).tolist())
    if hasattr(view, "data"):
        return values_in(view.data) | values_in(view.floats) | {view.id % 250}
    return set().union(*(values_in(leaf.scores) for leaf in view))


def test_views_show_their_message_whatever_else_is_dropped(everything: Any, root: Path) -> None:
    import shmcomm

    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    pub, sub = everything.TreePublisher(root=root), everything.TreeSubscriber(root=root)
    kept: list[tuple[int, Any]] = []
    for number in range(ROUNDS):
        fill(pub, number)
        try:
            tree = sub.recv(timeout=1000)
            kept.append((tree.id % 250, rng.choice(TAKE)(tree)))
            cycle: list[Any] = [tree]
            cycle.append(cycle)
            del tree, cycle
        except shmcomm.SHMBufferFullError as error:
            assert "borrowed" in str(error)
            gc.collect()
        for value, view in rng.sample(kept, min(3, len(kept))):
            assert values_in(view) == {value}
        while kept and (len(kept) > 3 or rng.random() < 0.3):
            dropped = [kept.pop(rng.randrange(len(kept)))]
            if rng.random() < 0.3:
                thread = threading.Thread(target=dropped.clear)
                thread.start()
                thread.join()
            del dropped
        choice = rng.random()
        if choice < 0.05:
            gc.collect()
        elif choice < 0.1:
            sub.close()
            sub = everything.TreeSubscriber(root=root)
        elif choice < 0.15:
            lent = pub.loan(data=SIZE)
            kept.append((number % 250, lent.data))
            lent.data[:] = number % 250
            pub.close()
            pub = everything.TreePublisher(root=root)
            del lent
    pub.close()
    sub.close()
    del pub, sub
    gc.collect()
    for value, view in kept:
        assert values_in(view) == {value}
    del kept, view
    gc.collect()
    assert [path for path in root.rglob("*") if path.is_file()] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_views_stay_readable_in_a_forked_child(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        fill(pub, 7)
        tree = sub.recv(timeout=1000)
        views = [take(tree) for take in TAKE]
        child = os.fork()
        if child == 0:
            try:
                is_intact = all(values_in(view) == {7} for view in views)
                del views, tree
                gc.collect()
                os._exit(0 if is_intact else 1)
            finally:
                os._exit(2)
        _, status = os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(status) == 0
        assert values_in(tree) == {7}


def test_too_many_borrowed_messages_say_what_to_do(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        held = []
        with pytest.raises(shmcomm.SHMBufferFullError, match=r"you hold \d+ of \d+ borrowed messages.*copy what you keep") as caught:
            for number in range(10):
                fill(pub, number)
                held.append(sub.recv(timeout=1000).data)
        assert "everything/tree" in str(caught.value)
        held.pop()
        assert sub.recv(timeout=1000).data.size == SIZE
