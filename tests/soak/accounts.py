# SPDX-License-Identifier: Apache-2.0
"""Reads the logs of a soak: what must hold for everything that every subscriber took."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

OPENED, TAKEN, TORN, ERROR, PUSHED, DONE, CALLING, ANSWERED, UNANSWERED, REFUSED, AT_REST = range(11)
CHILD = 100  # instead of an error's code: a forked child was not refused


@dataclass
class Totals:
    taken: int = 0
    lost: int = 0
    sessions: int = 0
    jobs: int = 0
    again: int = 0
    calls: int = 0
    unanswered: int = 0
    refused: int = 0


def read_log(path: Path) -> np.ndarray:
    """Rows of kind, sequence, lost, source, generation, count; a killed process leaves no half row."""
    return np.fromfile(path, dtype=np.uint64).reshape(-1, 6).astype(np.int64)


def check_log(path: Path, totals: Totals) -> list[str]:
    """What is wrong in the log of one participant, all its processes one after the other."""
    rows = read_log(path)
    is_reliable = ".reliable." in path.name
    # The directory of this channel is removed by hand now and then: an open in that moment may be refused.
    is_error = (rows[:, 0] == ERROR) & ((rows[:, 1] == CHILD) | (".sole." not in path.name))
    wrongs = [f"{path.name}: row {row}" for row in rows[(rows[:, 0] == TORN) | is_error][:5].tolist()]
    starts = [*np.flatnonzero(rows[:, 0] == OPENED), len(rows)]
    for start, end in zip(starts, starts[1:], strict=False):
        session = rows[start + 1 : end]
        session = session[session[:, 0] == TAKEN]
        totals.sessions += 1
        totals.taken += len(session)
        totals.lost += int(session[1:, 2].sum())
        wrongs += [f"{path.name}: {wrong}" for wrong in check_session(session, is_reliable)]
    return wrongs


def check_session(taken: np.ndarray, is_reliable: bool) -> list[str]:
    """One opened subscriber: every sequence was taken or told lost, and each publisher's messages came in its order."""
    wrongs = []
    gaps = np.diff(taken[:, 1]) - 1
    if (gaps != taken[1:, 2]).any():
        wrongs.append(f"sequences {taken[:, 1][:-1][gaps != taken[1:, 2]][:5]} are followed by a gap that was not told")
    if is_reliable and taken[1:, 2].any():
        wrongs.append(f"lost {taken[1:, 2].sum()} on a reliable channel")
    for source in np.unique(taken[:, 3]):
        mine = taken[taken[:, 3] == source]
        generations, counts = np.diff(mine[:, 4]), np.diff(mine[:, 5])
        if (generations < 0).any():
            wrongs.append(f"an earlier process of source {source} after a later one")
        if (counts[generations == 0] <= 0).any():
            wrongs.append(f"a message of source {source} twice or out of order")
        if is_reliable and (counts[generations == 0] != 1).any():
            wrongs.append(f"a message of source {source} is missing on a reliable channel")
    return wrongs


def rows_of(logs: Path, role: str, channel: str) -> np.ndarray:
    return np.concatenate([np.empty((0, 6), np.int64), *(read_log(path) for path in sorted(logs.glob(f"{role}.{channel}.*")))])


def names_of(rows: np.ndarray) -> set[tuple[int, ...]]:
    """Source, generation and count: what every message is known by."""
    return set(map(tuple, rows[:, 3:].tolist()))


def wrong_rows(rows: np.ndarray, channel: str) -> list[str]:
    bad = rows[(rows[:, 0] == TORN) | (rows[:, 0] == ERROR)]
    return [f"{channel}: row {row}" for row in bad[:5].tolist()]


def check_jobs(logs: Path, totals: Totals) -> list[str]:
    """Every job was done once; it was taken again only with its attempt raised, and never after it was done."""
    rows = np.concatenate([rows_of(logs, role, "jobs") for role in ("push", "pull", "anchor")])
    wrongs = wrong_rows(rows, "jobs")
    attempts: dict[tuple[int, ...], list[int]] = {}
    for row in rows[rows[:, 0] == TAKEN].tolist():
        attempts.setdefault(tuple(row[3:]), []).append(row[2])
    done: dict[tuple[int, ...], list[int]] = {}
    for row in rows[rows[:, 0] == DONE].tolist():
        done.setdefault(tuple(row[3:]), []).append(row[2])
    lost = names_of(rows[rows[:, 0] == PUSHED]) - attempts.keys()
    twice = [job for job, ends in done.items() if len(ends) > 1]
    unraised = [job for job, each in attempts.items() if len(set(each)) != len(each)]
    late = [job for job, ends in done.items() if max(attempts[job]) > ends[0]]
    for wrong, jobs in (("were taken by nobody", lost), ("were done twice", twice), ("kept their attempt", unraised), ("came back", late)):
        if jobs:
            wrongs.append(f"jobs {list(jobs)[:5]} {wrong}")
    totals.jobs += len(attempts)
    totals.again += sum(len(each) - 1 for each in attempts.values())
    return wrongs


def check_calls(logs: Path, totals: Totals) -> list[str]:
    """Every call ended, unless its caller did; it was executed once at most, and never where its caller was told so."""
    asked, served = rows_of(logs, "call", "calls"), rows_of(logs, "serve", "calls")
    wrongs = wrong_rows(asked, "calls") + wrong_rows(served, "calls")
    taken = served[served[:, 0] == TAKEN]
    executed = names_of(taken)
    if len(executed) != len(taken):
        wrongs.append(f"{len(taken) - len(executed)} calls were executed twice")
    answered = names_of(asked[asked[:, 0] == ANSWERED])
    failed = asked[asked[:, 0] == UNANSWERED]
    untouched = names_of(failed[failed[:, 2] == 0])
    if answered - executed:
        wrongs.append(f"calls {list(answered - executed)[:5]} were answered by nobody")
    if untouched & executed:
        wrongs.append(f"calls {list(untouched & executed)[:5]} were executed though their callers know better")
    for path in sorted(logs.glob("call.calls.*")):
        rows = read_log(path)
        begun = np.flatnonzero(rows[:-1, 0] == CALLING)
        is_open = (rows[begun + 1, 0] == CALLING) & (rows[begun + 1, 4] == rows[begun, 4])
        if is_open.any():
            wrongs.append(f"{path.name}: calls {rows[begun[is_open]][:5].tolist()} never ended")
    totals.calls += len(answered)
    totals.unanswered += len(failed)
    return wrongs


def check_refusals(logs: Path, fills: list[tuple[int, int]], totals: Totals) -> list[str]:
    """Memory was refused only in calls during which there was none. `fills` are the times when that may have been."""
    wrongs = []
    starts, ends = np.array([[0, 0], *fills], np.int64).T
    for path in sorted(logs.iterdir()):
        rows = read_log(path)
        refused = rows[rows[:, 0] == REFUSED]
        last = np.searchsorted(starts, refused[:, 2], "right") - 1  # of those that began before the call ended
        unfounded = refused[ends[last] < refused[:, 1]]
        wrongs += [f"{path.name}: memory was refused while there was some, row {row}" for row in unfounded[:5].tolist()]
        totals.refused += len(refused)
    return wrongs


def check_rests(logs: Path) -> list[str]:
    """A process that has closed its end has as many descriptors and mappings as before it opened one."""
    wrongs = []
    for path in sorted(logs.iterdir()):
        at_first: dict[int, list[int]] = {}
        rows = read_log(path)
        for row in rows[rows[:, 0] == AT_REST].tolist():
            if at_first.setdefault(row[4], row[1:3]) != row[1:3]:
                wrongs.append(f"{path.name}: descriptors and mappings {row[1:3]} of generation {row[4]}, {at_first[row[4]]} at first")
    return wrongs[:20]
