# SPDX-License-Identifier: Apache-2.0
"""Vectors and arrays as NumPy views, and NumPy arrays as values."""

from __future__ import annotations

import array
import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

DTYPES = {"bools": np.bool_, "int8s": np.int8, "int16s": np.int16, "uint16s": np.uint16, "int32s": np.int32,
          "uint32s": np.uint32, "int64s": np.int64, "uint64s": np.uint64, "floats": np.float32, "doubles": np.float64,
          "data": np.uint8, "encodings": np.uint8}  # fmt: skip


@pytest.mark.parametrize("field", DTYPES)
def test_vectors_are_read_only_views_of_their_dtype(everything: Any, field: str) -> None:
    given = np.arange(1, 2).astype(DTYPES[field]) if field != "encodings" else np.array([3, 4], np.uint8)
    tree = everything.Tree(**({"data": b""} | {field: given}))

    view = getattr(tree, field)

    assert view.dtype == DTYPES[field]
    assert view.tolist() == given.tolist()
    assert not view.flags.writeable
    assert not view.flags.owndata


def test_empty_vectors_are_empty_arrays(everything: Any) -> None:
    tree = everything.Tree(data=b"", floats=[], points=[], names=[], leaves=())

    assert (tree.data.size, tree.floats.size, tree.points.size, len(tree.names), len(tree.leaves)) == (0, 0, 0, 0, 0)


def test_views_cannot_be_made_writable(everything: Any) -> None:
    view = everything.Tree(data=b"abc").data

    with pytest.raises(ValueError, match="WRITEABLE"):
        view.flags.writeable = True


def test_structs_are_structured_arrays_with_padding_and_nesting(everything: Any) -> None:
    tree = everything.Tree(data=b"", odds=[(1, 2.5, 3), (4, 5.5, 6)], points=[(1, 2, 3)])

    assert tree.odds.dtype.itemsize == 24
    assert tree.odds["large"].tolist() == [2.5, 5.5]
    assert tree.odds["word"].tolist() == [3, 6]
    assert tree.points[0].tolist() == (1.0, 2.0, 3.0)


def test_fixed_arrays_are_views(everything: Any) -> None:
    imu = everything.Imu(cov=np.arange(9), corners=[(1, 2, 3), (4, 5, 6)], tag=b"abcde")

    assert imu.cov.dtype == np.float32
    assert imu.cov.tolist() == list(range(9))
    assert imu.corners["y"].tolist() == [2.0, 5.0]
    assert bytes(imu.tag) == b"abcde"


def test_structured_arrays_are_values_of_struct_vectors(everything: Any) -> None:
    odds = everything.Tree(data=b"", odds=[(i, i / 2, i) for i in range(100)]).odds

    assert np.array_equal(everything.Tree(data=b"", odds=odds[::2]).odds, odds[::2])
    other = odds.astype(np.dtype([("small", "u2"), ("large", "f8"), ("word", "u4")]))
    assert np.array_equal(everything.Tree(data=b"", odds=other).odds, odds)


def test_arrays_of_any_layout_are_flattened(everything: Any) -> None:
    image = np.arange(480 * 64 * 3, dtype=np.uint8).reshape(480, 64, 3)

    for given in (image, image[::-1], image[:, ::2], np.asfortranarray(image), image.transpose(2, 0, 1)):
        assert np.array_equal(everything.Tree(data=given).data, given.ravel())


def test_numbers_of_another_dtype_are_converted_with_checks(everything: Any) -> None:
    tree = everything.Tree(
        data=np.arange(4), floats=np.arange(3.0), doubles=np.arange(3), int16s=np.array([[1, 2]], np.int64),
        uint32s=np.array([1, 2], ">u4"),
    )  # fmt: skip

    assert tree.data.tolist() == [0, 1, 2, 3]
    assert (tree.floats.tolist(), tree.doubles.tolist()) == ([0, 1, 2], [0, 1, 2])
    assert (tree.int16s.tolist(), tree.uint32s.tolist()) == ([1, 2], [1, 2])


def test_numpy_scalars_are_values(everything: Any) -> None:
    value = everything.Scalars(a=np.True_, c=np.uint8(3), h=np.int64(-5), j=np.float32(0.5), k=np.float64(2.5))

    assert (value.a, value.c, value.h, value.j, value.k) == (True, 3, -5, 0.5, 2.5)


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, list, tuple, lambda b: array.array("B", b), iter])
def test_anything_with_bytes_fills_a_byte_vector(everything: Any, make: Any) -> None:
    assert bytes(everything.Tree(data=make(b"abc")).data) == b"abc"


def test_ranges_and_arrays_fill_number_vectors(everything: Any) -> None:
    tree = everything.Tree(data=range(3), doubles=array.array("d", [1, 2]), floats=array.array("d", [1, 2]), int8s=range(-2, 2))

    assert (tree.doubles.tolist(), tree.floats.tolist(), tree.int8s.tolist()) == ([1, 2], [1, 2], [-2, -1, 0, 1])


# Before 2.1 NumPy's protocol could not say that an array is read-only: it gave none away, and took all as read-only.
DLPACK_KNOWS_READ_ONLY = tuple(map(int, np.__version__.split(".")[:2])) >= (2, 1)


def test_arrays_go_through_dlpack_where_numpy_says_that_they_are_read_only(everything: Any) -> None:
    floats = everything.Tree(data=b"", floats=[1, 2, 3]).floats

    if DLPACK_KNOWS_READ_ONLY:
        assert np.from_dlpack(floats).tolist() == [1, 2, 3]
        assert not np.from_dlpack(floats).flags.writeable
    else:
        with pytest.raises((TypeError, BufferError), match="writeable|readonly"):
            np.from_dlpack(floats)


def test_dlpack_views_of_a_received_message_keep_its_slot(everything: Any, root: Path) -> None:
    through = np.from_dlpack if DLPACK_KNOWS_READ_ONLY else np.asarray
    with everything.TreePublisher(root=root) as pub:
        with everything.TreeSubscriber(root=root) as sub:
            pub.send(data=b"abc", floats=np.arange(1000))
            view = through(sub.recv(timeout=1000).floats)
        for _ in range(50):
            pub.send(data=b"", floats=np.zeros(1000))
        gc.collect()

        assert not view.flags.writeable
        assert view.tolist() == list(range(1000))


def test_a_loaned_array_is_where_other_libraries_see_it(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        with pub.loan(data=b"", floats=(2, 3)) as tree:
            there = np.from_dlpack(tree.floats)
            assert np.shares_memory(there, tree.floats)
            assert there.flags.writeable == DLPACK_KNOWS_READ_ONLY
            (there if there.flags.writeable else tree.floats)[:] = [[1, 2, 3], [4, 5, 6]]

        assert sub.recv(timeout=1000).floats.tolist() == [1, 2, 3, 4, 5, 6]


def test_many_structs_are_received_as_one_array(everything: Any, root: Path) -> None:
    with everything.ImuPublisher(root=root) as pub, everything.ImuSubscriber(root=root) as sub:
        for number in range(7):
            pub.send(stamp_ns=number, accel=(number, 0, 1), cov=[number] * 9)

        first, rest = sub.recv_array(max=5, timeout=1000), sub.recv_array()

        assert (first["stamp_ns"].tolist(), rest["stamp_ns"].tolist()) == ([0, 1, 2, 3, 4], [5, 6])
        assert (first["accel"]["x"].tolist(), first["cov"].shape) == ([0, 1, 2, 3, 4], (5, 9))
        first["stamp_ns"] += 1  # a copy: nothing is borrowed
        pub.send(stamp_ns=9)
        assert sub.recv(timeout=1000).stamp_ns == 9


def test_an_array_of_messages_is_refused_where_there_can_be_none(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.ImuSubscriber(root=root) as imu, everything.TreeSubscriber(root=root) as tree:
        with pytest.raises(shmcomm.SHMTimeoutError):
            imu.recv_array(timeout=0)
        with pytest.raises(ValueError, match="max is at least 1, not 0"):
            imu.recv_array(max=0)
        with pytest.raises(TypeError, match=r"everything.Tree is a table; recv_array is for structs"):
            tree.recv_array()


def test_views_are_copied_at_will(everything: Any) -> None:
    copy = everything.Tree(data=b"abc").data.copy()
    copy[0] = 0

    assert copy.tolist() == [0, 98, 99]


def test_memoryviews_of_structs_are_their_bytes(everything: Any) -> None:
    imu = everything.Imu(gyro=(1, 2, 3))

    assert np.frombuffer(imu.gyro, np.float32).tolist() == [1, 2, 3]
    assert memoryview(imu).readonly
    with pytest.raises(BufferError, match="is a table"):
        memoryview(everything.Tree(data=b""))
