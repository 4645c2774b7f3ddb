# SPDX-License-Identifier: Apache-2.0
"""A server of interpreters that end: it has imported everything and opened nothing, and forks for each line on its standard
input, which has a seed, a way to end and a folder. The child lives with ends of every pattern and ends in that way at a
random moment. The server answers with how: what waitpid gave, as a number.

usage: random_exits.py ROOT"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import sys
import threading
import time
from typing import Any

import everything
import numpy as np
import patterns
import shmcomm

ROOT = sys.argv[1]
SIGNALS = {"SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT, "SIGKILL": signal.SIGKILL}


def end_by(way: str) -> None:
    if way == "os._exit":
        os._exit(3)
    if way == "an exception":
        raise RuntimeError("the end")
    if way in ("sys.exit", "sys.exit in a callback"):
        sys.exit(3)


class Life:
    """Ends of every pattern, and what is taken from them."""

    def __init__(self, seed: int, way: str) -> None:
        self.random = random.Random(seed)
        self.way = way
        self.held: list[Any] = []
        self.waiting: list[Any] = []

    def call_back(self, *_: object) -> None:
        if self.way == "sys.exit in a callback":
            end_by(self.way)

    def open(self) -> None:
        self.trees = everything.TreePublisher(root=ROOT), everything.TreeSubscriber(root=ROOT)
        self.beats = everything.BeatPublisher(root=ROOT, on_deadline_missed=self.call_back), everything.BeatSubscriber(root=ROOT)
        self.jobs = (
            patterns.JobsPusher(root=ROOT, on_dead_letters=self.call_back),
            patterns.JobsPuller(root=ROOT, on_dead_letters=self.call_back),
        )
        self.drives = patterns.DriveRequester(root=ROOT), patterns.DriveReplier(root=ROOT)
        self.arrays = shmcomm.Publisher("p", root=ROOT), shmcomm.Subscriber("p", root=ROOT)
        self.pieces = shmcomm.Pusher("j", root=ROOT), shmcomm.Puller("j", root=ROOT)
        self.questions = shmcomm.Requester("c", root=ROOT), shmcomm.Replier("c", root=ROOT)

    def exchange(self) -> None:
        """One thing of several, some of which stays held."""
        one = self.random.randrange(7)
        if one == 0:
            self.trees[0].send(data=b"abc", names=["a"], leaf={"id": 1})
            tree = self.trees[1].recv()
            self.hold(tree, tree.data, memoryview(tree))
        elif one == 1:
            time.sleep(0.001)
            self.beats[0].send(id=1)
        elif one == 2:
            self.jobs[0].push(tile=b"abc")
            job = self.jobs[1].recv()
            self.hold(job, job.tile)
        elif one == 3:
            call = self.drives[0].start(linear=1.0)
            self.drives[1].recv().reply(data=b"abc")
            self.hold(call.result())
        elif one == 4:
            self.arrays[0].send(np.arange(100))
            array = self.arrays[1].recv(copy=False)
            self.hold(array, array[1:])
        elif one == 5:
            self.pieces[0].send(np.arange(5))
            self.hold(self.pieces[1].recv(copy=False))
        else:
            asked = self.questions[0].start({"a": 1})
            self.questions[1].take().reply({"b": 1})
            self.hold(asked.result())

    def hold(self, *things: object) -> None:
        del self.held[:]
        if self.random.randrange(2):
            self.held.extend(things)

    def start_threads(self) -> None:
        """Some that wait for ever, as daemons, and some that end by themselves."""
        self.waiting = [
            everything.ImuSubscriber(root=ROOT), patterns.StepsPuller(root=ROOT), patterns.WalkReplier(root=ROOT),
            shmcomm.Subscriber("q", root=ROOT), shmcomm.Puller("k", root=ROOT), shmcomm.Replier("d", root=ROOT),
        ]  # fmt: skip
        for end in self.random.sample(self.waiting, self.random.randrange(1, 7)):
            timeout = None if self.random.randrange(2) else 20

            def wait(end: Any = end, timeout: int | None = timeout) -> None:
                try:
                    end.recv(timeout=timeout)
                except shmcomm.SHMError:
                    pass

            threading.Thread(target=wait, daemon=timeout is None).start()

    async def in_a_loop(self, rounds: int) -> None:
        async def wait(end: Any) -> None:
            async for message in end:
                self.held.append(message)

        tasks = [asyncio.create_task(wait(end)) for end in (self.trees[1], self.arrays[1], self.jobs[1])]
        for _ in range(rounds):
            self.trees[0].send(data=b"abc")
            self.arrays[0].send(np.arange(5))
            self.jobs[0].push(tile=b"abc")
            await asyncio.sleep(0)
            del self.held[:]
        end_by(self.way)
        await asyncio.wait(tasks, timeout=0.001)

    def go_on(self) -> None:
        is_long = self.way in SIGNALS and self.random.randrange(2) == 0  # else the signal may come while it ends by itself
        # Some seconds: Python drops a Ctrl-C that comes in a __del__, and then it ends by itself.
        rounds = 20_000 if is_long else self.random.randrange(30)
        style = self.random.randrange(4)
        if style & 1:
            self.start_threads()
        if style & 2:
            asyncio.run(self.in_a_loop(rounds))
        for _ in range(rounds):
            self.exchange()
        end_by(self.way)


def answer(child: int, way: str, seed: int) -> None:
    if way in SIGNALS:
        time.sleep(random.Random(seed).random() * 0.03)
        os.kill(child, SIGNALS[way])
    print(os.waitpid(child, 0)[1], flush=True)


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Python's own hooks after a fork would drop it

for line in sys.stdin:
    number, ending = line.rstrip("\n").split(" ", 1)
    process = os.fork()
    if process == 0:
        break
    answer(process, ending, int(number))
else:
    sys.exit(0)

# What follows is the child's main program, to its end.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
life = Life(int(number), ending)
life.open()
if life.random.randrange(4) == 0:
    gc.disable()
    life.held.append(life)
life.go_on()
