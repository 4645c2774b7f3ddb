# SPDX-License-Identifier: Apache-2.0
"""Strings and vectors behind 64-bit offsets, and vectors with lengths of 64 bits. tests/newer reads them in C++ as well."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCHEMA = """
struct Point { x:double; y:double; }
table Far {
  before:ubyte; words:string (offset64); numbers:[int] (offset64); bytes:[ubyte] (vector64); points:[Point] (vector64);
  must:[short] (vector64, required); after:short;
}
table Near { numbers:[int]; }
channel far : pubsub<Far> { max_size: 64KiB; history: 1; }
"""
GIVEN: dict[str, Any] = {
    "before": 1, "words": "far away", "numbers": [1, -2, 3], "bytes": b"abcde", "must": [7], "after": -1,
    "points": [{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": 4.0}, {"x": 5.0, "y": 6.0}],
}  # fmt: skip


@pytest.fixture
def far(tmp_path: Path) -> Any:
    import shmcomm

    path = tmp_path / "far.channel"
    path.write_text(SCHEMA, encoding="utf-8")
    return shmcomm.load(path)


def plain(message: Any) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in message.to_dict().items()}


def test_they_are_built_and_read_like_any_other(far: Any) -> None:
    assert plain(far.Far(**GIVEN)) == GIVEN


def test_a_copy_equals_what_it_was_made_of(far: Any) -> None:
    from shmcomm import typed

    message = far.Far(**GIVEN)

    assert typed.decode(far.Far, typed.encode(message)) == message


def test_all_but_what_is_required_may_be_absent(far: Any) -> None:
    message = far.Far(must=[])

    assert (message.words, message.numbers, message.bytes, message.points, message.must.tolist()) == (None, None, None, None, [])


def test_offsets_and_lengths_have_64_bits(far: Any) -> None:
    from shmcomm import typed

    data = bytes(typed.encode(far.Far(must=[], bytes=b"abcde")))

    at = data.index(b"abcde")
    assert struct.unpack_from("<Q", data, at - 8) == (5,)
    table = struct.unpack_from("<I", data)[0]
    vtable = table - struct.unpack_from("<i", data, table)[0]
    field = table + struct.unpack_from("<H", data, vtable + 10)[0]
    assert field + struct.unpack_from("<Q", data, field)[0] == at - 8


def test_a_loan_writes_them_in_place(far: Any, root: Path) -> None:
    with far.FarPublisher(root=root) as publisher, far.FarSubscriber(root=root) as subscriber:
        with publisher.loan(bytes=4, numbers=(2, 3), must=1) as loan:
            loan.bytes[:] = 7
            loan.numbers[1] = [4, 5, 6]
            loan.must[0] = 9

        message = subscriber.recv(timeout=1000)

        assert (message.bytes.tolist(), message.must.tolist()) == ([7] * 4, [9])
        assert message.numbers.tolist()[3:] == [4, 5, 6]


@pytest.mark.parametrize("word", [2**64 - 1, 2**63, 2**61 + 1, 2**32, 2**64 - 8])
def test_words_that_lead_anywhere_are_refused_or_make_other_values(far: Any, word: int) -> None:
    from shmcomm import SHMCorruptionError, typed

    sound = bytes(typed.encode(far.Far(**GIVEN)))
    refused = 0
    for at in range(len(sound) - 7):
        hostile = bytearray(sound)
        struct.pack_into("<Q", hostile, at, word)
        try:
            plain(typed.decode(far.Far, bytes(hostile)))
        except SHMCorruptionError:
            refused += 1

    assert refused > 40
