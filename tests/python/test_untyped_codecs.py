# SPDX-License-Identifier: Apache-2.0
"""How objects travel: bytes, arrays, pickles, msgpack and codecs of the program's own."""

from __future__ import annotations

import io
import os
import pickle
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Ends = tuple[Any, Any]

ALIGNED = np.dtype([("x", "f4"), ("id", "u1"), ("pose", [("t", "f8", 3), ("ok", "?")])], align=True)
SPARSE = np.dtype({"names": ["b", "a"], "formats": ["u2", "f4"], "offsets": [8, 0], "itemsize": 32})

ARRAYS = {
    "empty": np.zeros((0, 3)),
    "no dimension": np.array(3.5),
    "C": np.arange(12.0).reshape(3, 4),
    "Fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "transposed": np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
    "every other": np.arange(10000, dtype="u1")[::2],
    "image rows": np.arange(60000, dtype="u1").reshape(200, 100, 3)[50:150, 10:60],
    "backwards": np.arange(500, dtype="i2")[::-1],
    "broadcast": np.broadcast_to(np.arange(5), (7, 5)),
    "complex runs": np.arange(2000, dtype="c16")[::3],
    "big-endian": np.arange(5, dtype=">i4"),
    "bool": np.array([True, False]),
    "half": np.arange(5, dtype="f2"),
    "long double": np.arange(5, dtype="g"),
    "text": np.array(["a", "größe"]),
    "bytes": np.array([b"a", b"bc"]),
    "times": np.array(["2020-01-01", "NaT"], "M8[ms]"),
    "spans": np.arange(3, dtype="m8[us]"),
    "structured": np.zeros(4, [("x", "f4"), ("name", "U3")]),
    "aligned": np.zeros((2, 3), ALIGNED),
    "record with void": np.zeros(3, "V7"),
    "32 dimensions": np.zeros((1,) * 32, "u1"),
    "fields out of order": np.zeros(3, SPARSE),
    "objects": np.array([None, {"a": 1}], dtype=object),
    "masked": np.ma.array([1, 2, 3], mask=[0, 1, 0]),
    "records": np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "large": np.arange(100_000, dtype="f8"),
}


@pytest.fixture
def ends(root: Path) -> Iterator[Ends]:
    from shmcomm import Publisher, Subscriber

    with Publisher("codecs", root=root) as pub, Subscriber("codecs", root=root) as sub:
        yield pub, sub


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
def test_arrays_arrive_with_dtype_shape_and_values(ends: Ends, array: Any, copy: bool) -> None:
    pub, sub = ends
    pub.send(array)

    got = sub.recv(timeout=1000, copy=copy)

    assert type(got) is type(array)
    assert (got.dtype, got.shape) == (array.dtype, array.shape)
    assert repr(np.asarray(got).tolist()) == repr(np.asarray(array).tolist())
    if type(got) is np.ndarray and not array.dtype.hasobject and array.dtype != SPARSE:
        assert got.flags.writeable is copy


def test_a_large_array_is_a_view_on_the_slot(ends: Ends) -> None:
    pub, sub = ends
    pub.send(ARRAYS["large"])
    first = sub.recv(timeout=1000)

    assert first.ctypes.data % 64 == 0
    assert not first.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1
    with pytest.raises(ValueError):
        first.flags.writeable = True


def test_views_outlive_subscriber_and_publisher(root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    with Publisher("x", root=root) as pub:
        sub = Subscriber("x", root=root)
        pub.send(ARRAYS["large"])
        pub.send({"a": ARRAYS["large"]})
        pub.send(bytes(range(256)) * 10)
        array, mapping, view = sub.recv(timeout=1000)[5:], sub.recv(timeout=1000), sub.recv(timeout=1000)[3:]
        sub.close()
        del sub
        for _ in range(300):
            pub.send(np.zeros(100_000))
    assert (array[0], mapping["a"][7], view[0]) == (5.0, 7.0, 3)


def test_fields_stay_named(ends: Ends) -> None:
    pub, sub = ends
    scan = np.zeros(3, ALIGNED)
    scan["pose"]["t"][1] = (1, 2, 3)
    pub.send(scan)

    got = sub.recv(timeout=1000)

    assert got["pose"]["t"][1].tolist() == [1, 2, 3]
    assert got.dtype.isalignedstruct == scan.dtype.isalignedstruct or got.dtype == scan.dtype


def test_an_array_message_is_a_npy_file(root: Path) -> None:
    from shmcomm import Publisher, Subscriber, register_codec

    taken = []
    register_codec("test/spy", bytes, taken.append)
    array = np.arange(6, dtype=">i2").reshape(2, 3)
    with Publisher("x", root=root) as pub, Subscriber("x", root=root) as sub:
        head = io.BytesIO()
        np.lib.format.write_array(head, array)
        pub.send(head.getvalue(), serializer="test/spy")
        sub.recv(timeout=1000)
        from shmcomm.codecs import array_header

        header = array_header(array.dtype, array.shape, False)
    assert header is not None
    assert bytes(taken[0])[: len(header)] == header
    assert np.load(io.BytesIO(header + array.tobytes() + bytes(20))).tolist() == array.tolist()


def test_bytes_come_back_as_views(ends: Ends) -> None:
    pub, sub = ends
    for sent in (b"", b"abc", bytearray(b"abc"), memoryview(b"abcdef")[::2], memoryview(np.arange(3)), b"x" * 5000):
        pub.send(sent)
        view = sub.recv(timeout=1000)
        assert type(view) is memoryview and view.readonly and view.format == "B"
        assert view == memoryview(sent).tobytes()
        pub.send(sent)
        copied = sub.recv(timeout=1000, copy=True)
        assert type(copied) is bytes and copied == memoryview(sent).tobytes()


def test_arrays_inside_objects_are_views_too(ends: Ends) -> None:
    pub, sub = ends
    message = {"image": np.arange(50_000.0).reshape(100, 500), "ids": np.arange(3), "empty": np.zeros(0), "name": "n"}
    pub.send(message)
    pub.send(message)
    got, own = sub.recv(timeout=1000), sub.recv(timeout=1000, copy=True)

    for there in (got, own):
        assert there.keys() == message.keys() and there["name"] == "n"
        assert (there["image"] == message["image"]).all() and there["ids"].tolist() == [0, 1, 2]
    assert got["image"].ctypes.data % 64 == 0
    assert not got["image"].flags.writeable
    own["image"][0] = 5


def test_buffers_of_any_kind_travel_out_of_band(ends: Ends) -> None:
    pub, sub = ends
    sent = [pickle.PickleBuffer(b"abc"), pickle.PickleBuffer(bytearray(5000)), pickle.PickleBuffer(b"")]
    pub.send(sent)

    assert [bytes(buffer) for buffer in sub.recv(timeout=1000)] == [b"abc", bytes(5000), b""]


UNPICKLABLE = {
    "function": lambda: lambda: 0,
    "generator": lambda: (n for n in ()),
    "file": lambda: open(os.devnull),
    "buffer with gaps": lambda: pickle.PickleBuffer(memoryview(b"abcd")[::2]),
    "array of them": lambda: np.array([None, lambda: 0], dtype=object),
}


@pytest.mark.parametrize("make", UNPICKLABLE.values(), ids=UNPICKLABLE.keys())
def test_what_cannot_be_pickled_names_its_cause(ends: Ends, make: Callable[[], Any]) -> None:
    import shmcomm

    pub, sub = ends
    with pytest.raises(shmcomm.SHMSerializationError, match="codecs: cannot") as caught:
        pub.send(make())
    assert caught.value.__cause__ is not None
    pub.send("next")

    assert sub.recv(timeout=1000) == "next"


class Unloadable:
    def __reduce__(self) -> Any:
        return (struct.unpack, ("I", b""))


def test_what_cannot_be_unpickled_is_told_and_passed(ends: Ends) -> None:
    import shmcomm

    pub, sub = ends
    pub.send(Unloadable())
    pub.send(2)

    with pytest.raises(shmcomm.SHMSerializationError, match=r"cannot decode message 0 \(pickle\)") as caught:
        sub.recv(timeout=1000)
    assert isinstance(caught.value.__cause__, struct.error)
    assert sub.recv(timeout=1000) == 2


class Interrupts:
    def __reduce__(self) -> Any:
        raise KeyboardInterrupt


def test_an_interrupt_is_not_wrapped(ends: Ends) -> None:
    pub, _ = ends

    with pytest.raises(KeyboardInterrupt):
        pub.send(Interrupts())


class ClosesItself:
    """Closes both ends where it is pickled, or unpickled."""

    ends: Ends | None = None

    def __init__(self, when: str) -> None:
        self.when = when

    def __reduce__(self) -> Any:
        if self.when == "pickled" and ClosesItself.ends is not None:
            ClosesItself.ends[0].close()
        return (close_subscriber, ())


def close_subscriber() -> str:
    assert ClosesItself.ends is not None
    ClosesItself.ends[1].close()
    return "closed"


def test_endpoints_may_be_closed_by_what_is_sent(ends: Ends) -> None:
    import shmcomm

    ClosesItself.ends = ends
    pub, sub = ends
    pub.send(ClosesItself("unpickled"))
    assert sub.recv(timeout=1000) == "closed"
    assert sub.closed
    with pytest.raises(shmcomm.SHMConnectionError, match="closed"):
        pub.send(ClosesItself("pickled"))
    assert pub.closed


def test_msgpack_on_request(root: Path) -> None:
    from shmcomm import Publisher, SHMSerializationError, Subscriber

    with Publisher("x", serializer="msgpack", root=root) as pub, Subscriber("x", allow_pickle=False, root=root) as sub:
        pub.send({"a": [1, None, "ü", b"b"], 3: {"x": 1.5}})
        assert sub.recv(timeout=1000) == {"a": [1, None, "ü", b"b"], 3: {"x": 1.5}}
        pub.send(np.arange(3))
        assert sub.recv(timeout=1000).tolist() == [0, 1, 2]
        with pytest.raises(SHMSerializationError, match="cannot pack"):
            pub.send({"a": object()})
        pub.send({1, 2}, serializer="pickle")
        with pytest.raises(SHMSerializationError, match="allow_pickle=True"):
            sub.recv(timeout=1000)


def test_codecs_of_the_programs_own(ends: Ends) -> None:
    import shmcomm

    pub, sub = ends
    shmcomm.register_codec("test/fraction", lambda f: str(f).encode(), lambda view: Fraction(str(view, "ascii")), type=Fraction)
    shmcomm.register_codec("test/upper", lambda text: text.upper().encode(), lambda view: str(view, "utf-8"))

    pub.send(Fraction(1, 3))
    pub.send("text", serializer="test/upper")
    pub.send("x" * 5000, serializer="test/upper")
    pub.send([Fraction(1, 3)])

    got = [sub.recv(timeout=1000) for _ in range(4)]
    assert got == [Fraction(1, 3), "TEXT", "X" * 5000, [Fraction(1, 3)]]


def test_a_codec_unknown_to_the_receiver_is_named(ends: Ends) -> None:
    import shmcomm
    from shmcomm.codecs import by_name

    pub, sub = ends
    shmcomm.register_codec("test/gone", bytes, bytes)
    pub.send(b"abc", serializer="test/gone")
    del by_name["test/gone"]

    with pytest.raises(shmcomm.SHMSerializationError, match="codec 'test/gone', which this program does not know.*register_codec"):
        sub.recv(timeout=1000)


def test_codecs_that_fail_name_their_cause(ends: Ends) -> None:
    import shmcomm

    pub, sub = ends
    shmcomm.register_codec("test/bad", lambda x: x, lambda view: 1 / 0)
    with pytest.raises(shmcomm.SHMSerializationError, match="cannot encode the int to send"):
        pub.send(5, serializer="test/bad")
    pub.send(b"abc", serializer="test/bad")
    with pytest.raises(shmcomm.SHMSerializationError, match="division by zero"):
        sub.recv(timeout=1000)


@pytest.mark.parametrize("name", ["", "pickle", "msgpack", "x" * 201])
def test_names_of_codecs_are_checked(name: str) -> None:
    import shmcomm

    with pytest.raises(ValueError, match="a codec is named by"):
        shmcomm.register_codec(name, bytes, bytes)
    with pytest.raises(TypeError):
        shmcomm.register_codec("test/x", 5, bytes)  # type: ignore[arg-type]


def test_huge_shapes_of_nothing_arrive(ends: Ends) -> None:
    pub, sub = ends
    pub.send(np.zeros((2**30, 0, 2**20), "f8"))

    assert sub.recv(timeout=1000).shape == (2**30, 0, 2**20)
