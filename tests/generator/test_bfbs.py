# SPDX-License-Identifier: Apache-2.0
"""The binary schema against flatc's of the same schema, object by object and field by field."""

from __future__ import annotations

from pathlib import Path

import pytest
from shmcomm_gen.targets.bfbs import bfbs_bytes
from shmcomm_gen.targets.fbs import fbs_text

from tests.generator.support.bfbs_reader import by_name, read_bfbs
from tests.generator.support.compiling import INPUTS, compile_file, schema_of
from tests.generator.support.flatcs import LANES, Lane, comparable

SCHEMA = """
/// An enum.
enum Color : ubyte {
  /// Warm.
  Red,
  Green = 7
}
/// A struct.
struct P (force_align: 8) { x:float; c:[Color:3]; }
/// A table
/// of two lines.
table T {
  /// A field.
  s:string (required);
  p:P; v:[P]; n:int = -4; f:double = 2.5; u:ulong = 9223372036854775807; old:int (deprecated);
}
root_type T;
file_identifier "TEST";
file_extension "tst";
"""


@pytest.mark.parametrize("name", ["robot.channel", "everything.channel", "language.channel", "newer.channel", "geometry.fbs"])
@pytest.mark.parametrize("lane", LANES)
def test_it_equals_flatcs_for_the_text_flatc_is_given(tmp_path: Path, name: str, lane: Lane) -> None:
    if name == "newer.channel" and lane.is_like_2_0_8:
        pytest.skip("flatc 2.0.8 knows none of it")
    schema, sink = compile_file(INPUTS / name)
    assert not sink.has_errors
    for file in schema.files:
        (tmp_path / f"{file.stem}.fbs").write_text(fbs_text(file, schema), encoding="utf-8")

    theirs = lane.schema(tmp_path, tmp_path / f"{schema.main.stem}.fbs")

    assert comparable(read_bfbs(bfbs_bytes(schema)), lane) == comparable(theirs, lane)


@pytest.mark.parametrize("lane", LANES)
def test_it_equals_flatcs_for_the_text_a_person_wrote(tmp_path: Path, lane: Lane) -> None:
    (tmp_path / "case.fbs").write_text(SCHEMA, encoding="utf-8")
    schema, _ = compile_file(tmp_path / "case.fbs")

    theirs = lane.schema(tmp_path, tmp_path / "case.fbs")
    assert comparable(read_bfbs(bfbs_bytes(schema)), lane) == comparable(theirs, lane)


def test_documentation_is_in_it(tmp_path: Path) -> None:
    decoded = read_bfbs(bfbs_bytes(schema_of(tmp_path, SCHEMA)))

    table, enum = by_name(decoded["objects"], "T"), by_name(decoded["enums"], "Color")
    assert table["documentation"] == [" A table", " of two lines."]
    assert by_name(table["fields"], "s")["documentation"] == [" A field."]
    assert enum["documentation"] == [" An enum."]
    assert by_name(enum["values"], "Red")["documentation"] == [" Warm."]


def test_a_struct_is_exact(tmp_path: Path) -> None:
    decoded = read_bfbs(bfbs_bytes(schema_of(tmp_path, SCHEMA)))

    struct = by_name(decoded["objects"], "P")
    assert (struct["is_struct"], struct["bytesize"], struct["minalign"]) == (True, 8, 8)
    assert [(f["name"], f["offset"], f["padding"]) for f in struct["fields"]] == [("c", 4, 1), ("x", 0, 0)]


def test_objects_fields_and_values_are_sorted(tmp_path: Path) -> None:
    text = "table b { z:int; a:int; } table a {} enum e : int { High = 3, Low = -3 }"

    decoded = read_bfbs(bfbs_bytes(schema_of(tmp_path, text)))

    assert [one["name"] for one in decoded["objects"]] == ["a", "b"]
    assert [one["name"] for one in by_name(decoded["objects"], "b")["fields"]] == ["a", "z"]
    assert [one["value"] for one in decoded["enums"][0]["values"]] == [-3, 3]


def test_files_are_named_without_their_folder(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, 'include "one.fbs"; table T { p:P; }', one="struct P { x:int; }")

    decoded = read_bfbs(bfbs_bytes(schema))

    assert by_name(decoded["objects"], "P")["declaration_file"] == "//one.fbs"
    assert decoded["fbs_files"] == [
        {"filename": "//case.channel", "included_filenames": ["//one.fbs"]},
        {"filename": "//one.fbs", "included_filenames": []},
    ]


def test_a_default_beyond_63_bits_keeps_its_bits(tmp_path: Path) -> None:
    """flatc 2.0.8 writes 0 there, and its own C++ has the right number."""
    decoded = read_bfbs(bfbs_bytes(schema_of(tmp_path, "table T { x:ulong = 18446744073709551615; }")))

    assert decoded["objects"][0]["fields"][0]["default_integer"] == -1


def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    assert bfbs_bytes(schema_of(tmp_path, SCHEMA)) == bfbs_bytes(schema_of(tmp_path, SCHEMA))
