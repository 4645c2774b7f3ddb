# SPDX-License-Identifier: Apache-2.0
"""What two Python processes pass to and fro, each way of doing it a class: `ping` is a round trip as seen by the side that
begins, `pong` one as seen by the side that answers. Both sides make theirs over the same folder."""

from __future__ import annotations

import importlib.util
import mmap
import subprocess
import sys
import sysconfig
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import zmq

import shmcomm

HERE = Path(__file__).resolve().parent
SMALL = b"x" * 64
COMMAND = {"cmd": "move", "pos": [1.0, 2.0, 3.0]}
LARGE = np.zeros(1 << 20)


def build_bare(folder: Path) -> None:
    """The C extension beside this file, built into `folder`."""
    include = sysconfig.get_path("include")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", f"-I{include}", "-o", folder / "bare.so", HERE / "bare.c"], check=True)


@cache
def bare_module(folder: Path) -> Any:
    spec = importlib.util.spec_from_file_location("bare", folder / "bare.so")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Contender:
    """Works in `folder`, whose files carry the name of its class. A block has `count` round trips."""

    count = 1000

    def __init__(self, folder: Path, is_echo: bool) -> None:
        raise NotImplementedError

    def ping(self) -> None:
        raise NotImplementedError

    def pong(self) -> None:
        raise NotImplementedError


class Bare(Contender):
    """Bytes through one slot, by functions of C that do nothing else."""

    def __init__(self, folder: Path, is_echo: bool) -> None:
        with open(folder / type(self).__name__, "a+b") as file:
            file.truncate(4096)
            self._memory = mmap.mmap(file.fileno(), 4096)
        self._ends = bare_module(folder).Bare(self._memory, is_echo)

    def ping(self) -> None:
        self._ends.send(SMALL)
        try_recv = self._ends.try_recv
        while try_recv() is None:
            pass

    def pong(self) -> None:
        try_recv = self._ends.try_recv
        while (message := try_recv()) is None:
            pass
        self._ends.send(message)


class BareFutex(Bare):
    """Two sleepers that wake each other."""

    def ping(self) -> None:
        self._ends.ping()

    def pong(self) -> None:
        self._ends.pong()


class Typed(Contender):
    """A struct of 64 bytes; one field is given by keyword and read."""

    def __init__(self, folder: Path, is_echo: bool) -> None:
        sys.path.insert(0, str(HERE.parents[1] / "generator"))
        made: Any = shmcomm.load(HERE / "pingpong.channel")
        out, back = (made.BackPublisher, made.ThereSubscriber) if is_echo else (made.TherePublisher, made.BackSubscriber)
        self._pub, self._sub = out(root=folder), back(root=folder)
        self._number = 0

    def _answer(self) -> Any:
        try_recv = self._sub.try_recv
        while (line := try_recv()) is None:
            pass
        return line.number

    def ping(self) -> None:
        self._number += 1
        self._pub.send(number=self._number)
        self._answer()

    def pong(self) -> None:
        self._pub.send(number=self._answer())


class Shm(Contender):
    """The API without a schema; `spin` as given to Subscriber."""

    spin: timedelta | None = None

    def __init__(self, folder: Path, is_echo: bool) -> None:
        name = type(self).__name__
        there, back = (f"{name}/back", f"{name}/there") if is_echo else (f"{name}/there", f"{name}/back")
        self._sub = shmcomm.Subscriber(back, spin=self.spin, root=folder)
        self._pub = shmcomm.Publisher(there, root=folder)


class ShmSpinning(Shm):
    """64 bytes; both sides look until there is something."""

    def ping(self) -> None:
        self._pub.send(SMALL)
        try_recv = self._sub.try_recv
        while try_recv() is None:
            pass

    def pong(self) -> None:
        try_recv = self._sub.try_recv
        while (message := try_recv()) is None:
            pass
        self._pub.send(message)


class ShmDict(Shm):
    """A small dict; both sides wait as they do unless told otherwise, so they are awake when the answer comes."""

    def ping(self) -> None:
        self._pub.send(COMMAND)
        self._sub.recv()

    def pong(self) -> None:
        self._pub.send(self._sub.recv())


class ShmDictAsleep(ShmDict):
    """The same without looking before sleeping."""

    spin = timedelta(0)


class ShmArray(Shm):
    """An array of 8 MiB that exists already: copied once, into its slot."""

    count = 10

    def ping(self) -> None:
        self._pub.send(LARGE)
        self._sub.recv()

    def pong(self) -> None:
        self._sub.recv()
        self._pub.send(LARGE)


class ShmArrayInPlace(Shm):
    """An array of 8 MiB that is made where it is read; the first element is written and read."""

    def _write(self, value: float) -> None:
        with self._pub.loan(LARGE.shape) as array:
            array[0] = value

    def ping(self) -> None:
        self._write(1.0)
        self._sub.recv()[0]

    def pong(self) -> None:
        self._write(self._sub.recv()[0])


class Memcpy(Contender):
    """An array of 8 MiB is copied into shared memory, there and back. Nobody is told: the least that copying once can cost."""

    count = 10

    def __init__(self, folder: Path, is_echo: bool) -> None:
        with open(folder / type(self).__name__, "a+b") as file:
            file.truncate(2 * LARGE.nbytes)
            self._slots = np.frombuffer(mmap.mmap(file.fileno(), 2 * LARGE.nbytes)).reshape(2, -1)

    def ping(self) -> None:
        for slot in self._slots:
            np.copyto(slot, LARGE)

    def pong(self) -> None:
        pass


class Zmq(Contender):
    """pyzmq over ipc."""

    def __init__(self, folder: Path, is_echo: bool) -> None:
        self._socket = zmq.Context.instance().socket(zmq.PAIR)
        address = f"ipc://{folder}/{type(self).__name__}"
        (self._socket.connect if is_echo else self._socket.bind)(address)


class ZmqSpinning(Zmq):
    """64 bytes; both sides look until there is something."""

    def _answer(self) -> Any:
        recv = self._socket.recv
        while True:
            try:
                return recv(zmq.NOBLOCK)
            except zmq.Again:
                pass

    def ping(self) -> None:
        self._socket.send(SMALL)
        self._answer()

    def pong(self) -> None:
        self._socket.send(self._answer())


class ZmqDict(Zmq):
    """A small dict, pickled."""

    def ping(self) -> None:
        self._socket.send_pyobj(COMMAND)
        self._socket.recv_pyobj()

    def pong(self) -> None:
        self._socket.send_pyobj(self._socket.recv_pyobj())


class ZmqArray(Zmq):
    """An array of 8 MiB, not copied by pyzmq itself."""

    count = 10

    def ping(self) -> None:
        self._socket.send(LARGE, copy=False)
        np.frombuffer(self._socket.recv(copy=False))

    def pong(self) -> None:
        np.frombuffer(self._socket.recv(copy=False))
        self._socket.send(LARGE, copy=False)
