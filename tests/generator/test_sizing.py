# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import flatbuffers
import pytest
from shmcomm_gen.sizing import largest_message

from tests.generator.support.compiling import schema_of


def largest(directory: Path, text: str) -> int | None:
    schema = schema_of(directory, text)
    return largest_message(schema.records["T"], schema.records)


def test_a_struct_is_exact(tmp_path: Path) -> None:
    assert largest(tmp_path, "struct T { a:ubyte; b:double; }") == 16


@pytest.mark.parametrize("text", ["s:string", "v:[int]", "v:[U]", "t:T", "u:U", "w:W"])
def test_a_table_of_variable_size_has_no_bound(tmp_path: Path, text: str) -> None:
    assert largest(tmp_path, f"table T {{ {text}; }} table U {{ t:T; s:string; }} table W {{ w:W; }}") is None


def test_a_bound_covers_the_message_a_builder_makes(tmp_path: Path) -> None:
    """Two alternating widths need the most padding; a table inside comes with a vtable of its own."""
    bound = largest(tmp_path, "table T { a:bool; b:double; c:bool; d:double; i:I; } table I { x:bool; y:long; }")
    builder = flatbuffers.Builder(0)
    builder.StartObject(2)
    builder.PrependBoolSlot(0, True, False)
    builder.PrependInt64Slot(1, 1, 0)
    inner = builder.EndObject()
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(4, inner, 0)
    for slot in (0, 2):
        builder.PrependBoolSlot(slot, True, False)
        builder.PrependFloat64Slot(slot + 1, 1.0, 0.0)
    builder.Finish(builder.EndObject())

    assert bound is not None
    assert len(builder.Output()) <= bound <= 2 * len(builder.Output())


def test_an_empty_table_has_a_bound(tmp_path: Path) -> None:
    assert largest(tmp_path, "table T {}") == 32
