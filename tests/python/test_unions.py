# SPDX-License-Identifier: Apache-2.0
"""Unions as tagged values, scalars that may be absent, and messages within messages."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def drawing(unions: Any, **changes: Any) -> Any:
    """Holds every member once; the fifth shape is NONE."""
    shapes = [
        unions.Square(side=1, label="q"), "hello", unions.Point(x=1, y=2), ("Wheel", {"radius": 3}), None,
        (unions.Shape.Heavy, (1.5, 2)), (1, unions.Circle(radius=4, center=(5, 6))),
    ]  # fmt: skip
    tree = unions.Branch(left=unions.Leaf(number=1), right=unions.Branch(left=unions.Leaf(number=2)))
    return unions.Drawing(**({"title": "t", "shape": "word", "shapes": shapes, "tree": tree} | changes))


def test_a_member_is_an_instance_of_its_class_and_the_tag_says_which(unions: Any) -> None:
    shape = unions.Drawing(shape=unions.Square(side=2)).shape

    assert (type(shape), shape.side) == (unions.Square, 2.0)
    assert unions.Drawing(shape="word").shape == "word"
    assert unions.Drawing(shape=unions.Point(x=1)).shape == unions.Point(x=1)
    assert unions.Drawing(shape="word").shape_type is unions.Shape.Word


def test_an_absent_union_is_none(unions: Any) -> None:
    assert (unions.Drawing().shape, unions.Drawing().shape_type) == (None, unions.Shape.NONE)
    assert unions.Drawing(shape=None).shape is None
    assert unions.Drawing(shape=("NONE", None)).shape is None
    assert (unions.Drawing().shapes, unions.Drawing().shapes_type) == (None, None)


def test_a_tag_tells_members_of_one_type_apart(unions: Any) -> None:
    circle = unions.Circle(radius=2)

    assert unions.Drawing(shape=("Wheel", circle)).shape_type is unions.Shape.Wheel
    assert unions.Drawing(shape=(unions.Shape.Circle, circle)).shape_type is unions.Shape.Circle
    assert unions.Drawing(shape=(5, {"radius": 2})).shape == circle
    assert unions.Drawing(shape_type="Wheel", shape=circle).shape_type is unions.Shape.Wheel
    assert unions.Drawing(shape=circle).shape_type is unions.Shape.Circle


def test_vectors_of_unions_are_lazy_sequences_beside_their_tags(unions: Any) -> None:
    shapes = drawing(unions).shapes

    assert len(shapes) == 7
    assert shapes[:3] == [unions.Square(side=1, label="q"), "hello", unions.Point(x=1, y=2)]
    assert (shapes[3].radius, shapes[4], shapes[5].b, shapes[-1].center.y) == (3.0, None, 2, 6.0)
    assert drawing(unions).shapes_type.tolist() == [2, 3, 4, 5, 0, 6, 1]
    assert drawing(unions).shapes_type.dtype == np.uint8
    assert unions.Drawing(shapes=[]).shapes == []


def test_unions_nest(unions: Any) -> None:
    tree = drawing(unions).tree

    assert (tree.left.number, tree.right.left.number, tree.right.right) == (1, 2, None)


def test_a_dict_of_unions_builds_an_equal_message(unions: Any) -> None:
    made = drawing(unions)

    plain = made.to_dict()

    assert plain["shapes"][3] == {"radius": 3.0, "center": None}
    assert plain["shapes_type"][3] is unions.Shape.Wheel
    assert unions.Drawing(**plain) == made


def test_unions_are_copied_with_the_tables_that_hold_them(unions: Any) -> None:
    from shmcomm.typed import decode, encode

    made = drawing(unions)

    assert decode(unions.Drawing, encode(made)) == made
    assert unions.Drawing(shapes=made.shapes, shapes_type=made.shapes_type).shapes == made.shapes


def test_text_of_a_message_names_members(unions: Any) -> None:
    text = repr(unions.Drawing(shape=unions.Square(side=1), shapes=["a", None]))

    assert "shape_type=<Shape.Square: 2>, shape=unions.Square(side=1.0, label=None)" in text
    assert "shapes=<2 unions.Shape>" in text


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"shape": 5}, "shape: expected an instance of a member of unions.Shape (Circle, Square, Word, At, Wheel, Heavy, Load), "
                   "or a tuple (member's name, value), got 5"),
    ({"shape": {"side": 1}}, "shape: expected an instance of a member of unions.Shape"),
    ({"shape": ("Wheel", None)}, "shape: the tag says Wheel, but no value is given"),
    ({"shape": ("NONE", "a")}, "shape: a value is given, but its tag is NONE"),
    ({"shape": ("Nix", 1)}, "shape: expected unions.Shape (NONE, Circle, Square, Word, At, Wheel, Heavy, Load), got 'Nix'"),
    ({"shape": (9, "a")}, "shape: expected unions.Shape (NONE, Circle"),
    ({"shape": ("Square", 5)}, "shape: expected unions.Square (or a dict), got 5"),
    ({"shape_type": 1}, "shape: the tag says Circle, but no value is given"),
    ({"shapes": "abc"}, "shapes: expected a list of members of unions.Shape, got 'abc'"),
    ({"shapes": [("At", ("a", 1))]}, "shapes[0].x: expected float, got 'a'"),
    ({"shapes": ["a", 5]}, "shapes[1]: expected an instance of a member"),
    ({"shapes": ["a"], "shapes_type": [3, 3]}, "shapes: as many tags as values are needed"),
    ({"tree": ("Branch", {"left": ("Leaf", {"number": "a"})})}, "tree.left.number: expected int, got 'a'"),
    ({"is_set": 2}, "is_set: 2 does not fit bool (0 to 1)"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "text"), REFUSED, ids=[text for _, text in REFUSED])
def test_refused_values_name_their_path(unions: Any, fields: dict[str, Any], text: str) -> None:
    import shmcomm

    with pytest.raises(shmcomm.SHMSerializationError) as caught:
        unions.Drawing(**fields)

    assert str(caught.value).startswith(text)


def test_members_of_one_type_need_a_tag(unions: Any) -> None:
    import shmcomm

    with pytest.raises(shmcomm.SHMSerializationError, match=r"both Heavy and Load .* give a tuple \('Heavy', value\)"):
        unions.Drawing(shape=unions.Big())


def test_a_required_union_must_be_given(unions: Any) -> None:
    import shmcomm

    for fields in ({"shapes": []}, {"shape": None, "shapes": []}, {"shape": ("NONE", None), "shapes": []}):
        with pytest.raises(shmcomm.SHMSerializationError, match="shape: required, but not given"):
            unions.Must(**fields)
    with pytest.raises(shmcomm.SHMSerializationError, match="shapes: required, but not given"):
        unions.Must(shape="a")
    assert unions.Must(shape="a", shapes=[]).shape == "a"


def test_absent_scalars_are_none_and_zero_is_a_value(unions: Any) -> None:
    empty, zero = unions.Drawing(), unions.Drawing(count=0, ratio=0, is_set=False, mood="Happy")

    assert (empty.count, empty.ratio, empty.is_set, empty.mood) == (None, None, None, None)
    assert (zero.count, zero.ratio, zero.is_set, zero.mood) == (0, 0.0, False, unions.Mood.Happy)
    assert unions.Drawing(count=None, mood=None) == empty


def test_strings_and_vectors_with_a_default_are_never_absent(unions: Any) -> None:
    from shmcomm.typed import decode, encode

    absent = decode(unions.Named, encode(unions.Leaf()))  # an empty table
    for named in (unions.Named(), unions.Named(name=None), absent):
        assert (named.name, named.joints.tolist(), named.joints.dtype, named.notes[:]) == ("unnamed", [], np.float32, [])
        assert decode(unions.Named, encode(named)) == named
    assert unions.Named(name="", joints=[1]).to_dict() == {"name": "", "joints": [1.0], "notes": []}


def test_a_nested_message_is_an_instance_of_its_class(unions: Any) -> None:
    inner = drawing(unions)
    made = unions.Envelope(inner=inner, number=3)

    assert type(made.inner) is unions.Drawing
    assert made.inner == inner
    assert unions.Envelope(inner=inner.to_dict()).inner == inner
    assert unions.Envelope(number=3).inner is None


def test_a_nested_message_is_given_as_bytes_too(unions: Any) -> None:
    from shmcomm.typed import decode, encode

    made = unions.Envelope(inner=encode(drawing(unions)))

    assert made.inner == drawing(unions)
    assert decode(unions.Envelope, encode(made)) == made
    assert unions.Envelope(**made.to_dict()) == made


def test_arrays_of_a_nested_message_lie_where_it_lies(unions: Any) -> None:
    types = unions.Envelope(number=1, inner=drawing(unions), raw=b"xyz").inner.shapes_type
    gc.collect()

    assert types.tolist() == [2, 3, 4, 5, 0, 6, 1]


def test_a_nested_message_is_refused_by_the_path_of_its_field(unions: Any) -> None:
    import shmcomm

    with pytest.raises(shmcomm.SHMSerializationError, match=r"inner\.shapes\[0\]\.side: expected float, got 'a'"):
        unions.Envelope(inner={"shapes": [("Square", {"side": "a"})]})
    with pytest.raises(shmcomm.SHMSerializationError, match="inner: expected unions.Drawing, got unions.Leaf"):
        unions.Envelope(inner=unions.Leaf())


def test_unions_and_nested_messages_travel_and_are_views(unions: Any, root: Path) -> None:
    made = drawing(unions)
    with unions.DrawingPublisher(root=root) as pub, unions.DrawingSubscriber(root=root) as sub:
        pub.send(**made.to_dict())
        shapes = sub.recv(timeout=1000).shapes
        assert shapes == made.shapes
    with unions.EnvelopePublisher(root=root) as pub, unions.EnvelopeSubscriber(root=root) as sub:
        pub.send(number=1, inner=made)
        inner = sub.recv(timeout=1000).inner
        sub.close()
    gc.collect()

    assert inner == made
    assert shapes == made.shapes
