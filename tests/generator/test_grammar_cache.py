# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from shmcomm_gen import grammar_cache
from shmcomm_gen.grammar_cache import load_parser

GRAMMAR = 'start: "a"+ B\nB: "b"\n'


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The grammars that were made into a parser and not found in the cache, which is empty at first."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    grammars: list[str] = []
    make = grammar_cache._make

    def counted(grammar: str, path: Path | None) -> object:
        grammars.append(grammar)
        return make(grammar, path)

    monkeypatch.setattr(grammar_cache, "_make", counted)
    return grammars


def tables(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache").rglob("*"))[1:]


def test_a_parser_is_made_once_and_parses_the_same_from_the_cache(made: list[str]) -> None:
    first, second = load_parser(GRAMMAR), load_parser(GRAMMAR)

    assert first.parse("aab") == second.parse("aab")
    assert made == [GRAMMAR]


def test_another_grammar_has_another_file(made: list[str], tmp_path: Path) -> None:
    load_parser(GRAMMAR)
    load_parser(GRAMMAR + "\n")

    assert len(made) == len(tables(tmp_path)) == 2


@pytest.mark.parametrize("content", [b"", b"short", b"\0" * 10_000])
def test_a_broken_file_is_made_anew(made: list[str], tmp_path: Path, content: bytes) -> None:
    load_parser(GRAMMAR)
    tables(tmp_path)[0].write_bytes(content)

    assert load_parser(GRAMMAR).parse("ab")
    assert load_parser(GRAMMAR).parse("ab")
    assert len(made) == 2


def test_a_folder_that_others_may_enter_is_neither_read_nor_written(made: list[str], tmp_path: Path) -> None:
    (tmp_path / "cache" / "shmcomm").mkdir(parents=True)
    (tmp_path / "cache" / "shmcomm").chmod(0o755)

    load_parser(GRAMMAR)
    load_parser(GRAMMAR)

    assert len(made) == 2
    assert not tables(tmp_path)


def test_a_place_that_is_no_folder_costs_no_more_than_the_cache(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert load_parser(GRAMMAR).parse("ab")


def test_a_user_without_a_home_has_no_cache(made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")

    assert load_parser(GRAMMAR).parse("ab")
    assert not tables(tmp_path)
