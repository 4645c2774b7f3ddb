# SPDX-License-Identifier: Apache-2.0
"""Endpoints without a schema between threads and processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from programs import end, environment, hear, start, tell, wait_until_asleep

ECHO = """
import sys
from shmcomm import Publisher, Subscriber
with Subscriber("question", root=sys.argv[1]) as sub, Publisher("answer", root=sys.argv[1]) as pub:
    print("ready")
    for message in sub:
        pub.send(message)
        if message is None:
            break
"""


def test_objects_travel_between_processes(root: Path, generated: Path) -> None:
    import numpy as np
    from shmcomm import Publisher, Subscriber

    echo = start(ECHO, root, generated=generated)
    with Subscriber("answer", root=root) as sub, Publisher("question", root=root) as pub:
        assert hear(echo) == "ready"
        for message in ({"cmd": "move"}, b"raw" * 1000, "text"):
            pub.send(message)
            assert sub.recv(timeout=None) == message
        pub.send(np.arange(100_000))
        assert sub.recv().sum() == 4999950000
        pub.send(None)
        assert sub.recv() is None
    assert end(echo) == 0


WAITER = """
import sys
from shmcomm import Publisher, Subscriber
if sys.argv[2] == "recv":
    end = Subscriber("x", root=sys.argv[1])
    wait = end.recv
else:
    end = Publisher("x", reliable=True, capacity=1, timeout=None, root=sys.argv[1])
    end.send(1)
    wait = lambda: end.send(2)
print("ready")
try:
    wait()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("what", ["recv", "send"])
def test_ctrl_c_ends_a_wait(root: Path, generated: Path, what: str) -> None:
    from shmcomm import Subscriber

    with Subscriber("x", reliable=True, capacity=1, root=root) as sub:
        child = start(WAITER, root, what, generated=generated)
        assert hear(child) == "ready"
        wait_until_asleep(child.pid)
        child.send_signal(signal.SIGINT)

        assert hear(child) == "interrupted"
        assert end(child) == 0
        assert sub.closed is False


@pytest.mark.parametrize("what", ["recv", "recv_many", "poll", "iterate"])
def test_close_from_another_thread_ends_a_wait(root: Path, what: str) -> None:
    import shmcomm

    sub = shmcomm.Subscriber("x", root=root)
    started = threading.Event()
    outcome: list[Any] = []

    def wait() -> None:
        started.set()
        try:
            outcome.append(list(sub) if what == "iterate" else getattr(sub, what)(timeout=None))
        except shmcomm.SHMConnectionError as error:
            outcome.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    started.wait()
    while not sub.closed and thread.is_alive():
        sub.close()
    thread.join()

    assert outcome == [[]] if what == "iterate" else "closed" in str(outcome[0])


def test_close_from_another_thread_ends_a_send(root: Path) -> None:
    import shmcomm

    sub = shmcomm.Subscriber("x", reliable=True, capacity=1, root=root)
    pub = shmcomm.Publisher("x", timeout=None, root=root)
    pub.send(1)
    started = threading.Event()
    outcome: list[Any] = []

    def wait() -> None:
        started.set()
        try:
            outcome.append(pub.send(2))
        except shmcomm.SHMConnectionError as error:
            outcome.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    started.wait()
    while not pub.closed and thread.is_alive():
        pub.close()
    thread.join()
    sub.close()

    assert "closed" in str(outcome[0])


def test_a_subscriber_in_another_thread_makes_room(root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    with (
        Subscriber("x", reliable=True, capacity=2, root=root) as sub,
        Publisher("x", timeout=None, root=root) as pub,
    ):
        got: list[int] = []
        thread = threading.Thread(target=lambda: got.extend(sub.recv() for _ in range(500)))
        thread.start()
        for n in range(500):
            assert pub.send(n)
        thread.join()

        assert got == list(range(500))


def test_threads_may_share_a_publisher(root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    with Publisher("x", capacity=4096, root=root) as pub, Subscriber("x", root=root) as sub:
        threads = [threading.Thread(target=lambda n=n: [pub.send({"n": n}) for _ in range(500)]) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        got = [message["n"] for message in sub.recv_many(4000)]

    assert sorted(got) == sorted(list(range(4)) * 500)


def test_a_second_waiting_thread_is_refused(root: Path) -> None:
    import shmcomm

    with shmcomm.Subscriber("x", root=root) as sub, shmcomm.Publisher("x", root=root) as pub:
        refused = []

        def wait() -> None:
            while not refused:
                try:
                    sub.recv(timeout=1)
                except shmcomm.SHMTimeoutError:
                    pass
                except shmcomm.SHMError as error:
                    refused.append(str(error))

        threads = [threading.Thread(target=wait) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert "another thread is waiting" in refused[0]
        pub.send(1)
        assert sub.recv(timeout=1000) == 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_is_refused(root: Path) -> None:
    import shmcomm

    with shmcomm.Publisher("x", root=root) as pub, shmcomm.Subscriber("x", root=root) as sub:
        pub.send(b"x" * 5000)
        view = sub.recv(timeout=1000)
        child = os.fork()
        if child == 0:
            outcome = 0
            for call in (lambda: pub.send(1), sub.try_recv, lambda: pub.loan(3).__enter__()):
                try:
                    call()
                except shmcomm.SHMConnectionError as error:
                    outcome += "before fork()" in str(error)
            outcome += view[0] == ord("x")
            os._exit(outcome)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
        pub.send("still here")
        assert sub.recv(timeout=1000) == "still here"


@pytest.mark.parametrize("ending", ["", "sys.exit(3)", "os._exit(3)", "raise SystemExit(3)", "del pub, sub", "os.kill(os.getpid(), 9)"])
def test_a_program_may_end_at_any_time(root: Path, generated: Path, ending: str) -> None:
    from shmcomm import Publisher, Subscriber

    program = f"""
import gc, os, sys
import numpy as np
from shmcomm import Publisher, Subscriber
pub, sub = Publisher("x", root=sys.argv[1]), Subscriber("x", root=sys.argv[1])
pub.send(np.arange(1000)); pub.send(b"x" * 5000); pub.send({{"a": np.arange(1000)}})
cycle = [sub.recv(), sub.recv(), sub.recv(), pub, sub]
cycle.append(cycle)
loan = pub.loan(3); array = loan.__enter__()
{ending}
"""
    with Subscriber("x", root=root) as sub:
        done = subprocess.run([sys.executable, "-c", program, root], env=environment(generated))

        assert done.returncode == (3 if "3" in ending else -9 if "kill" in ending else 0)
        assert len([sub.recv(timeout=1000) for _ in range(3)]) == 3 or "kill" in ending
        with Publisher("x", root=root) as pub:
            pub.send("next")
            assert sub.recv(timeout=1000) == "next"


def test_many_messages_leave_memory_flat(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gc
    import logging
    import tracemalloc

    import numpy as np
    from shmcomm import Publisher, SHMSerializationError, Subscriber

    monkeypatch.setattr(logging.getLogger("shmcomm"), "disabled", True)  # pytest keeps what is logged
    array = np.arange(1000)

    def exchange(count: int) -> None:
        for n in range(count):
            for message in (b"x", b"x" * 5000, {"a": array, "n": n}, array, "text"):
                pub.send(message)
                sub.recv(timeout=1000)
            with pytest.raises(SHMSerializationError):
                pub.send(exchange.__get__)
            pub.send(n)
            sub.recv_many()

    with Publisher("x", root=root) as pub, Subscriber("x", root=root) as sub:
        exchange(200)
        gc.collect()
        tracemalloc.start()
        exchange(1000)  # CPython 3.12 keeps something of its first hundreds of exceptions
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        exchange(1000)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert after - before < 20_000


FOREIGN = """
import msgpack, os, sys
import shmcomm
from shmcomm import SHMSerializationError
Publisher, Subscriber = getattr(shmcomm, sys.argv[2]), getattr(shmcomm, sys.argv[3])
os.setgid(65534); os.setuid(65534)
with Publisher("x", root=sys.argv[1]) as pub:
    file = next(entry for entry in (os.scandir(sys.argv[1] + "/default/x")) if entry.name.startswith("pub."))
    print(file.path)
    sys.stdin.readline()
    for allowed in (None, False, True):
        with Subscriber("x", allow_pickle=allowed, root=sys.argv[1]) as sub:
            pub.send({"a": 1})
            pub.send(b"raw")
            pub.send([1], serializer="msgpack")
            try:
                print(sub.recv())
            except SHMSerializationError as error:
                print("refused" if "allow_pickle=True" in str(error) else error)
            print(bytes(sub.recv()), sub.recv())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
@pytest.mark.parametrize("ends", [("Publisher", "Subscriber"), ("Pusher", "Puller")])
def test_a_pickle_of_another_user_is_decoded_only_on_request(generated: Path, root: Path, ends: tuple[str, str]) -> None:
    folder = root / "of nobody"
    folder.mkdir(mode=0o700)
    os.chmod(root, 0o755)
    os.chown(folder, 65534, 65534)
    child = start(FOREIGN, folder, *ends, generated=generated)
    file = hear(child)
    os.chown(file, 0, 0)  # as if root had published
    os.chmod(file, 0o644)
    tell(child)

    assert [hear(child) for _ in range(6)] == ["refused", "b'raw' [1]"] * 2 + ["{'a': 1}", "b'raw' [1]"]
    assert end(child) == 0
