# SPDX-License-Identifier: Apache-2.0
"""`shmcommc check` and `shmcommc format`, and the forms in which diagnostics are printed."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from shmcomm_gen.cli import main

UNTIDY = "table T{a:int;}\n"
TIDY = "table T { a:int; }\n"
BROKEN = "table T { a int; }\n"
Capture = pytest.CaptureFixture[str]


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_check_is_silent_about_a_good_schema(tmp_path: Path, capsys: Capture) -> None:
    assert main(["check", write(tmp_path / "a.channel", TIDY)]) == 0

    assert capsys.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["a.channel"]


def test_check_looks_for_includes(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    write(tmp_path / "shared" / "b.fbs", "table B {}")

    assert main(["check", write(tmp_path / "a.channel", 'include "b.fbs"; table A { b:B; }'), "-I", str(tmp_path / "shared")]) == 0


def test_a_warning_is_no_failure(tmp_path: Path, capsys: Capture) -> None:
    schema = write(tmp_path / "a.channel", "table V { data:[ubyte]; } channel v : pubsub<V>;")

    assert main(["check", schema]) == 0

    assert capsys.readouterr().err.startswith("warning[S044]: 'V' may be of any size")


def test_names_of_a_language_are_checked_where_it_is_named(tmp_path: Path, capsys: Capture) -> None:
    schema = write(tmp_path / "my-robot.channel", "table T { ab:int; AB:int; }")

    assert main(["check", schema]) == 0
    assert main(["check", schema, "--for", "cpp"]) == 1
    assert "error[S009]: in C++ field 'AB' brings 'VT_AB'" in capsys.readouterr().err
    assert main(["check", schema, "--for", "python"]) == 1
    assert "error[S038]" in capsys.readouterr().err


def test_github_shows_each_finding_beside_its_line(tmp_path: Path, capsys: Capture) -> None:
    schema = write(tmp_path / "a, b.channel", 'table Image {}\ntable T { x:Imgae; }\nchannel c = "100%" : pubsub<T>;')

    assert main(["check", schema, "--error-format", "github"]) == 1

    escaped = schema.replace(",", "%2C")
    assert capsys.readouterr().out == (
        f"::error title=S014,file={escaped},line=2,endLine=2,col=13,endColumn=18"
        "::unknown type 'Imgae': did you mean 'Image'?  (a, b.channel:1)\n"
    )


def test_github_gets_findings_of_no_line_and_of_several(tmp_path: Path, capsys: Capture) -> None:
    assert main(["check", str(tmp_path / "none"), "--error-format", "github"]) == 1
    assert capsys.readouterr().out.startswith("::error title=S002::cannot read '")

    schema = write(tmp_path / "a.channel", "table T {}\nchannel c : pubsub<T,\nT>;")
    assert main(["check", schema, "--error-format", "github"]) == 1
    assert ",line=2,endLine=3::pubsub carries" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["json", "github", "text"])
def test_a_file_whose_name_is_no_text_is_refused(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)

    assert main(["check", write(tmp_path / "\udcff.channel", TIDY), f"--error-format={form}"]) == 1

    out.flush()
    err.flush()
    assert b"its name is not UTF-8" in out.buffer.getvalue() + err.buffer.getvalue()


def test_a_folder_whose_name_is_no_text_may_hold_schemas(tmp_path: Path) -> None:
    folder = tmp_path / "\udcff"
    folder.mkdir()

    assert main([write(folder / "a.channel", TIDY), "--bfbs", str(folder), "--depfile", str(folder / "rule")]) == 0

    assert b"\xff/a.channel" in (folder / "rule").read_bytes()


def test_format_changes_files_in_place(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.channel", UNTIDY), write(tmp_path / "b.fbs", TIDY)

    assert main(["format", first, second]) == 0

    assert Path(first).read_text(encoding="utf-8") == Path(second).read_text(encoding="utf-8") == TIDY


def test_a_formatted_file_keeps_its_mode_and_a_link_its_file(tmp_path: Path) -> None:
    (tmp_path / "real.channel").write_text(UNTIDY, encoding="utf-8")
    (tmp_path / "real.channel").chmod(0o640)
    (tmp_path / "link.channel").symlink_to("real.channel")

    assert main(["format", str(tmp_path / "link.channel")]) == 0

    assert (tmp_path / "link.channel").is_symlink()
    assert (tmp_path / "real.channel").read_text(encoding="utf-8") == TIDY
    assert (tmp_path / "real.channel").stat().st_mode & 0o777 == 0o640


def test_format_reads_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(UNTIDY.encode())))

    assert main(["format", "-"]) == 0

    assert capsys.readouterr().out == TIDY


def test_format_check_shows_the_difference_and_changes_nothing(tmp_path: Path, capsys: Capture) -> None:
    schema = write(tmp_path / "a.channel", UNTIDY)

    assert main(["format", "--check", schema]) == 1
    assert f"-{UNTIDY}+{TIDY}" in capsys.readouterr().out
    assert Path(schema).read_text(encoding="utf-8") == UNTIDY

    assert main(["format", "--check", write(tmp_path / "a.channel", TIDY)]) == 0


def test_what_does_not_parse_is_reported_and_stays(tmp_path: Path, capsys: Capture) -> None:
    broken, good = write(tmp_path / "a.channel", BROKEN), write(tmp_path / "b.channel", UNTIDY)

    assert main(["format", broken, good]) == 1

    assert "error[S001]" in capsys.readouterr().err
    assert Path(broken).read_text(encoding="utf-8") == BROKEN
    assert Path(good).read_text(encoding="utf-8") == TIDY


def test_what_cannot_be_read_or_written_is_reported(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bytes.channel").write_bytes(b"\xff")
    schema = write(tmp_path / "a.channel", UNTIDY)

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shmcomm_gen.commands.write_all", full)

    assert main(["format", str(tmp_path / "none.channel"), str(tmp_path / "bytes.channel"), schema]) == 1

    said = capsys.readouterr().err
    assert "error[S002]: cannot read" in said and "error[S003]: 'bytes.channel' is not a text file" in said
    assert f"error[S002]: cannot write '{schema}': No space left on device" in said
