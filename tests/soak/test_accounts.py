# SPDX-License-Identifier: Apache-2.0
"""The checker of jobs, calls and what processes use finds what it is there for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from accounts import (
    ANSWERED,
    AT_REST,
    CALLING,
    DONE,
    PUSHED,
    REFUSED,
    TAKEN,
    UNANSWERED,
    Totals,
    check_calls,
    check_jobs,
    check_refusals,
    check_rests,
)

Row = tuple[int, int, int, int, int, int]


def job(kind: int, count: int, attempt: int = 0) -> Row:
    return (kind, count, attempt, 1, 1000, count)


def wrongs_of_jobs(logs: Path, *rows: Row) -> list[str]:
    np.array(rows, np.uint64).tofile(logs / "pull.jobs.2")
    return check_jobs(logs, Totals())


def wrongs_of_calls(logs: Path, asked: list[Row], served: list[Row]) -> list[str]:
    np.array(asked, np.uint64).tofile(logs / "call.calls.1")
    np.array(served, np.uint64).tofile(logs / "serve.calls.2")
    return check_calls(logs, Totals())


def test_a_job_done_once_or_again_with_its_attempt_raised_is_right(tmp_path: Path) -> None:
    rows = [job(PUSHED, 1), job(TAKEN, 1), job(DONE, 1), job(PUSHED, 2), job(TAKEN, 2), job(TAKEN, 2, 1), job(DONE, 2, 1)]

    assert wrongs_of_jobs(tmp_path, *rows) == []


def test_a_job_that_nobody_took_is_found(tmp_path: Path) -> None:
    assert "taken by nobody" in wrongs_of_jobs(tmp_path, job(PUSHED, 1))[0]


def test_a_job_done_twice_is_found(tmp_path: Path) -> None:
    rows = [job(PUSHED, 1), job(TAKEN, 1), job(DONE, 1), job(TAKEN, 1, 1), job(DONE, 1, 1)]

    assert "done twice" in wrongs_of_jobs(tmp_path, *rows)[0]


def test_a_job_given_out_again_without_its_attempt_raised_is_found(tmp_path: Path) -> None:
    assert "kept their attempt" in wrongs_of_jobs(tmp_path, job(TAKEN, 1), job(TAKEN, 1))[0]


def test_a_job_that_comes_back_after_it_was_done_is_found(tmp_path: Path) -> None:
    assert "came back" in wrongs_of_jobs(tmp_path, job(TAKEN, 1), job(DONE, 1), job(TAKEN, 1, 1))[0]


def test_calls_that_end_are_right(tmp_path: Path) -> None:
    asked = [job(CALLING, 1), job(ANSWERED, 1), job(CALLING, 2), job(UNANSWERED, 2, 1), job(CALLING, 3)]

    assert wrongs_of_calls(tmp_path, asked, [job(TAKEN, 1), job(TAKEN, 2)]) == []


def test_a_call_executed_twice_is_found(tmp_path: Path) -> None:
    assert "executed twice" in wrongs_of_calls(tmp_path, [job(CALLING, 1)], [job(TAKEN, 1), job(TAKEN, 1)])[0]


def test_a_call_executed_though_its_caller_was_told_otherwise_is_found(tmp_path: Path) -> None:
    asked = [job(CALLING, 1), job(UNANSWERED, 1, 0)]

    assert "know better" in wrongs_of_calls(tmp_path, asked, [job(TAKEN, 1)])[0]


def test_a_call_that_never_ended_is_found(tmp_path: Path) -> None:
    assert "never ended" in wrongs_of_calls(tmp_path, [job(CALLING, 1), job(CALLING, 2)], [])[0]


def wrongs_of_refusals(logs: Path, begun_ns: int, ended_ns: int) -> list[str]:
    np.array([(REFUSED, begun_ns, ended_ns, 1, 1000, 0)], np.uint64).tofile(logs / "publish.shared.1")
    return check_refusals(logs, [(100, 200), (300, 400)], Totals())


@pytest.mark.parametrize(("begun_ns", "ended_ns"), [(120, 130), (50, 100), (200, 250), (50, 500), (390, 410)])
def test_memory_may_be_refused_while_it_is_full(tmp_path: Path, begun_ns: int, ended_ns: int) -> None:
    assert wrongs_of_refusals(tmp_path, begun_ns, ended_ns) == []


@pytest.mark.parametrize(("begun_ns", "ended_ns"), [(50, 99), (201, 299), (401, 500)])
def test_memory_that_is_refused_while_there_is_some_is_found(tmp_path: Path, begun_ns: int, ended_ns: int) -> None:
    assert "while there was some" in wrongs_of_refusals(tmp_path, begun_ns, ended_ns)[0]


def test_memory_that_is_refused_though_it_is_never_full_is_found(tmp_path: Path) -> None:
    np.array([(REFUSED, 1, 2, 1, 1000, 0)], np.uint64).tofile(tmp_path / "publish.shared.1")

    assert len(check_refusals(tmp_path, [], Totals())) == 1


@pytest.mark.parametrize("leaked", [(6, 0), (5, 1)])
def test_a_descriptor_or_a_mapping_that_stays_is_found(tmp_path: Path, leaked: tuple[int, int]) -> None:
    rows = [(AT_REST, 5, 0, 1, 1000, 0), (AT_REST, 5, 0, 1, 1000, 7), (AT_REST, 9, 2, 1, 1001, 0)]
    np.array(rows, np.uint64).tofile(tmp_path / "read.shared.1")
    assert check_rests(tmp_path) == []

    np.array([*rows, (AT_REST, *leaked, 1, 1000, 8)], np.uint64).tofile(tmp_path / "read.shared.1")
    assert "at first" in check_rests(tmp_path)[0]
