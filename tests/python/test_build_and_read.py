# SPDX-License-Identifier: Apache-2.0
"""Values made from keywords and read back."""

from __future__ import annotations

import enum
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCALARS = {"a": True, "b": -128, "c": 255, "d": -32768, "e": 65535, "f": -(2**31), "g": 2**32 - 1, "h": -(2**63),
           "i": 2**64 - 1, "j": 1.5, "k": 1e300}  # fmt: skip


def full_tree(module: Any) -> dict[str, Any]:
    leaf = {"id": -1, "name": "leaf", "pose": {"x": 1.0, "y": 2.0, "z": 3.0}, "scores": [0.5, -0.5]}
    return {
        "id": 7, "name": "näme", "encoding": module.Encoding.Bgr8, "data": bytes(range(256)),
        "imu": {
            "stamp_ns": 2**63, "accel": {"x": 1.0, "y": 2.0, "z": 3.0}, "gyro": {"x": 4.0, "y": 5.0, "z": 6.0},
            "cov": [float(i) for i in range(9)], "mode": module.Encoding.Mono8,
            "corners": [{"x": 7.0, "y": 8.0, "z": 9.0}, {"x": 1.0, "y": 0.0, "z": -1.0}], "tag": b"12345",
        },
        "odd": {"small": 1, "large": 2.0, "word": 3},
        "leaf": leaf, "leaves": [leaf, {"id": 0, "name": None, "pose": None, "scores": None}], "names": ["", "b", "日本"],
        "points": [{"x": 1.0, "y": 2.0, "z": 3.0}], "odds": [{"small": i, "large": i / 2, "word": i} for i in range(3)],
        "bools": [True, False], "int8s": [-128, 127], "int16s": [-32768, 32767], "uint16s": [65535], "int32s": [-(2**31)],
        "uint32s": [2**32 - 1], "int64s": [-(2**63), 2**63 - 1], "uint64s": [2**64 - 1], "floats": [1.5],
        "doubles": [1e300], "encodings": list(module.Encoding), "child": None, "children": [],
    }  # fmt: skip


def test_scalars_keep_their_extremes(everything: Any) -> None:
    assert everything.Scalars(**SCALARS).to_dict() == SCALARS


def test_every_kind_of_field_reads_back_what_was_given(everything: Any) -> None:
    given = full_tree(everything)

    assert everything.Tree(**given).to_dict() == given


def test_defaults_come_from_the_schema(everything: Any) -> None:
    value = everything.Defaults()

    assert value.to_dict() == {
        "a": True, "b": -7, "i": 2**64 - 1, "j": 1.5, "encoding": everything.Encoding.Bgr8,
        "level": everything.Level.Low, "sensors": everything.Sensors.Lidar,
    }  # fmt: skip
    assert len(memoryview_of(value)) < 24


def test_zero_is_kept_where_it_is_not_the_default(everything: Any) -> None:
    value = everything.Defaults(a=False, b=0, i=0, j=0, encoding=0, level=0, sensors=0)

    assert (value.a, value.b, value.i, value.j, value.encoding, value.level, value.sensors) == (False, 0, 0, 0, 0, 0, 0)


def test_absent_references_read_as_none(everything: Any) -> None:
    tree = everything.Tree(data=b"")

    assert (tree.name, tree.imu, tree.leaf, tree.leaves, tree.points) == (None, None, None, None, None)


def test_nested_trees_read_back(everything: Any) -> None:
    tree = everything.Tree(data=b"")
    for depth in range(20):
        tree = everything.Tree(data=b"", id=depth, child=tree, children=[tree, {"data": b"x"}])

    assert tree.child.child.child.id == 16
    assert tree.children[1].to_dict()["data"] == b"x"


def test_nesting_deeper_than_readers_accept_is_refused(everything: Any) -> None:
    import shmcomm

    value: dict[str, Any] = {"data": b""}
    for _ in range(70):
        value = {"data": b"", "child": value}

    with pytest.raises(shmcomm.SHMSerializationError, match="nested deeper than 64"):
        everything.Tree(**value)


def test_enums_are_int_enums_and_flags_combine(everything: Any) -> None:
    value = everything.Defaults(encoding="Mono8", sensors=everything.Sensors.Gps | everything.Sensors.Radar)

    assert issubclass(everything.Encoding, enum.IntEnum)
    assert issubclass(everything.Sensors, enum.IntFlag)
    assert value.encoding is everything.Encoding.Mono8
    assert value.sensors == everything.Sensors.Gps | everything.Sensors.Radar
    assert isinstance(value.sensors, everything.Sensors)


def test_an_enum_value_of_a_newer_schema_reads_as_int(everything: Any) -> None:
    from shmcomm import typed

    raw = bytearray(typed.encode(everything.Imu(mode=everything.Encoding.Bgr8)))
    raw[raw.index(4, 68)] = 99

    assert typed.decode(everything.Imu, bytes(raw)).mode == 99


def test_deprecated_fields_are_hidden(everything: Any) -> None:
    assert not hasattr(everything.Tree, "old")
    assert "old" not in everything.Tree(data=b"").to_dict()


def test_structs_accept_instances_dicts_and_tuples(everything: Any) -> None:
    vec = everything.Vec3(x=1, y=2, z=3)

    for given in (vec, {"x": 1, "y": 2, "z": 3}, (1, 2, 3)):
        assert everything.Imu(accel=given).accel == vec


def test_instances_nest_as_values(everything: Any) -> None:
    leaf = everything.Leaf(id=3, name="n", pose=(1, 2, 3), scores=[1.0])
    tree = everything.Tree(data=b"", leaf=leaf, leaves=[leaf, leaf], child=everything.Tree(data=b"abc", leaf=leaf))

    assert tree.leaf == leaf
    assert tree.leaves[1] == leaf
    assert tree.child.leaf == leaf


def test_strings_that_are_not_utf8_survive(everything: Any) -> None:
    leaf = everything.Leaf(name=b"\xff\xfe")

    assert leaf.name == "\udcff\udcfe"
    assert everything.Leaf(name=leaf.name) == leaf


def test_vectors_of_strings_are_sequences(everything: Any) -> None:
    from collections.abc import Sequence

    names = everything.Tree(data=b"", names=["a", "b", "c", "b"]).names

    assert isinstance(names, Sequence)
    assert (len(names), names[-1], names[1:3], list(reversed(names))) == (4, "b", ["b", "c"], ["b", "c", "b", "a"])
    assert (names == ["a", "b", "c", "b"], names.index("b"), names.count("b"), "c" in names) == (True, 1, 2, True)
    assert (names.index("b", 2), names.index("b", start=-1), names.index("b", 0, 2)) == (3, 3, 1)
    with pytest.raises(ValueError):
        names.index("b", 0, stop=1)
    with pytest.raises(IndexError):
        names[4]


def test_values_compare_by_value(everything: Any) -> None:
    assert everything.Vec3(x=1) == everything.Vec3(x=1, y=0)
    assert everything.Vec3(x=1) != everything.Vec3(x=2)
    assert everything.Vec3(x=1) != {"x": 1}
    with pytest.raises(TypeError):
        hash(everything.Vec3())


def test_repr_reads_like_the_call(everything: Any) -> None:
    assert repr(everything.Vec3(x=1, y=2, z=3)) == "everything.Vec3(x=1.0, y=2.0, z=3.0)"
    assert "data=<5000 uint8>" in repr(everything.Tree(data=bytes(5000)))
    assert "leaves=<2 everything.Leaf>" in repr(everything.Tree(data=b"", leaves=[{}, {}]))


def test_records_are_immutable(everything: Any) -> None:
    vec = everything.Vec3(x=1)

    with pytest.raises(AttributeError, match="everything.Vec3.x cannot be changed"):
        vec.x = 2
    with pytest.raises(AttributeError):
        vec.w = 2


def test_a_field_of_another_class_is_refused(everything: Any) -> None:
    with pytest.raises(TypeError, match="belongs to everything.Vec3"):
        everything.Vec3.x.__get__(everything.Odd())
    with pytest.raises(TypeError, match="belongs to everything.Vec3"):
        everything.Vec3.x.__get__(5)


def test_documentation_comes_from_the_schema(everything: Any) -> None:
    assert everything.Tree.__doc__.startswith("Everything at once.\n\n")
    assert everything.Tree.id.__doc__ == "A number that counts."


def test_subclasses_by_users_work(everything: Any) -> None:
    class Named(everything.Vec3):  # type: ignore[misc]
        def norm1(self) -> float:
            return float(abs(self.x) + abs(self.y) + abs(self.z))

    vec = Named(x=1, y=-2, z=3)
    vec.extra = 1

    assert vec.norm1() == 6.0
    assert everything.Imu(accel=vec).accel.y == -2.0


def test_numpy_is_imported_only_for_arrays(generated: Path) -> None:
    program = """
import sys
import everything
tree = everything.Tree(data=b"abc", id=1, name="n", leaf={"id": 1}, leaves=[{}], points=[(1, 2, 3)], floats=[1.0])
repr(tree), tree.to_dict(), tree == tree, tree.leaf.id, tree.leaves[0].name
assert "numpy" not in sys.modules
tree.data
assert "numpy" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, env=child_environment(generated))


def child_environment(generated: Path) -> dict[str, str]:
    from programs import environment

    return environment(generated)


def memoryview_of(value: Any) -> bytes:
    from shmcomm import typed

    return bytes(typed.encode(value))
