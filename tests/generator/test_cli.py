# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from shmcomm_gen.cli import main
from shmcomm_gen.explain import sections

from tests.generator.support.compiling import INPUTS
from tests.generator.support.tools import ROOT, flatc, flatc_2_0_8, flatc_25

GOOD = "struct A { x:int; } channel a : pubsub<A>;"
Capture = pytest.CaptureFixture[str]


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def files(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def test_the_command_runs_from_its_folder_alone(tmp_path: Path) -> None:
    schema = write(tmp_path / "a.channel", GOOD)
    environment = {"PYTHONPATH": str(ROOT / "generator"), "PATH": os.environ["PATH"]}

    run = subprocess.run(
        [sys.executable, "-m", "shmcomm_gen", schema, "--bfbs", str(tmp_path)], env=environment, cwd="/", check=False
    )

    assert run.returncode == 0
    assert (tmp_path / "a.bfbs").is_file()


def test_every_language_goes_to_its_folder(tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out"

    status = main([
        str(INPUTS / "robot.channel"), "-I", str(INPUTS), "--cpp", str(out / "cpp"), "--python", str(out / "python"),
        "--bfbs", str(out), "--flatc", str(flatc()), "--depfile", str(out / "robot.d"),
    ])  # fmt: skip

    assert status == 0
    assert files(out) == [
        "cpp/geometry.fbs", "cpp/geometry_generated.h", "cpp/robot.fbs", "cpp/robot.shm.cc", "cpp/robot.shm.h",
        "cpp/robot_generated.h", "python/robot/__init__.py", "python/robot/__init__.pyi", "python/robot/py.typed",
        "python/robot/robot.bfbs", "robot.bfbs", "robot.d",
    ]  # fmt: skip
    assert capsys.readouterr().err == ""


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    schema = write(tmp_path / "a.channel", GOOD)
    arguments = [schema, "--python", str(tmp_path / "out"), "--depfile", str(tmp_path / "out" / "a.d")]
    main(arguments)
    for path in (tmp_path / "out").rglob("*"):
        os.utime(path, ns=(1, 1))

    assert main(arguments) == 0

    assert {path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == {1}


def test_nothing_is_written_where_there_is_an_error(tmp_path: Path, capsys: Capture) -> None:
    schema = write(tmp_path / "a.channel", GOOD + "table B { x:Nope; }")

    assert main([schema, "--python", str(tmp_path / "out")]) == 1

    assert not (tmp_path / "out").exists()
    assert "error[S014]" in capsys.readouterr().err


def test_without_a_language_it_only_checks(tmp_path: Path, capsys: Capture) -> None:
    schema = write(tmp_path / "a.channel", GOOD)

    assert main([schema]) == 0

    assert files(tmp_path) == ["a.channel"]
    assert capsys.readouterr() == ("", "")


NEWER = {
    'table T { a:string = "x"; }': "a default of a string needs FlatBuffers 25.12.19",
    "table T { a:[int] = []; }": "a default of a vector needs FlatBuffers 25.12.19",
    "table T { a:[int] (offset64); }": "a 64-bit offset needs FlatBuffers 23.5.9",
    "table T { a:[int] (vector64); }": "a 64-bit vector needs FlatBuffers 23.5.9",
    "table T {} union U : int { T }": "the type of a union needs FlatBuffers 23.5.26",
    "table T {} union U { T (deprecated) }": "an attribute of an enum value or union member needs FlatBuffers 22.10.25",
    "enum E : int { A (deprecated) }": "an attribute of an enum value or union member needs FlatBuffers 22.10.25",
    "struct A { a:int; } struct B { a:A (key); }": "a struct or an array of structs as key needs FlatBuffers 23.3.3",
    "struct B { a:[int:2] (key); }": "an array as key needs FlatBuffers 22.11.22",
}


@pytest.mark.parametrize("text", NEWER)
def test_a_construct_newer_than_flatc_names_both_versions(tmp_path: Path, capsys: Capture, text: str) -> None:
    schema = write(tmp_path / "a.channel", text)
    fake = Path(write(tmp_path / "flatc", "#!/bin/sh\necho flatc version 2.0.8\n"))
    fake.chmod(0o755)

    assert main([schema, "--cpp", str(tmp_path / "out"), "--flatc", str(fake)]) == 1
    assert f"error[S039]: {NEWER[text]}, and 'flatc' is 2.0.8" in capsys.readouterr().err
    assert main([schema, "--python", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("text", NEWER)
def test_flatc_25_takes_the_newer_constructs(tmp_path: Path, text: str) -> None:
    schema = write(tmp_path / "a.channel", text)

    assert main([schema, "--cpp", str(tmp_path / "out"), "--flatc", str(flatc_25())]) == 0


def test_a_default_that_would_become_code_is_refused_for_cpp(tmp_path: Path, capsys: Capture) -> None:
    schema = write(tmp_path / "a.channel", r'table T { a:string = "\"; evil(); \""; }')

    assert main([schema, "--cpp", str(tmp_path / "out"), "--flatc", str(flatc_25())]) == 1
    assert "error[S016]: the default of 'a' cannot become C++" in capsys.readouterr().err
    assert main([schema, "--bfbs", str(tmp_path / "out")]) == 0


PADDED = "struct Lane (force_align: 32) {{ width:float;{more} }} table Road {{ lane:Lane; }}"


def test_padding_that_stops_flatc_is_refused_for_cpp(tmp_path: Path, capsys: Capture) -> None:
    schema = write(tmp_path / "a.channel", PADDED.format(more=""))

    assert main([schema, "--cpp", str(tmp_path / "out"), "--flatc", str(flatc_2_0_8())]) == 1
    assert "error[S052]: 28 B of padding follow 'width'" in capsys.readouterr().err


@pytest.mark.parametrize("attribute", ["offset64", "vector64"])
def test_far_structs_with_a_key_are_no_cpp(attribute: str, tmp_path: Path, capsys: Capture) -> None:
    schema = write(tmp_path / "a.fbs", f"struct S {{ x:int (key); }}\ntable T {{ far:[S] ({attribute}); }}")

    assert main([schema, "--cpp", str(tmp_path / "out"), "--flatc", str(flatc_25())]) == 1

    told = capsys.readouterr().err
    assert told.startswith("error[S052]: 'far' has 64-bit offsets and structs with a key, of which no flatc makes C++\n")
    assert "note: the key\n" in told
    assert main([schema, "--bfbs", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("find_flatc", [flatc_2_0_8, flatc_25])
def test_padding_that_is_filled_becomes_cpp(tmp_path: Path, find_flatc: Callable[[], Path]) -> None:
    schema = write(tmp_path / "a.channel", PADDED.format(more=" reserved:[ubyte:28];"))

    assert main([schema, "--cpp", str(tmp_path / "out"), "--flatc", str(find_flatc())]) == 0


@pytest.mark.parametrize("text", NEWER)
def test_the_table_of_versions_tells_the_truth_of_flatc_2_0_8(tmp_path: Path, text: str) -> None:
    schema = write(tmp_path / "a.fbs", text)

    said = subprocess.run([flatc_2_0_8(), "--cpp", "-o", tmp_path, schema], capture_output=True, check=False)

    assert said.returncode != 0


def test_several_schemas_are_one_run(tmp_path: Path, capsys: Capture) -> None:
    good = write(tmp_path / "a.channel", GOOD)
    bad = write(tmp_path / "b.channel", "table B { x:Nope; }")
    worse = write(tmp_path / "c.channel", "table C {")

    assert main([good, bad, worse, "--bfbs", str(tmp_path / "out")]) == 1

    said = capsys.readouterr().err
    assert "S014" in said and "S001" in said
    assert not (tmp_path / "out").exists()


def test_import_folders_are_searched(tmp_path: Path) -> None:
    schema = write(tmp_path / "a.channel", 'include "b.fbs"; table A { b:B; }')
    write(tmp_path / "shared" / "b.fbs", "table B {}")

    assert main([schema, "-I", str(tmp_path / "none"), "-I", str(tmp_path / "shared")]) == 0


def test_a_depfile_names_the_first_output_and_all_inputs(tmp_path: Path) -> None:
    schema = write(tmp_path / "a.channel", 'include "b.fbs"; table A { b:B; }')
    write(tmp_path / "b.fbs", "table B {}")

    main([schema, "--python", str(tmp_path), "--depfile", str(tmp_path / "a.d")])

    target, _, inputs = (tmp_path / "a.d").read_text(encoding="utf-8").partition(": \\\n")
    assert target == str(tmp_path / "a" / "__init__.py")
    named = {Path(word).name for word in inputs.replace("\\\n", " ").split()}
    assert {"a.channel", "b.fbs", "grammar.lark", "python.py.j2", "compile.py", "bfbs.py"} <= named


def test_diagnostics_can_be_json(tmp_path: Path, capsys: Capture) -> None:
    schema = write(tmp_path / "a.channel", "table B { x:Nope; }")

    assert main([schema, "--error-format", "json"]) == 1

    [found] = json.loads(capsys.readouterr().out)
    assert (found["code"], found["line"], found["column"]) == ("S014", 1, 13)


def test_a_flatc_that_is_missing_is_named(tmp_path: Path, capsys: Capture) -> None:
    schema = write(tmp_path / "a.channel", GOOD)

    assert main([schema, "--cpp", str(tmp_path / "out"), "--flatc", "/nowhere/flatc"]) == 1

    assert capsys.readouterr().err == (
        "error[S036]: '/nowhere/flatc' is no program\n"
        "   = install it (Debian: flatbuffers-compiler), or name it with --flatc PATH\n\n"
    )
    assert not (tmp_path / "out").exists()


def test_flatc_is_looked_for_on_path(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main([write(tmp_path / "a.channel", GOOD), "--cpp", str(tmp_path / "out")]) == 1

    assert "error[S036]: flatc, which makes the C++ of the types, was not found" in capsys.readouterr().err


def test_a_refusal_of_flatc_is_passed_on(tmp_path: Path, capsys: Capture) -> None:
    fake = tmp_path / "flatc"
    fake.write_text("#!/bin/sh\necho 'error: no   such thing'\nexit 1\n", encoding="utf-8")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)

    assert main([write(tmp_path / "a.channel", GOOD), "--cpp", str(tmp_path / "out"), "--flatc", str(fake)]) == 1

    assert "error[S037]: flatc refused a schema that passed our checks: error: no such thing" in capsys.readouterr().err


@pytest.mark.parametrize("stem", ["my-robot", "class", "2nd"])
def test_a_package_nobody_could_import_is_refused_where_python_is_asked_for(
    tmp_path: Path, capsys: Capture, stem: str
) -> None:
    schema = write(tmp_path / f"{stem}.channel", GOOD)

    assert main([schema, "--bfbs", str(tmp_path / "out")]) == 0
    assert main([schema, "--python", str(tmp_path / "out")]) == 1

    assert f"error[S038]: '{stem}.channel' would generate the Python package '{stem}'" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: Capture) -> None:
    blocked = write(tmp_path / "file", "")

    assert main([write(tmp_path / "a.channel", GOOD), "--bfbs", f"{blocked}/out"]) == 1

    assert "shmcommc: cannot write" in capsys.readouterr().err


def test_a_schema_that_is_missing_is_reported(tmp_path: Path, capsys: Capture) -> None:
    assert main([str(tmp_path / "none.channel")]) == 1

    assert "error[S002]: cannot read" in capsys.readouterr().err


def test_wrong_usage_is_status_2(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as left:
        main([])

    assert left.value.code == 2


@pytest.mark.parametrize("code", sections())
def test_every_code_is_explained(code: str, capsys: Capture) -> None:
    assert main(["explain", code.lower()]) == 0

    said = capsys.readouterr().out
    assert said.startswith(f"{code}: ")
    assert max(len(line) for line in said.splitlines()) <= 120


@pytest.mark.parametrize("codes", [[], ["S999"], ["S001", "nonsense"]])
def test_a_code_that_does_not_exist_is_wrong_usage(codes: list[str], capsys: Capture) -> None:
    assert main(["explain", *codes]) == 2

    assert capsys.readouterr().err == f"usage: shmcommc explain CODE, from S001 to {max(sections())}\n"


def test_structs_may_nest_deeper_than_the_interpreter_by_default(tmp_path: Path) -> None:
    limit = sys.getrecursionlimit()
    chain = "".join(f"struct S{n} {{ s:S{n + 1}; }}\n" for n in range(600)) + "struct S600 { x:int; }"
    try:
        assert main([write(tmp_path / "a.channel", chain)]) == 0
    finally:
        sys.setrecursionlimit(limit)
