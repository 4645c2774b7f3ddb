# SPDX-License-Identifier: Apache-2.0
"""Interpreters with ends of every pattern that end in random ways at random moments: none crashes, and nothing of them stays
once somebody opens the next end. SHMCOMM_PYTHON_EXITS says how many (30), SHMCOMM_SEED repeats a run's choices."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from programs import end, environment, hear, tell

SERVER = Path(__file__).with_name("random_exits.py")
WAYS = {
    "the end of main": None, "sys.exit": None, "sys.exit in a callback": None, "an exception": None, "os._exit": None,
    "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT, "SIGKILL": signal.SIGKILL,
}  # fmt: skip


def test_interpreters_may_end_in_any_way_at_any_moment(everything: Any, generated: Path, root: Path, tmp_path: Path) -> None:
    exits = int(os.environ.get("SHMCOMM_PYTHON_EXITS", "30"))
    seed = int(os.environ.get("SHMCOMM_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SHMCOMM_SEED={seed}")
    choices = random.Random(seed)
    said = tmp_path / "stderr"
    with said.open("w+") as errors:
        server = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", SERVER, root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            text=True, env=environment(generated),
        )  # fmt: skip
        for _ in range(exits):
            way = choices.choice(list(WAYS))
            tell(server, f"{choices.randrange(1 << 32)} {way}")

            status = int(hear(server))

            with everything.NarrowSubscriber(root=root):
                pass
            assert not os.WIFSIGNALED(status) or os.WTERMSIG(status) == WAYS[way], f"{way}: {status}\n{said.read_text()}"
            assert "Fatal" not in said.read_text(), f"{way}:\n{said.read_text()}"
            assert list(root.iterdir()) == [], way
        assert end(server) == 0
    print(f"python_exits {exits}")
