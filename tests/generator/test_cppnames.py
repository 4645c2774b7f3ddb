# SPDX-License-Identifier: Apache-2.0
"""Names that meet in C++: each is refused where C++ is asked for, and a compiler would have refused it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from shmcomm_gen.diagnostics import Sink
from shmcomm_gen.rules import check_package
from shmcomm_gen.targets.cppnames import check_cpp_names
from shmcomm_gen.targets.python import check_python_names, python_names

from tests.generator.support.compiling import schema_of
from tests.generator.support.tools import compiler_with_abseil, flatc

CLASHES = {
    "table T { ab:int; AB:int; }": "in C++ field 'AB' brings 'VT_AB', and field 'ab' does too",
    "table T { class:int; class_:int; }": "in C++ field 'class_' brings 'class_', and field 'class' does too",
    "table T { Builder:int; }": "in C++ every table has a 'Builder' already",
    "struct S { x:int; x_:int; }": "in C++ field 'x_' brings 'x_', and field 'x' does too",
    "enum E:int { MAX }": "in C++ value 'MAX' of enum 'E' brings 'E_MAX', and enum 'E' does too",
    "enum E:ubyte (bit_flags) { A, ANY }": "in C++ value 'ANY' of enum 'E' brings 'E_ANY', and enum 'E' does too",
    "enum E:ubyte (bit_flags) {}": "in C++ value 'NONE' of enum 'E' brings 'E_NONE', and enum 'E' does too",
    "enum E:int { A } table E_A {}": "in C++ table 'E_A' brings 'E_A', and value 'A' of enum 'E' does too",
    "table T {} union U { T } table VerifyU {}": "in C++ table 'VerifyU' brings 'VerifyU', and union 'U' does too",
    "table T {} table CreateT {}": "in C++ table 'CreateT' brings 'CreateT', and table 'T' does too",
    "table T { x:[int]; } table CreateTDirect {}": "in C++ table 'CreateTDirect' brings 'CreateTDirect', and table 'T' does too",
    "table Table {}": "in C++ 'Table' is a type already",
    "table uint8_t {} table T { x:ubyte; }": "in C++ 'uint8_t' is a type already",
    "namespace a; table b {} namespace a.b; table c {}": "in C++ 'b' is a namespace, and cannot be a type beside it",
    "namespace flatbuffers; table String {}": "in C++ 'String' would be in namespace 'flatbuffers', which has an owner",
    "namespace a.std; table T { x:string; v:[ubyte]; }": "in C++ 'T' would be in namespace 'std', which has an owner",
}
FREE = """
namespace a;
enum E : int { NONE, ANY } enum F : ubyte (bit_flags) { MIN, MAX } enum Empty : int {}
struct S { x:int; X:int; } table CreateS {} table CreateTDirect {} table T { old:int (deprecated); OLD:int; class:int; }
union U { T } table delete { new:int; }
"""


def found(directory: Path, text: str) -> list[str]:
    sink = Sink()
    check_cpp_names(schema_of(directory, text), sink)
    return [one.message for one in sink.diagnostics]


def compiles(directory: Path, text: str) -> bool:
    (directory / "names.fbs").write_text(text, encoding="utf-8")
    subprocess.run([flatc(), "--cpp", "names.fbs"], cwd=directory, check=True, capture_output=True)
    command = [compiler_with_abseil(), "-std=c++17", "-fsyntax-only", "-x", "c++", "names_generated.h"]
    return subprocess.run(command, cwd=directory, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("text", CLASHES)
def test_a_name_that_would_be_declared_twice_is_refused(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == [CLASHES[text]]


@pytest.mark.parametrize("text", list(CLASHES)[::4])  # The others were tried once; each takes a compiler's second.
def test_a_compiler_would_have_refused_it(tmp_path: Path, text: str) -> None:
    assert not compiles(tmp_path, text)


def test_names_that_keep_apart_are_accepted_and_compile(tmp_path: Path) -> None:
    assert found(tmp_path, FREE) == []
    assert compiles(tmp_path, FREE)


def test_two_types_of_one_name_in_python_are_refused(tmp_path: Path) -> None:
    sink = Sink()
    text = "namespace x; table Q {} namespace y; table Q {} namespace; enum x_Q : int { A }"

    check_python_names(schema_of(tmp_path, text), sink)

    assert [one.message for one in sink.diagnostics] == ["in Python 'x_Q' and 'x.Q' are both 'x_Q'"]


def test_two_endpoints_of_one_name_are_refused_for_python_alone(tmp_path: Path) -> None:
    sink = Sink()
    text = "namespace left; struct A { x:int; } channel imu : pubsub<A>; namespace right; channel imu : pubsub<left.A>;"

    schema = schema_of(tmp_path, text)
    check_package(schema, sink)

    assert [one.message for one in sink.diagnostics] == [
        "channel 'imu' generates 'ImuPublisher', which the Python package has from namespace 'left' already"
    ]


def test_names_the_package_itself_uses_are_spelled_otherwise(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "table _schema {} table dict {} namespace a; struct bytes { x:int; }")

    assert python_names(schema) == {"_schema": "_schema_", "dict": "dict_", "a.bytes": "a_bytes"}
