# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from shmcomm_gen.diagnostics import Sink
from shmcomm_gen.load import load


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def labels(path: Path, *import_dirs: Path) -> list[str]:
    return [file.source.label for file in load(path, import_dirs, Sink()).files]


def test_an_include_beside_the_includer_comes_before_the_import_dirs(tmp_path: Path) -> None:
    main = write(tmp_path / "main" / "a.channel", 'include "b.fbs";')
    beside = write(tmp_path / "main" / "b.fbs", "table Near {}")
    write(tmp_path / "shared" / "b.fbs", "table Far {}")

    closure = load(main, (tmp_path / "shared",), Sink())

    assert closure.paths == (main, beside)


def test_import_dirs_are_searched_in_order(tmp_path: Path) -> None:
    main = write(tmp_path / "main" / "a.channel", 'include "sub/b.fbs";')
    write(tmp_path / "two" / "sub" / "b.fbs", "table Two {}")
    one = write(tmp_path / "one" / "sub" / "b.fbs", "table One {}")

    closure = load(main, (tmp_path / "one", tmp_path / "two"), Sink())

    assert closure.paths == (main, one)


def test_an_include_of_an_include_is_found_beside_it(tmp_path: Path) -> None:
    main = write(tmp_path / "a.channel", 'include "sub/b.channel";')
    write(tmp_path / "sub" / "b.channel", 'include "c.fbs";')
    write(tmp_path / "sub" / "c.fbs", "table C {}")

    assert labels(main) == ["a.channel", "sub/b.channel", "c.fbs"]


def test_a_file_included_twice_is_read_once(tmp_path: Path) -> None:
    main = write(tmp_path / "a.channel", 'include "b.fbs"; include "c.fbs"; include "./c.fbs";')
    write(tmp_path / "b.fbs", 'include "c.fbs";')
    write(tmp_path / "c.fbs", "table C {}")

    closure = load(main, (), Sink())

    assert [file.source.label for file in closure.files] == ["a.channel", "b.fbs", "c.fbs"]
    assert [file.source.label for file in closure.included_by(closure.files[0])] == ["b.fbs", "c.fbs"]
    assert [file.source.label for file in closure.included_by(closure.files[1])] == ["c.fbs"]


def test_a_cycle_of_includes_ends(tmp_path: Path) -> None:
    main = write(tmp_path / "a.channel", 'include "b.fbs"; include "a.channel";')
    write(tmp_path / "b.fbs", 'include "a.channel";')
    sink = Sink()

    closure = load(main, (), sink)

    assert not sink.diagnostics
    assert [file.source.label for file in closure.files] == ["a.channel", "b.fbs"]


def test_a_main_file_that_is_missing_is_reported(tmp_path: Path) -> None:
    sink = Sink()

    load(tmp_path / "nothing.channel", (), sink)

    assert [found.code for found in sink.diagnostics] == ["S002"]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    main = tmp_path / "a.channel"
    main.write_bytes(b"\xef\xbb\xbftable A {}")
    sink = Sink()

    load(main, (), sink)

    assert not sink.diagnostics
