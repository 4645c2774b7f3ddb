# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from shmcomm_gen.output import Output, depfile_text, write_all


def test_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.txt"

    assert write_all([Output(path, b"text")]) == (path,)
    assert path.read_bytes() == b"text"


def test_a_file_that_is_right_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_all([Output(path, b"text")])
    os.utime(path, ns=(1, 1))

    assert write_all([Output(path, b"text")]) == ()
    assert path.stat().st_mtime_ns == 1


def test_a_file_that_differs_is_replaced_and_never_half_written(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_all([Output(path, b"old")])
    with path.open("rb") as reader:
        write_all([Output(path, b"new")])

        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_mode_is_that_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_all([Output(tmp_path / "a.txt", b"")])
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()

    with pytest.raises(OSError):
        write_all([Output(tmp_path / "a.txt", b"text")])

    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_depfile_is_a_rule_of_make_with_its_words_escaped() -> None:
    text = depfile_text(Path("out dir/a.cc"), [Path("b#1.channel"), Path("a$b.fbs"), Path("b#1.channel")])

    assert text == "out\\ dir/a.cc: \\\n  a$$b.fbs \\\n  b\\#1.channel\n"
