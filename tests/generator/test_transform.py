# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from shmcomm_gen.diagnostics import Sink
from shmcomm_gen.source import Source
from shmcomm_gen.syntax import ArrayOf, EnumSyntax, FileSyntax, RecordSyntax, TypeName, VectorOf
from shmcomm_gen.transform import read_syntax


def read(text: str) -> FileSyntax:
    sink = Sink()
    file = read_syntax(Source("case.channel", Path("case.channel"), text), sink)
    assert not sink.has_errors
    return file


def test_declarations_are_in_the_namespace_above_them() -> None:
    file = read("table A {} namespace a.b; table B {} channel c : pubsub<B>; namespace ; struct C { x:int; }")

    assert [(one.namespace, one.name.text) for one in file.types] == [("", "A"), ("a.b", "B"), ("", "C")]
    assert file.channels[0].namespace == "a.b"


def test_types_of_fields_keep_their_shape() -> None:
    [record] = read("table T { a:int; b:[x.Y]; c:[float:9]; }").types
    assert isinstance(record, RecordSyntax)
    a, b, c = (field.type for field in record.fields)

    assert isinstance(a, TypeName) and a.name == "int"
    assert isinstance(b, VectorOf) and isinstance(b.element, TypeName) and b.element.name == "x.Y"
    assert isinstance(c, ArrayOf) and c.length.text == "9"


def test_spans_point_at_the_words() -> None:
    [record] = read("table T {\n  speed : metres;\n}").types
    assert isinstance(record, RecordSyntax)
    field = record.fields[0]

    assert (field.name.span.line, field.name.span.column) == (2, 3)
    assert (field.type.span.line, field.type.span.column, field.type.span.end - field.type.span.start) == (2, 11, 6)


def test_documentation_belongs_to_what_follows() -> None:
    file = read(
        "/// file\n\n/// of T\ntable T {\n/// of x\n/// more\nx:int; // no\ny:int;\n}\n"
        "enum E : byte {\n/// of A\nA,\nB }\n/// of c\nchannel c : pubsub<T>;\n/// of nobody\n"
    )
    table, enum = file.types
    assert isinstance(table, RecordSyntax) and isinstance(enum, EnumSyntax)

    assert table.doc == (" file", " of T")
    assert [field.doc for field in table.fields] == [(" of x", " more"), ()]
    assert [value.doc for value in enum.values] == [(" of A",), ()]
    assert file.channels[0].doc == (" of c",)


def test_slashes_in_strings_and_comments_are_no_documentation() -> None:
    file = read('attribute "/// a";\n/* /// b\n/// c */\n//// d\ntable T {}')

    assert file.types[0].doc == ("/ d",)


def test_an_empty_enum_and_empty_lists_are_read() -> None:
    file = read("enum E : int {} table T { x:int; } channel c : pubsub<T> () {}")

    assert isinstance(file.types[0], EnumSyntax) and file.types[0].values == ()
    assert file.channels[0].profiles == ()
