# SPDX-License-Identifier: Apache-2.0
"""A Python participant of the chaos soak; the same behaviour and the same log as participant.cc."""

from __future__ import annotations

import os
import random
import signal
import struct
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import shmcomm
import soak

OPENED, TAKEN, TORN, ERROR = range(4)
MASK = (1 << 64) - 1
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
ENDPOINTS: dict[str, tuple[Any, Any]] = {
    "shared": (soak.SharedPublisher, soak.SharedSubscriber),
    "sole": (soak.SolePublisher, soak.SoleSubscriber),
    "reliable": (soak.ReliablePublisher, soak.ReliableSubscriber),
}
flags: set[int] = set()


def note(number: int, _: FrameType | None) -> None:
    flags.add(number)


def checksum(source: int, generation: int, count: int, words: list[int]) -> int:
    total = source + generation * 1009 + count * 9176
    for word in words:
        total = (total * 31 + word) & MASK
    return total


class Participant:
    def __init__(self, channel: str, source: int, generation: int, log: str) -> None:
        self.publisher_class, self.subscriber_class = ENDPOINTS[channel]
        self.source = source
        self.generation = generation
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, kind: int, sequence: int = 0, lost: int = 0, beat: tuple[int, int, int] | None = None) -> None:
        os.write(self.log, struct.pack("6Q", kind, sequence, lost, *(beat or (self.source, self.generation, 0))))

    def complain(self, error: Exception) -> None:
        print(f"source {self.source}: {error!r}", file=sys.stderr)
        self.write(ERROR)

    def obey(self, use: Callable[[], object]) -> None:
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
                try:
                    use()
                except shmcomm.SHMError:
                    time.sleep(0.05)
                    os._exit(0)
                os._exit(1)
        if signal.SIGUSR1 in flags:
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
            if signal.SIGTERM not in flags:
                os.execv(sys.executable, [sys.executable, *sys.argv])
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # told to end as well: who begins anew would not know

    def publish(self) -> None:
        count = 0
        while signal.SIGTERM not in flags:
            try:
                with self.publisher_class(timeout=200) as publisher:
                    for _ in range(random.randrange(50, 2000)):
                        count += self.send(publisher, count + 1)
                        self.obey(lambda: self.send(publisher, 0))
                        time.sleep(random.random() * 1e-3)
                        if signal.SIGTERM in flags:
                            break
            except shmcomm.SHMError as error:
                self.complain(error)

    def send(self, publisher: Any, count: int) -> int:
        """1 if the message went out, 0 if the ring of a reliable channel stayed full."""
        words = [count * 1000 + i for i in range(self.generation % 7 + count % 100)]
        total = checksum(self.source, self.generation, count, words)
        try:
            publisher.send(source=self.source, generation=self.generation, count=count, content=words, checksum=total)
        except shmcomm.SHMBufferFullError:
            return 0
        return 1

    def read(self) -> None:
        while signal.SIGTERM not in flags:
            try:
                with self.subscriber_class() as subscriber:
                    self.write(OPENED)
                    until = time.monotonic() + random.uniform(0.1, 2)
                    while time.monotonic() < until and signal.SIGTERM not in flags:
                        self.take(subscriber)
                        self.obey(subscriber.try_recv)
            except shmcomm.SHMError as error:
                self.complain(error)

    def take(self, subscriber: Any) -> None:
        try:
            beat = subscriber.recv(timeout=20)
        except shmcomm.SHMTimeoutError:
            return
        name = (beat.source, beat.generation, beat.count)
        is_whole = beat.checksum == checksum(*name, beat.content.tolist())
        self.write(TAKEN if is_whole else TORN, beat.sequence, beat.lost, name)


def main() -> None:
    for number in SIGNALS:
        signal.signal(number, note)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # blocked from exec to here: nobody is struck before it can note it
    role, channel, source, generation, log = sys.argv[1:]
    life = int(os.environ.get("SOAK_LIVES", "0"))
    os.environ["SOAK_LIVES"] = str(life + 1)
    participant = Participant(channel, int(source), int(generation) * 1000 + life, log)
    participant.publish() if role == "publish" else participant.read()


if __name__ == "__main__":
    main()
