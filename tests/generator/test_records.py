# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from shmcomm_gen.model import ArrayType, Record, RecordType, ScalarType, StringType, VectorType
from shmcomm_gen.scalars import Scalar

from tests.generator.support.compiling import codes_of, schema_of


def layout(record: Record) -> list[tuple[str, int, int]]:
    return [(field.name, field.offset, field.padding) for field in record.fields]


def test_a_struct_is_laid_out_as_c_would(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "struct S { a:ubyte; b:double; c:ubyte; d:ushort; e:[ubyte:3]; }")

    record = schema.records["S"]

    assert layout(record) == [("a", 0, 7), ("b", 8, 0), ("c", 16, 1), ("d", 18, 0), ("e", 20, 1)]
    assert (record.size, record.alignment) == (24, 8)


def test_a_struct_inside_brings_its_size_and_alignment(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "struct Outer { a:ubyte; i:[Inner:2]; } struct Inner { x:short; y:ubyte; }")

    assert layout(schema.records["Outer"]) == [("a", 0, 1), ("i", 2, 0)]
    assert schema.records["Outer"].size == 10
    assert schema.records["Inner"].size == 4


def test_force_align_rounds_the_size_up(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "struct S (force_align: 16) { x:int; }  struct O { a:ubyte; s:S; }")

    assert (schema.records["S"].size, schema.records["S"].alignment) == (16, 16)
    assert layout(schema.records["O"]) == [("a", 0, 15), ("s", 16, 0)]


def test_fields_of_tables_get_ids_and_vtable_offsets_in_order(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "table T { a:int; b:string (deprecated); c:bool; }")

    assert [(f.name, f.id, f.offset) for f in schema.records["T"].fields] == [("a", 0, 4), ("b", 1, 6), ("c", 2, 8)]


def test_written_ids_decide_the_order(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, 'table T { a:int (id: 2); b:int (id: "0"); c:int (id: 0x1); }')

    assert [(f.name, f.id, f.offset) for f in schema.records["T"].fields] == [("b", 0, 4), ("c", 1, 6), ("a", 2, 8)]


def test_types_of_fields_are_resolved(tmp_path: Path) -> None:
    schema = schema_of(
        tmp_path,
        "namespace n; enum E : short { A } struct S { x:[E:2]; } "
        "table T { a:uint8; b:float64; c:E; d:S; e:T; f:[T]; g:[string]; h:[E]; i:[S]; }",
    )

    types = {field.name: field.type for field in schema.records["n.T"].fields}

    enum = ScalarType(Scalar.SHORT, "n.E")
    struct, table = RecordType("n.S", True), RecordType("n.T", False)
    assert types == {
        "a": ScalarType(Scalar.UBYTE), "b": ScalarType(Scalar.DOUBLE), "c": enum, "d": struct, "e": table,
        "f": VectorType(table), "g": VectorType(StringType()), "h": VectorType(enum), "i": VectorType(struct),
    }  # fmt: skip
    assert schema.records["n.S"].fields[0].type == ArrayType(enum, 2)


def test_a_name_means_the_innermost_type_of_that_name(tmp_path: Path) -> None:
    schema = schema_of(
        tmp_path,
        "struct P { x:int; } namespace a; struct P { x:int; y:int; } namespace a.b; "
        "table T { p:P; q:b.Q; r:a.P; } struct Q { x:int; }",
    )

    types = [field.type for field in schema.records["a.b.T"].fields]

    assert types == [RecordType("a.P", True), RecordType("a.b.Q", True), RecordType("a.P", True)]


def test_types_of_included_files_are_seen_however_far(tmp_path: Path) -> None:
    schema = schema_of(
        tmp_path, 'include "one.fbs"; table T { p:P; }', one='include "two.fbs";', two="struct P { x:int; }"
    )

    assert schema.records["T"].fields[0].type == RecordType("P", True)


def test_files_that_include_each_other_share_their_types(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, 'include "one.fbs"; table T { o:O; }', one='include "case.channel"; table O { t:T; }')

    assert set(schema.records) == {"T", "O"}


@pytest.mark.parametrize(
    ("text", "attribute"),
    [("x:string (required)", "required"), ("x:string (key)", "required"), ("x:int (deprecated)", "deprecated")],
)
def test_attributes_become_facts(tmp_path: Path, text: str, attribute: str) -> None:
    schema = schema_of(tmp_path, f"table T {{ {text}; }}")

    assert getattr(schema.records["T"].fields[0], attribute) is True


def test_attributes_of_ones_own_are_kept_in_order_of_name(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, 'table T (zeta, alpha: "x") { x:int (alpha: 3); } attribute "zeta"; attribute alpha;')

    assert schema.records["T"].attributes == (("alpha", "x"), ("zeta", "0"))
    assert schema.records["T"].fields[0].attributes == (("alpha", "3"),)


def test_one_wrong_field_does_not_blame_the_ids_of_others(tmp_path: Path) -> None:
    assert codes_of(tmp_path, "table T { a:Nope (id: 0); b:int (id: 1); }") == ["S014"]
    assert codes_of(tmp_path, "table T { a:int (id); b:int (id: 1); }") == ["S021"]


def test_a_struct_with_a_wrong_field_does_not_blame_those_that_hold_it(tmp_path: Path) -> None:
    text = "struct A { x:Nope; } struct B { a:A; } table T { b:B; } channel c : pubsub<B>;"

    assert codes_of(tmp_path, text) == ["S014"]
