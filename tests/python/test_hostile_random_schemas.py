# SPDX-License-Identifier: Apache-2.0
"""Messages of noise that look like messages, under the classes of random schemas: values or SHMCorruptionError.

The fuzz target `accessors` does this far more often, but without the package's own classes, enums and dtypes.
"""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path
from typing import Any

import pytest

from test_hostile_messages import mutate, read_all

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import strategies as st  # noqa: E402  (after the check that it is there)

from tests.generator.support.random_schemas import schemas  # noqa: E402  (needs hypothesis)

COUNT = int(os.environ.get("SHMCOMM_RANDOM_SCHEMAS", "40"))
MESSAGES = 60


def plausible(rng: random.Random) -> bytes:
    """A vtable and its table; in that, and behind it, small numbers, which are offsets and lengths in most places."""
    slots = [rng.choice([0, 0, 4, 8, 12, 16, 24, 40]) for _ in range(rng.randrange(12))]
    vtable = struct.pack(f"<HH{len(slots)}H", 4 + 2 * len(slots), 64, *slots)
    words = [rng.choice([0, 1, 2, 4, 8, 12, 20, rng.randrange(200)]) for _ in range(rng.randrange(4, 60))]
    return struct.pack("<I", 4 + len(vtable)) + vtable + struct.pack(f"<i{len(words)}I", len(vtable), *words)


def messages_of(record: type[Any], rng: random.Random) -> list[bytes]:
    import shmcomm
    from shmcomm import typed

    made = [plausible(rng) for _ in range(MESSAGES)]
    try:
        made.append(typed.encode(record()))
    except shmcomm.SHMSerializationError:  # a required field
        pass
    return made + [mutate(rng, message) for message in made if len(message) >= 4]


def read(record: type[Any], message: bytes) -> None:
    import shmcomm
    from shmcomm import typed

    for use in (read_all, repr, record.to_dict, typed.encode):
        try:
            use(typed.decode(record, message))
        except (shmcomm.SHMCorruptionError, shmcomm.SHMSerializationError):  # the latter: an unknown member is not copied
            continue


def test_noise_of_a_random_schema_never_crashes(tmp_path: Path) -> None:
    from shmcomm import typed
    from shmcomm_gen.targets.bfbs import bfbs_bytes

    from tests.generator.support.compiling import compile_file

    @hypothesis.settings(max_examples=COUNT, deadline=None, database=None, print_blob=True)
    @hypothesis.given(schemas(), st.integers(0, 2**32))
    def check(text: str, seed: int) -> None:
        (tmp_path / "case.fbs").write_text(text, encoding="utf-8")
        schema, sink = compile_file(tmp_path / "case.fbs")
        hypothesis.assume(not sink.has_errors)
        rng = random.Random(seed)
        classes = typed.Schema(bfbs_bytes(schema), module="random_schema")
        for name in ("T0", "T1", "T2"):
            (full,) = (known for known in classes._core.type_names() if known.split(".")[-1] == name)
            record = classes.table(full)
            for message in messages_of(record, rng):
                read(record, message)

    check()
