# SPDX-License-Identifier: Apache-2.0
"""The interpreter may end with anything alive, in any order: quietly, and nothing stays in shared memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from programs import environment

PROGRAM = """
import asyncio, gc, random, sys, threading
import numpy as np
import shmcomm, everything, patterns

root, order, ending, seed = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])

tree_pub, tree_sub = everything.TreePublisher(root=root), everything.TreeSubscriber(root=root)
tree_pub.send(data=b"abc", names=["a"], leaf={"id": 1})
tree = tree_sub.recv()
tree_loan = tree_pub.loan(data=3)
typed = [tree_pub, tree_sub, tree, tree.data, tree.names, tree.leaf, memoryview(tree), tree_loan, tree_loan.data]

pusher = patterns.JobsPusher(root=root, on_dead_letters=print)
puller = patterns.JobsPuller(root=root, on_dead_letters=print)
pusher.push(tile=b"abc")
pusher.push(tile=b"def")
job = puller.recv()
job_loan = pusher.loan(tile=3)
jobs = [pusher, puller, job, job.tile, job_loan, job_loan.tile]

replier, requester = patterns.DriveReplier(root=root), patterns.DriveRequester(root=root)
calls = [requester.start(linear=1.0) for _ in range(3)]
request = replier.recv()
replier.recv().reply(data=b"abc")
reply = calls[1].result()
typed_calls = [replier, requester, request, *calls, reply, reply.data]

pub, sub = shmcomm.Publisher("p", root=root), shmcomm.Subscriber("p", root=root)
pub.send(np.arange(5))
array = sub.recv(copy=False)
loan = pub.loan((3,), np.uint8)
untyped = [pub, sub, array, array[1:], loan, loan.__enter__()]

sender, worker = shmcomm.Pusher("j", root=root), shmcomm.Puller("j", root=root)
sender.send(np.arange(5))
sender.send({"left": "in the ring"})
piece = worker.recv(copy=False)
job_lent = sender.loan((3,), np.uint8)
untyped_jobs = [sender, worker, piece, job_lent, job_lent.__enter__()]

client, server = shmcomm.Requester("c", root=root), shmcomm.Replier("c", root=root)
asked = [client.start({"a": number}) for number in range(3)]
question = server.take()
server.take().reply({"b": 1})
untyped_calls = [client, server, question, *asked, asked[1].result()]

ends = [tree_pub, tree_sub, pusher, puller, replier, requester, pub, sub, sender, worker, client, server]
things = typed + jobs + typed_calls + untyped + untyped_jobs + untyped_calls
for name in [name for name, value in globals().items() if any(value is thing for thing in things)]:
    del globals()[name]
del typed, jobs, typed_calls, untyped, untyped_jobs, untyped_calls, calls, asked
random.Random(seed).shuffle(things)
random.Random(seed + 1).shuffle(ends)

waiting = [everything.ImuSubscriber(root=root), patterns.StepsPuller(root=root), patterns.WalkReplier(root=root),
           shmcomm.Subscriber("q", root=root), shmcomm.Puller("k", root=root), shmcomm.Replier("d", root=root)]

if ending == "closed":
    for end in ends + waiting:
        end.close()
elif ending == "a thread waits":
    def wait(end):
        end.recv()
    for end in waiting:
        threading.Thread(target=wait, args=(end,), daemon=True).start()
    for end in waiting:
        try:
            while True:
                end.poll()
        except shmcomm.SHMError:
            pass
end = ends = waiting = None
if order == "one after the other":
    while things:
        things.pop()
elif order == "by the module":
    for number, thing in enumerate(things):
        globals()[f"thing{number}"] = thing
    del things, thing
elif order == "in a cycle":
    gc.disable()
    things.append(things)
    del things
"""


def run(generated: Path, *arguments: object) -> None:
    """The program ends well, and says nothing."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", PROGRAM, *map(str, arguments)],
        env=environment(generated), capture_output=True, text=True,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), arguments


@pytest.mark.parametrize("ending", ["open", "closed"])
@pytest.mark.parametrize("order", ["one after the other", "by the module", "in a cycle"])
def test_the_interpreter_ends_quietly_whatever_is_alive(generated: Path, root: Path, order: str, ending: str) -> None:
    for seed in range(3):
        run(generated, root, order, ending, seed)

        assert list(root.iterdir()) == [], f"seed {seed}"


@pytest.mark.parametrize("order", ["one after the other", "by the module", "in a cycle"])
def test_the_interpreter_ends_quietly_over_daemon_threads_that_wait(generated: Path, root: Path, order: str) -> None:
    for seed in range(3):
        run(generated, root, order, "a thread waits", seed)
    run(generated, root, order, "closed", 0)  # who comes next clears up after threads that never ended

    assert list(root.iterdir()) == []
