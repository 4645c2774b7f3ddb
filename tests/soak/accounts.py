# SPDX-License-Identifier: Apache-2.0
"""Reads the logs of a soak: what must hold for everything that every subscriber took."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

OPENED, TAKEN, TORN, ERROR = range(4)
CHILD = 100  # instead of an error's code: a forked child was not refused


@dataclass
class Totals:
    taken: int = 0
    lost: int = 0
    sessions: int = 0


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
