# SPDX-License-Identifier: Apache-2.0
"""Endpoints and multiprocessing: every way to start a child, with endpoints open before and opened in the child."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from programs import end, environment, hear, start

METHODS = ("fork", "spawn", "forkserver")

# The child answers what it took, and whether the endpoint that its parent had opened before refuses it.
PROGRAM = """
import multiprocessing, sys
import shmcomm, everything

def child(root, queue, inherited):
    refused = "none"
    if inherited is not None:
        try:
            inherited.try_recv()
        except shmcomm.SHMConnectionError:
            refused = "refused"
    with everything.NarrowSubscriber(root=root) as sub:
        queue.put("ready")
        queue.put((sub.recv(timeout=60_000).id, refused))

if __name__ == "__main__":
    method, root = sys.argv[1:]
    context = multiprocessing.get_context(method)
    with everything.NarrowPublisher(root=root) as pub, everything.NarrowSubscriber(root=root) as own:
        queue = context.Queue()
        process = context.Process(target=child, args=(root, queue, own if method == "fork" else None))
        process.start()
        assert queue.get(timeout=60) == "ready"
        pub.send(id=7)
        print(*queue.get(timeout=60), own.recv(timeout=60_000).id, flush=True)
        process.join()
        print(process.exitcode, flush=True)
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_child_opens_endpoints_of_its_own(generated: Path, root: Path, tmp_path: Path, method: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(program), method, str(root)], env=environment(generated), text=True, capture_output=True, timeout=120
    )
    assert done.stdout.splitlines() == [f"7 {'refused' if method == 'fork' else 'none'} 7", "0"], done.stderr
    assert list(root.iterdir()) == []


PARENT = """
import os, sys, time
import everything
sub = everything.NarrowSubscriber(root=sys.argv[1])
child = os.fork()
if child == 0:
    time.sleep(1000)
print(child, flush=True)
sys.stdin.read()
"""


def test_a_parent_that_dies_is_seen_though_its_forked_child_lives(everything: Any, generated: Path, root: Path) -> None:
    with everything.NarrowPublisher(root=root), ExitStack() as subscribers:
        parent = start(PARENT, root, generated=generated)
        child = int(hear(parent))
        try:
            parent.kill()
            end(parent)
            for _ in range(16):  # as many as the channel has places for
                subscribers.enter_context(everything.NarrowSubscriber(root=root))
        finally:
            os.kill(child, signal.SIGKILL)


EXITS = {
    "sys.exit": "import sys; sys.exit(3)",
    "os._exit": "import os; os._exit(3)",
    "an exception": "raise SystemExit(3)",
    "atexit": "import atexit, sys; atexit.register(lambda: pub.send(id=2)); sys.exit(3)",
    "a thread that waits": "import threading, sys; threading.Thread(target=sub.recv, daemon=True).start(); sys.exit(3)",
    "a message held": "held = sub.recv(); import sys; sys.exit(3)",
    "an endpoint closed in __del__": "class Late:\n  def __del__(self): sub.close(); pub.close()\nlate = Late()\nraise SystemExit(3)",
}


@pytest.mark.parametrize("way", EXITS.values(), ids=EXITS.keys())
def test_the_interpreter_ends_in_any_way_and_leaves_nothing(everything: Any, generated: Path, root: Path, way: str) -> None:
    opened = "import sys, everything\nr = sys.argv[1]\npub = everything.NarrowPublisher(root=r)\nsub = everything.NarrowSubscriber(root=r)\n"
    child = start(opened + "pub.send(id=1)\n" + way, root, generated=generated)
    assert end(child) == 3
    with everything.NarrowSubscriber(root=root):
        pass
    assert list(root.iterdir()) == []
