# SPDX-License-Identifier: Apache-2.0
"""Whatever a message holds, reading it gives values or SHMCorruptionError, and never touches memory outside it.

The AddressSanitizer build proves the second half: messages are bytes objects on the heap there.
"""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path
from typing import Any

import pytest

ROUNDS = int(os.environ.get("SHMCOMM_FUZZ_ROUNDS", "3000"))


def read_all(record: Any, depth: int = 0) -> None:
    """Every attribute, every element that is near an end, every way of copying."""
    import shmcomm

    for name in type(record).__mro__[0].__dict__:
        if name.startswith("_"):
            continue
        try:
            value = getattr(record, name)
            if hasattr(value, "to_dict") and depth < 4:
                read_all(value, depth + 1)
            elif hasattr(value, "tobytes"):
                value[:64].tobytes(), value[-64:].tobytes()
            elif hasattr(value, "index") and not isinstance(value, str | int):
                for index in {0, 1, len(value) // 2, len(value) - 1} & set(range(min(len(value), 1 << 20))):
                    element = value[index]
                    if hasattr(element, "to_dict") and depth < 4:
                        read_all(element, depth + 1)
        except shmcomm.SHMCorruptionError:
            pass


def mutate(rng: random.Random, message: bytes) -> bytes:
    changed = bytearray(message)
    for _ in range(rng.randrange(1, 6)):
        kind = rng.randrange(4)
        at = rng.randrange(max(len(changed) - 4, 1))
        if kind == 0:
            changed[at] = rng.randrange(256)
        elif kind == 1:
            struct.pack_into("<I", changed, at & ~3, rng.choice([0, 1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(changed)]))
        elif kind == 2:
            struct.pack_into("<I", changed, at & ~3, rng.randrange(2 * len(changed)))
        else:
            struct.pack_into("<H", changed, at & ~1, rng.choice([0, 1, 3, 4, 0x7FFF, 0x8000, 0xFFFF]))
        if len(changed) > 8 and rng.random() < 0.1:
            del changed[rng.randrange(8, len(changed)) :]
    return bytes(changed)


def build_seed(module: Any) -> bytes:
    from shmcomm import typed

    from test_build_and_read import full_tree

    fields = full_tree(module)
    return typed.encode(module.Tree(**fields | {"child": fields | {"data": b"in"}, "children": [fields, fields]}))


def test_mutated_messages_never_crash(everything: Any) -> None:
    import shmcomm
    from shmcomm import typed

    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    message = build_seed(everything)
    refused = 0
    for _ in range(ROUNDS):
        changed = mutate(rng, message)
        try:
            record = typed.decode(everything.Tree, changed)
            read_all(record)
            repr(record)
            record.to_dict()
            typed.encode(record)
        except shmcomm.SHMCorruptionError:
            refused += 1

    assert refused > 0


def test_mutated_unions_and_nested_messages_never_crash(unions: Any) -> None:
    import shmcomm
    from shmcomm import typed

    from test_unions import drawing

    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    message = typed.encode(unions.Envelope(inner=drawing(unions), number=1, raw=b"raw"))
    refused = 0
    for _ in range(ROUNDS):
        try:
            record = typed.decode(unions.Envelope, mutate(rng, message))
            read_all(record)
            repr(record)
            record.to_dict()
            typed.encode(record)
            typed.encode(record.inner or record)
        except (shmcomm.SHMCorruptionError, shmcomm.SHMSerializationError):  # the latter: an unknown member is not copied
            refused += 1

    assert refused > 0


def test_truncated_messages_are_refused_or_read(everything: Any) -> None:
    import shmcomm
    from shmcomm import typed

    message = build_seed(everything)
    for length in range(len(message)):
        try:
            read_all(typed.decode(everything.Tree, message[:length]))
        except shmcomm.SHMCorruptionError:
            continue


def test_short_messages_are_refused(everything: Any) -> None:
    import shmcomm
    from shmcomm import typed

    for message in (b"", b"\0", bytes(3), bytes(4), b"\xff" * 4, b"\xff" * 8, struct.pack("<Ii", 4, -4)):
        with pytest.raises(shmcomm.SHMCorruptionError):
            typed.decode(everything.Tree, message)
    with pytest.raises(shmcomm.SHMCorruptionError):
        typed.decode(everything.Imu, bytes(10))


def test_a_vector_longer_than_its_message_is_refused(everything: Any) -> None:
    import shmcomm
    from shmcomm import typed

    message = bytearray(typed.encode(everything.Tree(data=b"twelve bytes")))
    struct.pack_into("<I", message, message.index(b"twelve") - 4, 0xFFFFFFFF)
    tree = typed.decode(everything.Tree, bytes(message))

    with pytest.raises(shmcomm.SHMCorruptionError, match=r"everything\.Tree\.data points outside its message"):
        tree.data


def test_a_message_without_its_required_field_is_refused(everything: Any) -> None:
    import shmcomm
    from shmcomm import typed

    tree = typed.decode(everything.Tree, typed.encode(everything.Leaf()))

    with pytest.raises(shmcomm.SHMCorruptionError, match="lacks this required field"):
        tree.data


def test_a_message_that_unfolds_without_end_is_refused(everything: Any) -> None:
    import shmcomm
    from shmcomm import typed

    # Forty trees, each naming the next one twice as a child: 2^40 records unfold from 2 KB.
    slots = {"data": 4, "children": 8}  # where a table holds the offsets of these vectors
    vtable_bytes = 4 + 2 * 26
    vtable = bytearray(vtable_bytes)
    struct.pack_into("<HH", vtable, 0, vtable_bytes, 12)
    for name, at in slots.items():
        struct.pack_into("<H", vtable, getattr(everything.Tree, name).offset, at)
    # table: to the vtable, to data, to children · data: empty · children: 2 · to the next table, twice
    table_bytes = 12 + 4 + 12
    message = bytearray(struct.pack("<I", 4 + vtable_bytes)) + vtable
    for _ in range(40):
        here = len(message)
        message += struct.pack("<iII", here - 4, 8, 8) + struct.pack("<I", 0)
        message += struct.pack("<III", 2, table_bytes - 20, table_bytes - 24)
    message += struct.pack("<iII", len(message) - 4, 8, 8) + bytes(8)

    tree = typed.decode(everything.Tree, bytes(message))

    assert tree.children[1].children[0].children[1].data.size == 0
    with pytest.raises(shmcomm.SHMCorruptionError, match="unfolds"):
        tree.to_dict()


def test_a_message_that_forks_without_end_is_refused(tmp_path: Path) -> None:
    import shmcomm
    from shmcomm import typed

    (tmp_path / "fork.channel").write_text("namespace fork;\ntable Fork { left:Fork; right:Fork; }\n")
    fork = shmcomm.load(tmp_path / "fork.channel")
    # Forty tables, each naming the next one on both sides, and a last one without fields.
    message = struct.pack("<IHHHHHH", 16, 8, 12, 4, 8, 4, 4)
    for _ in range(40):
        message += struct.pack("<iII", len(message) - 4, 8, 4)
    message += struct.pack("<i", len(message) - 12)

    forked = typed.decode(fork.Fork, message)

    assert forked.left.right.left.right.right is not None
    for unfold in (repr, type(forked).to_dict, typed.encode, lambda record: fork.Fork(left=record)):
        with pytest.raises(shmcomm.SHMCorruptionError, match="unfolds"):
            unfold(forked)


def test_texts_and_vectors_that_are_shared_without_end_are_refused(tmp_path: Path) -> None:
    import shmcomm
    from shmcomm import typed

    (tmp_path / "shared.channel").write_text("namespace shared;\ntable Shared { names:[string]; many:[Shared]; numbers:[int]; }\n")
    shared = shmcomm.load(tmp_path / "shared.channel")
    fields = {name: getattr(shared.Shared, name).offset for name in ("names", "many", "numbers")}

    def one_vector_of(field: str, target: bytes, count: int) -> bytes:
        """A table whose `field` has `count` elements that all lead to `target`."""
        vtable = bytearray(struct.pack("<HHHHH", 10, 8, 0, 0, 0))
        struct.pack_into("<H", vtable, fields[field], 4)
        head = struct.pack("<I", 4 + 12) + bytes(vtable) + bytes(2) + struct.pack("<iI", 12, 4) + struct.pack("<I", count)
        return head + b"".join(struct.pack("<I", 4 * (count - i)) for i in range(count)) + target

    text = struct.pack("<I", 100_000) + b"x" * 100_000 + bytes(4)
    numbers = struct.pack("<HHHHH", 10, 8, 0, 0, 4) + bytes(2) + struct.pack("<iII", 12, 4, 50_000) + bytes(4 * 50_000)
    texts = one_vector_of("names", text, 20_000)
    vectors = bytearray(one_vector_of("many", numbers, 2_000))
    for i in range(2_000):  # to the table, which follows its vtable
        at = 28 + 4 * i
        struct.pack_into("<I", vectors, at, struct.unpack_from("<I", vectors, at)[0] + 12)

    for message in (texts, bytes(vectors)):
        record = typed.decode(shared.Shared, message)
        with pytest.raises(shmcomm.SHMCorruptionError, match="unfolds to more than"):
            record.to_dict()
    honest = typed.decode(shared.Shared, one_vector_of("names", struct.pack("<I", 5) + b"idle!" + bytes(3), 100_000))
    assert honest.to_dict()["names"][99_999] == "idle!"
