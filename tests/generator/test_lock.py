# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from shmcomm_gen.cli import main
from shmcomm_gen.diagnostics import Severity, Sink, as_report
from shmcomm_gen.formatter import formatted
from shmcomm_gen.lock import check_lock, lock_text

from tests.generator.support.compiling import INPUTS, compile_file, schema_of

Capture = pytest.CaptureFixture[str]


def found(directory: Path, locked: str, now: str) -> list[str]:
    """What is said to the schema `now` against the lock of `locked`; a warning has a question mark."""
    path = directory / "case.lock"
    path.write_text(lock_text(schema_of(directory, locked)), encoding="utf-8")
    sink = Sink()
    check_lock(path, schema_of(directory, now), sink)
    return [("?" if one.severity is Severity.WARNING else "") + one.message for one in sink.diagnostics]


@pytest.mark.parametrize("name", ["robot.channel", "everything.channel", "language.channel", "newer.channel", "geometry.fbs"])
def test_a_schema_keeps_to_its_own_lock(tmp_path: Path, name: str) -> None:
    schema, _ = compile_file(INPUTS / name)
    (tmp_path / "case.lock").write_text(lock_text(schema), encoding="utf-8")
    sink = Sink()

    check_lock(tmp_path / "case.lock", schema, sink)

    assert not sink.diagnostics, as_report(sink.diagnostics)


def test_a_lock_is_a_schema_that_stands_alone(tmp_path: Path) -> None:
    text = lock_text(compile_file(INPUTS / "robot.channel")[0])
    (tmp_path / "robot.channel").write_text(text, encoding="utf-8")

    again, sink = compile_file(tmp_path / "robot.channel")

    assert not sink.has_errors
    assert lock_text(again) == text == formatted(text)


def test_a_lock_holds_what_the_channels_carry_and_nothing_else(tmp_path: Path) -> None:
    text = lock_text(schema_of(tmp_path, """
        include "one.fbs";
        attribute "remark";
        /// Told.
        table Carried (remark) { own:theirs.P; inner:[ubyte] (nested_flatbuffer: "theirs.Inner", remark: 3); old:int (deprecated); }
        table Left { x:int; }
        channel c : pubsub<Carried> (latched) { max_size: 1KiB; prefault: true; lifespan: 1.5ms; }
    """, one="namespace theirs; struct P { x:int; } table Inner { x:int; } table Other { x:int; }"))  # fmt: skip

    assert text.partition("\n\n")[2] == (
        "table Carried {\n"
        "  own:theirs.P;\n"
        '  inner:[ubyte] (nested_flatbuffer: "theirs.Inner");\n'
        "  old:int (deprecated);\n"
        "}\n"
        "\n"
        "namespace theirs;\n"
        "\n"
        "table Inner {\n  x:int;\n}\n"
        "\n"
        "struct P {\n  x:int;\n}\n"
        "\n"
        "namespace;\n"
        "\n"
        'channel c = "c" : pubsub<Carried> {\n'
        "  history: 1;\n"
        "  capacity: 16;\n"
        "  reliability: reliable;\n"
        "  on_full: block;\n"
        "  lifespan: 1500000ns;\n"
        "  max_publishers: 8;\n"
        "  max_subscribers: 16;\n"
        "  max_borrowed: 4;\n"
        "  max_loans: 2;\n"
        "}\n"
    )


TABLE = "table T { a:int; s:string; e:E; } enum E:ubyte { A } channel c : pubsub<T>;"


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (TABLE, []),
        (TABLE.replace("e:E;", "e:E; more:[int];"), []),
        (TABLE.replace("a:int;", "a:int (deprecated);"), []),
        (TABLE.replace("a:int;", "a:long;"), ["table T: field 'a' int -> long"]),
        (TABLE.replace("a:int;", "a:int = 3;"), ["?table T: field 'a' default 0 -> 3"]),
        (TABLE.replace("{ A }", "{ A, B }"), ["enum E: value 'B' (1) added"]),
        (TABLE.replace("{ A }", "{ B = 1 }").replace("e:E", "e:E = B"),
         ["enum E: value 'A' (0) removed", "enum E: value 'B' (1) added", "?table T: field 'e' default A -> B"]),
        (TABLE.replace("s:string", "s:string (required)"), ["table T: field 's' optional -> required"]),
        (TABLE.replace("pubsub<T>", "pubsub<T> (latched)"),
         ["channel 'c': history 0 -> 1", "channel 'c': on_full none -> block", "channel 'c': reliability best_effort -> reliable"]),
        (TABLE.replace("<T>;", "<T> { max_size: 1KiB; prefault: true; verify: verify; }"), []),
        (TABLE.replace("<T>;", "<T> { lifespan: 1s; }"), ["channel 'c': lifespan none -> 1000000000ns"]),
        (TABLE.replace("pubsub<T>", "pushpull<T>"), ["channel 'c': pubsub<T> -> pushpull<T>"]),
        (TABLE.replace("pubsub<T>", "pubsub<U>") + "table U {}", ["channel 'c': pubsub<T> -> pubsub<U>"]),
        (TABLE.replace("channel c", "channel d"), ["channel 'c' is gone"]),
        (TABLE.replace("channel c", 'channel d = "c"'), []),
    ],
)  # fmt: skip
def test_a_change_is_judged_in_both_directions(tmp_path: Path, now: str, told: list[str]) -> None:
    assert sorted(found(tmp_path, TABLE, now)) == sorted(told)


def test_what_only_programs_of_the_lock_would_miss_is_said_from_their_side(tmp_path: Path) -> None:
    locked = TABLE.replace("s:string", "s:string (required)")

    assert found(tmp_path, locked, TABLE) == ["to programs of the lock, table T: field 's' optional -> required"]


def test_of_a_file_without_channels_all_types_are_locked(tmp_path: Path) -> None:
    locked = "struct P { x:int; } table T { p:P; }"

    assert found(tmp_path, locked, "struct P { x:int; } table T { p:P; q:int; }") == []
    assert found(tmp_path, locked, "struct P { x:int; y:int; } table T { p:P; }") == ["struct P: field 'y' added (4 -> 8 bytes)"]
    assert found(tmp_path, locked, "struct P { x:int; }") == ["type 'T' is gone"]


def test_a_message_within_a_message_is_locked_too(tmp_path: Path) -> None:
    locked = 'table Inner { x:int; } table T { b:[ubyte] (nested_flatbuffer: "Inner"); } channel c : pubsub<T>;'

    assert found(tmp_path, locked, locked.replace("x:int", "x:float")) == ["table Inner: field 'x' int -> float"]


def test_a_lock_is_written_beside_its_schema(tmp_path: Path, capsys: Capture) -> None:
    schema = tmp_path / "a.channel"
    schema.write_text("struct A { x:int; } channel a : pubsub<A>;", encoding="utf-8")

    assert main(["lock", str(schema)]) == 0
    assert main(["check", str(schema), "--compatible-with", str(tmp_path / "a.lock")]) == 0
    assert main(["lock", str(schema), "-o", "-"]) == 0
    assert capsys.readouterr().out == (tmp_path / "a.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", [[], ["check"]])
def test_a_lock_is_that_of_one_schema(verb: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as left:
        main([*verb, "a.channel", "b.channel", "--compatible-with", "a.lock"])

    assert left.value.code == 2
    assert "--compatible-with is for one SCHEMA" in capsys.readouterr().err


def test_a_schema_with_errors_has_no_lock(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "a.channel").write_text("table T { x:Nope; }", encoding="utf-8")

    assert main(["lock", str(tmp_path / "a.channel")]) == 1

    assert not (tmp_path / "a.lock").exists()
    assert "error[S014]" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "table {"])
def test_a_lock_that_cannot_be_read_is_an_error(tmp_path: Path, capsys: Capture, content: str | None) -> None:
    (tmp_path / "a.channel").write_text("struct A { x:int; } channel a : pubsub<A>;", encoding="utf-8")
    if content:
        (tmp_path / "a.lock").write_text(content, encoding="utf-8")

    assert main([str(tmp_path / "a.channel"), "--compatible-with", str(tmp_path / "a.lock")]) == 1

    assert capsys.readouterr().err.startswith(
        "error[S050]: the lock 'a.lock' cannot be read as one\n   = write it: shmcommc lock a.channel\n"
    )


def test_nothing_is_written_where_a_lock_is_broken_and_the_depfile_names_it(tmp_path: Path) -> None:
    schema, lock = tmp_path / "a.channel", tmp_path / "a.lock"
    schema.write_text("struct A { x:int; } channel a : pubsub<A>;", encoding="utf-8")
    main(["lock", str(schema)])
    arguments = [str(schema), "--compatible-with", str(lock), "--bfbs", str(tmp_path / "out"), "--depfile", str(tmp_path / "a.d")]

    assert main(arguments) == 0
    assert str(lock) in (tmp_path / "a.d").read_text(encoding="utf-8")

    schema.write_text("struct A { x:long; } channel a : pubsub<A>;", encoding="utf-8")
    (tmp_path / "out" / "a.bfbs").unlink()
    assert main(arguments) == 1
    assert not (tmp_path / "out" / "a.bfbs").exists()
