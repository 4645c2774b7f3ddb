# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from shmcomm_gen.targets.fbs import fbs_text, float_text

from tests.generator.support.compiling import compile_file, schema_of

SCHEMA = """
include "one.fbs";
attribute "unit";
/// Two lines
/// of documentation.
table T (zeta, original_order) {
  /// A field.
  a:int = -3 (unit: "m", id: 0);
  b:theirs.P (id: 1, required, zeta: 4);
  c:float = nan (id: 2, deprecated);
}
namespace n.m;
enum F : ubyte (bit_flags) { A, B = 6 }
channel c : pubsub<T>;
namespace ;
table U { f:n.m.F = "A B"; }
root_type T;
file_identifier "ABCD";
file_extension "tst";
"""
ONE = "namespace theirs; attribute zeta; struct P (force_align: 8) { x:float; }"


def test_channels_are_stripped_and_all_else_is_spelled_out(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, SCHEMA, one=ONE)

    assert fbs_text(schema.main, schema) == (
        "// Generated from case.channel by shmcommc; do not edit.\n"
        'include "one.fbs";\n'
        'attribute "unit";\n'
        'attribute "zeta";\n'
        "namespace n.m;\n"
        "\n"
        "enum F : ubyte (bit_flags) {\n"
        "  A = 0,\n"
        "  B = 6,\n"
        "}\n"
        "namespace ;\n"
        "\n"
        "/// Two lines\n"
        "/// of documentation.\n"
        "table T (original_order, zeta) {\n"
        "  /// A field.\n"
        '  a:int = -3 (id: 0, unit: "m");\n'
        "  b:theirs.P (id: 1, required, zeta: 4);\n"
        "  c:float = nan (deprecated, id: 2);\n"
        "}\n"
        "\n"
        "table U {\n"
        "  f:n.m.F = 65;\n"
        "}\n"
        "\n"
        "root_type T;\n"
        'file_identifier "ABCD";\n'
        'file_extension "tst";\n'
    )


def test_each_file_has_its_own_types_and_attributes(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, SCHEMA, one=ONE)

    assert fbs_text(schema.files[1], schema) == (
        "// Generated from one.fbs by shmcommc; do not edit.\n"
        'attribute "zeta";\n'
        "namespace theirs;\n"
        "\n"
        "struct P (force_align: 8) {\n"
        "  x:float;\n"
        "}\n"
    )


def test_the_text_of_an_included_file_does_not_depend_on_who_includes_it(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, SCHEMA, one=ONE)
    alone, _ = compile_file(tmp_path / "one.fbs")

    assert fbs_text(alone.main, alone) == fbs_text(schema.files[1], schema)


def test_the_text_compiles_to_the_same_model(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, SCHEMA, one=ONE)
    for file in schema.files:
        (tmp_path / f"{file.stem}.fbs").write_text(fbs_text(file, schema), encoding="utf-8")

    again, sink = compile_file(tmp_path / "case.fbs")

    assert not sink.diagnostics
    assert fbs_text(again.main, again).splitlines()[1:] == fbs_text(schema.main, schema).splitlines()[1:]


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.1, "0.1"), (1e300, "1e+300"), (3.0, "3.0"), (float("inf"), "inf"), (float("-inf"), "-inf"), (float("nan"), "nan")],
)
def test_floats_are_read_back_to_the_same_bits(number: float, text: str) -> None:
    assert float_text(number) == text


def test_enums_and_unions_come_before_their_use(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "table A { u:n.U; e:n.E; } namespace n; table B { u:U; } union U { A, B } enum E : int { X }")

    text = fbs_text(schema.main, schema)

    assert text.index("union U") < text.index("table A") and text.index("enum E") < text.index("table A")


def test_strings_are_quoted_for_flatc(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, r'attribute "note"; table T (note: "a \"b\" \\ \n é") { x:int; }')

    assert r'table T (note: "a \"b\" \\ \n é") {' in fbs_text(schema.main, schema)
