# SPDX-License-Identifier: Apache-2.0
"""What cannot be encoded names the field and the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


class Broken:
    def __float__(self) -> float:
        raise ZeroDivisionError("from inside")


REFUSED = [
    ({}, "data: required, but not given"),
    ({"data": None}, "data: required, but not given"),
    ({"data": b"", "nmae": 1}, "everything.Tree has no field 'nmae'; did you mean 'name'?"),
    ({"data": b"", "unheard": 1}, "everything.Tree has no field 'unheard'"),
    ({"data": b"", "old": 1}, "everything.Tree has no field 'old'; did you mean 'odd'?"),
    ({"data": b"", "id": -1}, "id: -1 does not fit uint32 (0 to 4294967295)"),
    ({"data": b"", "id": 2**32}, "id: 4294967296 does not fit uint32 (0 to 4294967295)"),
    ({"data": b"", "id": 2**100}, f"id: {2**100} does not fit uint32 (0 to 4294967295)"),
    ({"data": b"", "id": 1.0}, "id: expected int, got 1.0"),
    ({"data": b"", "id": "1"}, "id: expected int, got '1'"),
    ({"data": b"", "id": None}, "id: expected int, got None"),
    ({"data": b"", "name": 5}, "name: expected str, got 5"),
    ({"data": "text"}, "data: expected a list or array of uint8, got 'text'"),
    ({"data": 5}, "data: expected a list or array of uint8, got 5"),
    ({"data": [1, 256]}, "data[1]: 256 does not fit uint8 (0 to 255)"),
    ({"data": np.array([1, -1])}, "data[1]: -1 does not fit uint8 (0 to 255)"),
    ({"data": np.array([1.5])}, "data[0]: expected int, got 1.5"),
    ({"data": b"", "encoding": 1}, "encoding: expected everything.Encoding (Mono8, Rgb8, Bgr8), got 1"),
    ({"data": b"", "encoding": "Rgb9"}, "encoding: expected everything.Encoding (Mono8, Rgb8, Bgr8), got 'Rgb9'"),
    ({"data": b"", "imu": {"cov": [1.0]}}, "imu.cov: expected 9 elements, got 1"),
    ({"data": b"", "imu": {"accel": (1, 2)}}, "imu.accel: expected everything.Vec3 as a tuple of 3 values, got (1, 2)"),
    ({"data": b"", "imu": {"corners": [(1, 2, 3), (1, 2, "a")]}}, "imu.corners[1].z: expected float, got 'a'"),
    ({"data": b"", "imu": 5}, "imu: expected everything.Imu (or a dict, or a tuple of all its fields), got 5"),
    ({"data": b"", "leaf": 5}, "leaf: expected everything.Leaf (or a dict), got 5"),
    ({"data": b"", "leaves": [{}, {"pose": {"x": "a"}}]}, "leaves[1].pose.x: expected float, got 'a'"),
    ({"data": b"", "leaves": {}}, "leaves: expected a list of tables, got {}"),
    ({"data": b"", "names": "abc"}, "names: expected a list of str, got 'abc'"),
    ({"data": b"", "names": ["a", 1]}, "names[1]: expected str, got 1"),
    ({"data": b"", "floats": [1e300]}, "floats[0]: 1e+300 does not fit float32"),
    ({"data": b"", "floats": b"abcd"}, "floats: expected a list or array of float32, got b'abcd'"),
    ({"data": b"", "bools": [2]}, "bools[0]: 2 does not fit bool (0 to 1)"),
    ({"data": b"", "children": [{}]}, "children[0].data: required, but not given"),
    ({"data": b"", "leaf": {1: 2}}, "leaf: everything.Leaf has no field '1'"),
]


@pytest.mark.parametrize(("fields", "text"), REFUSED, ids=[text for _, text in REFUSED])
def test_refused_values_name_their_path(everything: Any, fields: dict[str, Any], text: str) -> None:
    import shmcomm

    with pytest.raises(shmcomm.SHMSerializationError) as caught:
        everything.Tree(**fields)

    assert str(caught.value) == text


def test_an_error_inside_a_conversion_is_the_one_that_is_raised(everything: Any) -> None:
    with pytest.raises(ZeroDivisionError, match="from inside"):
        everything.Vec3(x=Broken())


def test_positional_values_are_refused(everything: Any) -> None:
    with pytest.raises(TypeError, match="takes its fields as keywords"):
        everything.Vec3(1, 2, 3)


def test_a_list_that_shrinks_while_it_is_read_is_refused(everything: Any) -> None:
    import shmcomm

    values: list[Any] = []

    class Shrinking:
        def __float__(self) -> float:
            values.clear()
            return 1.0

    values += [Shrinking()] * 3
    with pytest.raises(shmcomm.SHMSerializationError, match="became shorter"):
        everything.Tree(data=b"", doubles=values)


def test_values_dropped_during_conversion_stay_alive(everything: Any) -> None:
    nested: dict[str, Any] = {}

    class Clearing:
        def __index__(self) -> int:
            nested.clear()
            return 1

    nested.update({"id": Clearing(), "name": "n" * 100, "scores": [1.0] * 100, "pose": (1, 2, 3)})
    leaf = everything.Tree(data=b"", leaf=nested).leaf

    assert (leaf.id, leaf.name, len(leaf.scores), leaf.pose.z) == (1, "n" * 100, 100, 3.0)
