# SPDX-License-Identifier: Apache-2.0
"""A field is read without CPython's search for attributes, and everything is as if it were not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shmcomm


@pytest.fixture
def shapes(tmp_path: Path) -> Any:
    """A module with classes of its own, which the test may change."""
    file = tmp_path / "shapes.channel"
    file.write_text("""
namespace shapes;
table Box { width:int; height:int; }
channel boxes : pubsub<Box>;
""")
    return shmcomm.load(file)


@pytest.fixture
def box(shapes: Any, root: Path) -> Iterator[Any]:
    """A received box of 3 × 4."""
    with shapes.BoxesPublisher(root=root) as pub, shapes.BoxesSubscriber(root=root) as sub:
        pub.send(width=3, height=4)
        yield sub.recv(timeout=1000)


def read_twice(record: Any) -> tuple[int, ...]:
    return record.width, record.height, record.width, record.height


def test_what_a_class_is_given_later_is_seen_after_reads(shapes: Any) -> None:
    made = shapes.Box(width=1, height=2)
    assert read_twice(made) == (1, 2, 1, 2)
    field = shapes.Box.width

    shapes.Box.width = property(lambda self: 100 + self.height)
    assert read_twice(made) == (102, 2, 102, 2)

    shapes.Box.width = field
    assert read_twice(made) == (1, 2, 1, 2)
    del shapes.Box.width
    with pytest.raises(AttributeError, match="width"):
        made.width  # noqa: B018


def test_what_a_base_is_given_later_is_seen_by_messages_that_were_read(shapes: Any, box: Any) -> None:
    assert read_twice(box) == (3, 4, 3, 4)

    shapes.Box.height = 7

    assert read_twice(box) == (3, 7, 3, 7)


def test_a_class_derived_from_a_messages_class_may_have_something_else(shapes: Any, box: Any) -> None:
    class Doubled(shapes.Box):  # type: ignore[misc, name-defined]
        __slots__ = ()
        breadth = shapes.Box.width
        width = property(lambda self: 2 * self.breadth)

    doubled = Doubled(width=3, height=4)
    for _ in range(3):
        assert read_twice(box) == (3, 4, 3, 4)
        assert (doubled.breadth, doubled.width, doubled.height) == (3, 6, 4)


def test_a_descriptor_around_a_field_is_asked_each_time(shapes: Any) -> None:
    class Twice:
        def __init__(self, field: Any) -> None:
            self.field = field

        def __get__(self, record: object, kind: type) -> Any:
            return self.field if record is None else 2 * self.field.__get__(record, kind)

    class Doubled(shapes.Box):  # type: ignore[misc, name-defined]
        __slots__ = ()
        width = Twice(shapes.Box.width)

    made = Doubled(width=3, height=4)
    assert [made.width for _ in range(4)] == [6, 6, 6, 6]


def test_a_class_with_a_getattr_of_its_own_has_it_asked_for_what_is_no_field(shapes: Any) -> None:
    class Asked(shapes.Box):  # type: ignore[misc, name-defined]
        __slots__ = ()

        def __getattr__(self, name: str) -> str:
            return f"no {name}"

    made = Asked(width=1, height=2)
    assert read_twice(made) == (1, 2, 1, 2)
    assert made.depth == "no depth"


def test_a_name_that_was_put_together_finds_its_field(shapes: Any) -> None:
    made = shapes.Box(width=1, height=2)
    for _ in range(3):
        assert getattr(made, "".join(["wi", "dth"])) == 1
        assert read_twice(made) == (1, 2, 1, 2)
        assert not hasattr(made, "".join(["wi", "de"]))


def test_two_types_with_fields_of_one_name_keep_their_own(shapes: Any, tmp_path: Path) -> None:
    file = tmp_path / "others.channel"
    file.write_text("namespace others;\ntable Box { height:int; depth:int; width:int; }\nchannel boxes : pubsub<Box>;\n")
    others = shmcomm.load(file)
    for _ in range(3):
        assert read_twice(shapes.Box(width=1, height=2)) == (1, 2, 1, 2)
        assert read_twice(others.Box(width=5, height=6)) == (5, 6, 5, 6)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 500])
def test_every_field_of_a_small_and_of_a_large_table_is_found_again_and_again(tmp_path: Path, root: Path, count: int) -> None:
    names = [f"field_{index}" for index in range(count)]
    file = tmp_path / "large.channel"
    fields = " ".join(f"{name}:int;" for name in names)
    file.write_text(f"namespace large;\ntable Large {{ {fields} }}\nchannel larges : pubsub<Large>;\n")
    large = shmcomm.load(file)
    values = dict(zip(names, range(1, count + 1), strict=True))
    with large.LargesPublisher(root=root) as pub, large.LargesSubscriber(root=root) as sub:
        made = large.Large(**values)
        pub.send(**values)
        received = sub.recv(timeout=1000)
    for _ in range(3):
        for record in (made, received):
            assert {name: getattr(record, name) for name in names} == values
