# SPDX-License-Identifier: Apache-2.0
"""Messages written in place: sizes first, then views and scalars, published when the block ends."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def test_vectors_are_written_in_the_shape_asked_for(everything: Any, root: Path) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        with pub.loan(data=(4, 3, 2), floats=5, points=2, name="front", names=["a", "b"]) as tree:
            assert (tree.data.shape, tree.floats.shape, tree.points.shape) == ((4, 3, 2), (5,), (2,))
            tree.data[:] = pixels
            tree.floats[:] = 1.5
            tree.points["y"] = [7, 8]
            tree.points["x"] = tree.points["z"] = 0
        got = sub.recv(timeout=1000)

    assert got.data.tolist() == pixels.ravel().tolist()
    assert (got.floats.tolist(), got.points.tolist()) == ([1.5] * 5, [(0.0, 7.0, 0.0), (0.0, 8.0, 0.0)])
    assert (got.name, got.names[:], got.leaf, got.int8s) == ("front", ["a", "b"], None, None)


def test_scalars_and_structs_are_set_in_the_block(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        with pub.loan(data=b"given", id=1) as tree:
            assert (tree.id, tree.encoding, tree.imu) == (1, everything.Encoding.Rgb8, None)
            tree.id, tree.encoding = 9, "Bgr8"
            tree.imu = {"accel": (1, 2, 3)}
            tree.imu.stamp_ns = 5
            tree.imu.gyro.y = 4
            tree.imu.cov[:] = range(9)
        got = sub.recv(timeout=1000)

    assert (got.id, got.encoding, bytes(got.data), got.odd) == (9, everything.Encoding.Bgr8, b"given", None)
    assert (got.imu.stamp_ns, got.imu.accel.z, got.imu.gyro.y, got.imu.cov.tolist()) == (5, 3.0, 4.0, list(range(9)))


def test_a_message_that_is_a_struct_is_written_in_place(everything: Any, root: Path) -> None:
    with everything.ImuPublisher(root=root) as pub, everything.ImuSubscriber(root=root) as sub:
        with pub.loan(stamp_ns=3) as imu:
            imu.accel.x = 1
            imu.cov[:] = np.arange(9)
            imu.tag = b"abcde"
            imu.corners["z"] = 4
        got = sub.recv(timeout=1000)

    assert got == everything.Imu(stamp_ns=3, accel=(1, 0, 0), cov=range(9), tag=b"abcde", corners=[(0, 0, 4), (0, 0, 4)])


def test_optional_scalars_are_absent_until_they_are_set(unions: Any, root: Path) -> None:
    with unions.DrawingPublisher(root=root) as pub, unions.DrawingSubscriber(root=root) as sub:
        with pub.loan(shape=unions.Square(side=1), tree=unions.Branch(left=unions.Leaf(number=1))) as drawing:
            assert (drawing.count, drawing.mood) == (None, None)
            drawing.count = 0
            drawing.tree.left.number = 5
        got = sub.recv(timeout=1000)

    assert (got.count, got.ratio, got.mood, got.shape.side, got.tree.left.number) == (0, None, None, 1.0, 5)


def test_an_exception_abandons_the_message(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        for _ in range(10):  # more than there are loans
            with pytest.raises(ZeroDivisionError), pub.loan(data=3):
                raise ZeroDivisionError
            pub.loan(data=3)  # dropped without a block
        assert sub.try_recv() is None
        assert pub.stats.sent == 0


def test_views_are_read_only_once_the_message_is_published(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        with pub.loan(data=100) as tree:
            view = tree.data
            view[:] = 7
        assert not view.flags.writeable
        assert view.tolist() == [7] * 100
        assert sub.recv(timeout=1000).data.tolist() == [7] * 100


def test_a_loan_is_over_after_its_block(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.TreePublisher(root=root) as pub:
        with pub.loan(data=1) as tree:
            pass
        for use in (lambda: tree.data, lambda: setattr(tree, "id", 1), tree.__enter__, tree.__exit__):
            with pytest.raises(shmcomm.SHMError, match="this loan is over"):
                use()


def test_a_part_of_a_loan_gives_no_view_once_it_is_over(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.TreePublisher(root=root) as pub:
        with pub.loan(data=3, imu={"stamp_ns": 1}) as tree:
            imu = tree.imu
            imu.cov[:] = 1

        with pytest.raises(shmcomm.SHMError, match="this loan is over"):
            imu.cov  # noqa: B018


def test_views_keep_the_memory_and_a_closed_publisher_publishes_nothing(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.TreeSubscriber(root=root) as sub:
        pub = everything.TreePublisher(root=root)
        loan = pub.loan(data=1 << 20)
        view = loan.data
        pub.close()
        del pub
        gc.collect()
        view[:] = 3
        with pytest.raises(shmcomm.SHMConnectionError, match="closed"):
            loan.__exit__()
        del loan
        gc.collect()

        assert view.sum() == 3 << 20
        assert sub.try_recv() is None
    del view
    gc.collect()

    assert [path for path in root.rglob("*") if path.is_file()] == []


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"id": 3}, "SHMSerializationError", "data: required, but not given"),
    ({"data": -1}, "SHMSerializationError", "data: a vector has 0 to 4294967295 elements, not -1"),
    ({"data": (1 << 20, 1 << 20)}, "SHMSerializationError", "data: a vector has 0 to 4294967295 elements"),
    ({"data": 20_000_000}, "SHMMessageTooLargeError", "max_size"),
    ({"data": 1, "names": 3}, "SHMSerializationError", "names: expected a list of str, got 3"),
    ({"data": 1, "nmae": 3}, "SHMSerializationError", "did you mean 'name'?"),
]


@pytest.mark.parametrize(("fields", "kind", "text"), REFUSED, ids=[text for _, _, text in REFUSED])
def test_what_cannot_be_lent_is_refused_at_once(everything: Any, root: Path, fields: dict[str, Any], kind: str, text: str) -> None:
    import shmcomm

    with everything.TreePublisher(root=root) as pub:
        for _ in range(5):
            with pytest.raises(getattr(shmcomm, kind)) as caught:
                pub.loan(**fields)
            assert text in str(caught.value)


SETTINGS: list[tuple[str, Any, str]] = [
    ("id", "a", "id: expected int, got 'a'"),
    ("id", None, "id: cannot be taken away again"),
    ("floats", [1, 2], "floats: expected 5 elements, got 2"),
    ("name", "x", "name: has no place in this message: give it to loan()"),
    ("int8s", [1], "int8s: has no place in this message: give it to loan()"),
    ("leaf", {}, "leaf: has no place in this message: give it to loan()"),
]


@pytest.mark.parametrize(("field", "value", "text"), SETTINGS)
def test_what_cannot_be_set_is_refused(everything: Any, root: Path, field: str, value: Any, text: str) -> None:
    import shmcomm

    with everything.TreePublisher(root=root) as pub, pub.loan(data=1, floats=5) as tree:
        with pytest.raises(shmcomm.SHMSerializationError) as caught:
            setattr(tree, field, value)
        assert str(caught.value) == f"everything/tree: {text}"


def test_too_many_loans_name_the_fix(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.TreePublisher(root=root) as pub:
        held = [pub.loan(data=1), pub.loan(data=1)]
        with pytest.raises(shmcomm.SHMBufferFullError, match="you hold 2 of 2 loans; publish or drop one, or raise max_loans"):
            pub.loan(data=1)
        del held
        with pub.loan(data=1):
            pass


def test_positional_fields_are_refused(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root) as pub, pytest.raises(TypeError, match="loan takes fields"):
        pub.loan(3)


@pytest.mark.parametrize("ending", ["", "os._exit(3)", "del pub", "raise SystemExit(3)", "gc.disable()"])
def test_the_interpreter_may_end_with_a_loan_open(generated: Path, root: Path, ending: str) -> None:
    from programs import environment

    program = f"""
import gc, os, sys
import everything
pub = everything.TreePublisher(root=sys.argv[1])
loan = pub.loan(data=10)
kept = [loan, loan.data, memoryview(loan)]
kept.append(kept)
{ending}
"""
    done = subprocess.run([sys.executable, "-c", program, root], env=environment(generated))

    assert done.returncode == (3 if "3" in ending else 0)
