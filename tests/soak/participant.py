# SPDX-License-Identifier: Apache-2.0
"""A Python participant of the chaos soak; the same behaviour and the same log as participant.cc.
Its ways to wait are take and loop: a reader in tasks of an event loop."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import shmcomm
import soak

OPENED, TAKEN, TORN, ERROR, PUSHED, DONE, CALLING, ANSWERED, UNANSWERED, REFUSED, AT_REST = range(11)
MASK = (1 << 64) - 1
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
CHANNELS = {"shared": "Shared", "sole": "Sole", "reliable": "Reliable", "jobs": "Jobs", "calls": "Calls"}
ENDS = {"publish": "Publisher", "read": "Subscriber", "push": "Pusher", "pull": "Puller", "call": "Requester", "serve": "Replier"}
OPTIONS: dict[str, dict[str, Any]] = {"publish": {"timeout": 200}, "push": {"timeout": 200}, "call": {"wait_for_replier": True}}
Name = tuple[int, int, int]

flags: set[int] = set()
serving: list[Any] = []


def note(number: int, _: FrameType | None) -> None:
    flags.add(number)
    for replier in serving:
        replier.stop()


def is_over() -> bool:
    return signal.SIGTERM in flags


def checksum(source: int, generation: int, count: int, words: list[int]) -> int:
    total = source + generation * 1009 + count * 9176
    for word in words:
        total = (total * 31 + word) & MASK
    return total


def is_for_want_of_memory(error: Exception) -> bool:
    """A ring that stays full, since a reader is stopped, is something else."""
    is_exhausted = isinstance(error, shmcomm.SHMBufferFullError) or "is full: need" in str(error) or "No space" in str(error)
    return is_exhausted and "ring full" not in str(error)


class Participant:
    def __init__(self, role: str, channel: str, source: int, generation: int, log: str, way: str) -> None:
        self.role = role
        self.end_class = getattr(soak, CHANNELS[channel] + ENDS[role])
        self.source = source
        self.generation = generation
        self.count = 0
        self.loop = asyncio.new_event_loop() if way == "loop" else None
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, kind: int, first: int = 0, second: int = 0, name: Name | None = None) -> None:
        os.write(self.log, struct.pack("6Q", kind, first, second, *(name or (self.source, self.generation, self.count))))

    def write_beat(self, kind: int, first: int, second: int, beat: Any) -> None:
        name = (beat.source, beat.generation, beat.count)
        is_whole = beat.checksum == checksum(*name, beat.content.tolist())
        self.write(kind if is_whole else TORN, first, second, name)

    @contextmanager
    def complaining(self) -> Iterator[None]:
        begun_ns = time.monotonic_ns()
        try:
            yield
        except shmcomm.SHMError as error:
            if is_for_want_of_memory(error):
                self.write(REFUSED, begun_ns, time.monotonic_ns())
            else:
                print(f"source {self.source}: {error!r}", file=sys.stderr)
                self.write(ERROR)

    def write_at_rest(self) -> None:
        root = os.environ["SHMCOMM_ROOT"]
        mappings = [line for line in Path("/proc/self/maps").read_text().splitlines() if root in line]
        self.write(AT_REST, len(os.listdir("/proc/self/fd")), len(mappings))

    def obey(self, end: Any) -> None:
        """Forks or executes itself anew if somebody asked for it. A child of ours is nobody: its endpoint refuses."""
        try:
            while (ended := os.waitpid(-1, os.WNOHANG))[0] != 0:
                if ended[1] != 0:
                    self.write(ERROR, 100)
        except ChildProcessError:
            pass
        if signal.SIGUSR2 in flags:
            flags.discard(signal.SIGUSR2)
            if os.fork() == 0:
                self.misuse(end)
        if signal.SIGUSR1 in flags:
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
            if not is_over():
                os.execv(sys.executable, [sys.executable, *sys.argv])
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # told to end as well: who begins anew would not know

    def misuse(self, end: Any) -> None:
        uses = {"publish": "send", "push": "push", "call": "start"}
        try:
            if self.role in uses:
                getattr(end, uses[self.role])(**self.beat(0))
            else:
                end.try_recv()
        except shmcomm.SHMConnectionError:
            time.sleep(0.05)
            os._exit(0)
        os._exit(1)

    def live(self) -> None:
        """Until it is told to end: opens an end, takes turns with it for a while, closes it."""
        turn: Callable[[Any], None] = getattr(self, self.role)
        self.write_at_rest()
        while not is_over():
            with self.complaining(), self.end_class(**OPTIONS.get(self.role, {})) as end:
                self.write(OPENED)
                until = time.monotonic() + random.uniform(0.1, 2)
                while time.monotonic() < until and not is_over():
                    with self.complaining():
                        turn(end)
                    self.obey(end)
            self.write_at_rest()

    def beat(self, count: int) -> dict[str, Any]:
        words = [count * 1000 + i for i in range(self.generation % 7 + count % 100)]
        total = checksum(self.source, self.generation, count, words)
        return {"source": self.source, "generation": self.generation, "count": count, "content": words, "checksum": total}

    def give(self, send: Callable[..., None]) -> bool:
        """Whether the message went out; the number of one that did not is given again."""
        self.count += 1
        try:
            send(**self.beat(self.count))
        except shmcomm.SHMBufferFullError as error:
            self.count -= 1
            if is_for_want_of_memory(error):
                raise
            return False
        return True

    def publish(self, publisher: Any) -> None:
        time.sleep(random.random() * 1e-3)
        self.give(publisher.send)

    def read(self, subscriber: Any) -> None:
        try:
            beat = self.loop.run_until_complete(subscriber.arecv(timeout=20)) if self.loop else subscriber.recv(timeout=20)
        except shmcomm.SHMTimeoutError:
            return
        self.write_beat(TAKEN, beat.sequence, beat.lost, beat)

    def push(self, pusher: Any) -> None:
        time.sleep(random.random() * 2e-3)
        if self.give(pusher.push):
            self.write(PUSHED)

    def pull(self, puller: Any) -> None:
        try:
            job = puller.recv(timeout=20)
        except shmcomm.SHMTimeoutError:
            return
        name, sequence, attempt = (job.source, job.generation, job.count), job.sequence, job.attempt
        self.write_beat(TAKEN, sequence, attempt, job)
        self.work()
        job.done()
        self.write(DONE, sequence, attempt, name)

    @staticmethod
    def work() -> None:
        """Mostly nothing; sometimes long enough to be struck in it."""
        if random.random() < 1 / 16:
            time.sleep(5e-3)

    def call(self, requester: Any) -> None:
        time.sleep(random.random() * 2e-3)
        self.count += 1
        self.write(CALLING)
        try:
            reply = requester.call(**self.beat(self.count), timeout=2000)
        except shmcomm.SHMError as error:
            maybe = getattr(error, "maybe_executed", isinstance(error, shmcomm.SHMReplyError))
            self.write(UNANSWERED, 0, int(maybe))
            if is_for_want_of_memory(error):
                raise
        else:
            self.write_beat(ANSWERED, 0, 0, reply)

    def serve(self, replier: Any) -> None:
        """Some requests; a signal ends it, too."""

        def answer(request: Any) -> dict[str, Any]:
            self.write_beat(TAKEN, 0, 0, request)
            self.work()
            if random.random() < 1 / 16:
                replier.stop()
            return {field: getattr(request, field) for field in ("source", "generation", "count", "content", "checksum")}

        serving.append(replier)
        try:
            if not flags:
                replier.serve(answer)
        finally:
            serving.clear()


def main() -> None:
    for number in SIGNALS:
        signal.signal(number, note)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # blocked from exec to here: nobody is struck before it can note it
    role, channel, source, generation, log, way = sys.argv[1:]
    life = int(os.environ.get("SOAK_LIVES", "0"))
    os.environ["SOAK_LIVES"] = str(life + 1)
    Participant(role, channel, int(source), int(generation) * 1000 + life, log, way).live()


if __name__ == "__main__":
    main()
