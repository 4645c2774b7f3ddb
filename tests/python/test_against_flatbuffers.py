# SPDX-License-Identifier: Apache-2.0
"""The accessor and the builder against the `flatbuffers` package and flatc's own classes, in both directions."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest

SCALARS = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]
VECTORS = {"int8s": np.int8, "int16s": np.int16, "uint16s": np.uint16, "int32s": np.int32, "uint32s": np.uint32,
           "int64s": np.int64, "uint64s": np.uint64, "floats": np.float32, "doubles": np.float64}  # fmt: skip


def upper(name: str) -> str:
    return name[0].upper() + name[1:]


def random_scalars(rng: random.Random) -> dict[str, Any]:
    bits = {"b": 8, "d": 16, "f": 32, "h": 64}
    unsigned = {"c": 8, "e": 16, "g": 32, "i": 64}
    values: dict[str, Any] = {"a": rng.random() < 0.5, "j": float(np.float32(rng.gauss(0, 1e3))), "k": rng.gauss(0, 1e300)}
    values |= {name: rng.randrange(-(2 ** (n - 1)), 2 ** (n - 1)) for name, n in bits.items()}
    values |= {name: rng.randrange(2**n) for name, n in unsigned.items()}
    return {name: value for name, value in values.items() if rng.random() < 0.8}


def test_flatc_reads_the_scalars_we_build(everything: Any, flatc_class: Any) -> None:
    from shmcomm import typed

    rng = random.Random(1)
    for _ in range(100):
        given = random_scalars(rng)
        ours = everything.Scalars(**given)

        theirs = flatc_class("Scalars").Scalars.GetRootAs(typed.encode(ours))

        assert {name: getattr(theirs, upper(name))() for name in SCALARS} == ours.to_dict()


def test_we_read_the_scalars_flatbuffers_builds(everything: Any, flatc_class: Any) -> None:
    from shmcomm import typed

    module = flatc_class("Scalars")
    rng = random.Random(2)
    for _ in range(100):
        given = random_scalars(rng)
        builder = flatbuffers.Builder()
        module.ScalarsStart(builder)
        for name, value in given.items():
            getattr(module, f"ScalarsAdd{upper(name)}")(builder, value)
        builder.Finish(module.ScalarsEnd(builder))

        ours = typed.decode(everything.Scalars, bytes(builder.Output()))

        assert ours == everything.Scalars(**given)


def test_flatc_reads_the_tree_we_build(everything: Any, flatc_class: Any) -> None:
    from shmcomm import typed

    rng = np.random.default_rng(3)
    arrays = {name: rng.integers(0, 100, 17).astype(dtype) for name, dtype in VECTORS.items()}
    tree = everything.Tree(
        data=bytes(range(9)), name="näme", leaves=[{"id": i, "name": str(i), "scores": [i / 2]} for i in range(5)],
        leaf={"pose": (1, 2, 3)}, points=[(i, i + 1, i + 2) for i in range(7)], odds=[(1, 2.5, 3)] * 3, names=["x", "", "y"],
        imu={"stamp_ns": 5, "gyro": (1, 2, 3), "cov": range(9), "corners": [(1, 2, 3), (4, 5, 6)], "tag": b"abcde"},
        child={"data": b"", "id": 9}, **arrays,
    )  # fmt: skip

    theirs = flatc_class("Tree").Tree.GetRootAs(typed.encode(tree))

    assert theirs.DataAsNumpy().tolist() == list(range(9))
    assert theirs.Name() == "näme".encode()
    assert [(leaf.Id(), leaf.Name(), leaf.ScoresAsNumpy()[0]) for leaf in map(theirs.Leaves, range(5))] == [
        (i, str(i).encode(), i / 2) for i in range(5)
    ]
    assert (theirs.Leaf().Pose().X(), theirs.Leaf().Pose().Z()) == (1.0, 3.0)
    assert [(point.X(), point.Y(), point.Z()) for point in map(theirs.Points, range(7))] == [(i, i + 1, i + 2) for i in range(7)]
    assert (theirs.OddsLength(), theirs.Odds(2).Large(), theirs.Odds(2).Word()) == (3, 2.5, 3)
    assert [theirs.Names(i) for i in range(3)] == [b"x", b"", b"y"]
    assert theirs.Child().Id() == 9
    assert (theirs.Imu().StampNs(), theirs.Imu().Cov()[8]) == (5, 8.0)
    for name, array in arrays.items():
        assert np.array_equal(getattr(theirs, f"{upper(name)}AsNumpy")(), array), name


def test_we_read_the_tree_flatbuffers_builds(everything: Any, flatc_class: Any) -> None:
    from shmcomm import typed

    tree, leaf, vec3 = flatc_class("Tree"), flatc_class("Leaf"), flatc_class("Vec3")
    builder = flatbuffers.Builder()
    name = builder.CreateString("näme")
    data = builder.CreateByteVector(b"abc")
    doubles = builder.CreateNumpyVector(np.arange(5.0))
    leaf.LeafStart(builder)
    leaf.LeafAddName(builder, name)
    leaf.LeafAddPose(builder, vec3.CreateVec3(builder, 1.0, 2.0, 3.0))
    made_leaf = leaf.LeafEnd(builder)
    tree.TreeStartLeavesVector(builder, 2)
    builder.PrependUOffsetTRelative(made_leaf)
    builder.PrependUOffsetTRelative(made_leaf)
    leaves = builder.EndVector()
    tree.TreeStart(builder)
    tree.TreeAddName(builder, name)
    tree.TreeAddData(builder, data)
    tree.TreeAddDoubles(builder, doubles)
    tree.TreeAddLeaves(builder, leaves)
    tree.TreeAddLeaf(builder, made_leaf)
    builder.Finish(tree.TreeEnd(builder))

    ours = typed.decode(everything.Tree, bytes(builder.Output()))

    assert (ours.name, bytes(ours.data), ours.doubles.tolist()) == ("näme", b"abc", [0.0, 1.0, 2.0, 3.0, 4.0])
    assert [each.pose for each in ours.leaves] == [everything.Vec3(x=1, y=2, z=3)] * 2
    assert ours.leaf.name == "näme"


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_everything_lies_where_its_alignment_wants_it(everything: Any, flatc_class: Any, count: int) -> None:
    from shmcomm import typed

    wides = [(1.25 * (i + 1), i) for i in range(count)]
    value = everything.Aligned(small=1, one=(7.75, 9), many=wides, longs=[2**60 + i for i in range(count)])
    for message in (typed.encode(value), typed.encode(typed.decode(everything.Aligned, typed.encode(value)))):
        theirs = flatc_class("Aligned").Aligned.GetRootAs(message)

        assert len(message) % 16 == 0
        assert message.index(np.float64(7.75).tobytes()) % 16 == 0
        assert all(message.index(np.float64(first).tobytes()) % 16 == 0 for first, _ in wides)
        assert [(theirs.Many(i).First(), theirs.Many(i).Second()) for i in range(theirs.ManyLength())] == wides
        assert (theirs.One().First(), theirs.One().Second()) == (7.75, 9)
        assert [theirs.Longs(i) for i in range(count)] == [2**60 + i for i in range(count)]
        assert all(message.index((2**60 + i).to_bytes(8, "little")) % 8 == 0 for i in range(count))


def test_a_copied_message_reads_the_same(everything: Any) -> None:
    from shmcomm import typed

    from test_build_and_read import full_tree

    inner = everything.Tree(**full_tree(everything))
    outer = everything.Tree(data=b"", child=inner, children=[inner, inner])

    assert typed.decode(everything.Tree, typed.encode(outer.child)) == inner
    assert outer.children[1] == inner


def test_the_binary_schema_of_flatc_gives_the_same_classes(everything: Any, reference: Path) -> None:
    from shmcomm import typed
    from shmcomm.typed import Schema

    from test_build_and_read import full_tree

    theirs = Schema((reference / "everything_types.bfbs").read_bytes(), module="theirs").table("everything.Tree")
    ours = everything.Tree(**full_tree(everything))

    assert typed.decode(theirs, typed.encode(ours)).to_dict() == ours.to_dict()
    assert theirs(data=b"", leaf=ours.leaf, imu=ours.imu).to_dict()["imu"] == ours.to_dict()["imu"]


def test_bytes_that_are_no_schema_are_refused() -> None:
    from shmcomm.typed import Schema

    for garbage in (b"", b"abc", bytes(100), b"\xff" * 1000):
        with pytest.raises(ValueError, match="not a FlatBuffers binary schema"):
            Schema(garbage, module="none")
