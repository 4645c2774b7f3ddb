# SPDX-License-Identifier: Apache-2.0
"""Ends of channels used as what they are not, twice, or too late: each says what is wrong and what to do."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shmcomm
from programs import end, hear, in_thread, start, tell

ENDS = {
    "pubsub": ("everything", "TreePublisher", "TreeSubscriber"),
    "pushpull": ("patterns", "JobsPusher", "JobsPuller"),
    "reqrep": ("patterns", "DriveRequester", "DriveReplier"),
}
OTHERS = [(running, wanted) for running in ENDS for wanted in ENDS if running != wanted]
CALLS = {
    "publisher": ("recv", "push", "call"),
    "subscriber": ("send", "loan", "serve"),
    "pusher": ("recv", "send", "done"),
    "puller": ("push", "send", "loan"),
    "requester": ("recv", "reply", "serve"),
    "replier": ("call", "start", "send"),
}
ROLES = [(role, call) for role, calls in CALLS.items() for call in calls]


@pytest.fixture
def requester(patterns: Any, root: Path) -> Iterator[Any]:
    with patterns.DriveRequester(root=root) as opened:
        yield opened


@pytest.fixture
def replier(patterns: Any, root: Path) -> Iterator[Any]:
    with patterns.DriveReplier(root=root) as opened:
        yield opened


@pytest.fixture
def packages(patterns: Any, everything: Any) -> dict[str, Any]:
    return {"patterns": patterns, "everything": everything}


@pytest.mark.parametrize(("running", "wanted"), OTHERS)
def test_a_channel_is_joined_only_by_ends_of_its_pattern(packages: Any, root: Path, running: str, wanted: str) -> None:
    package, *names = ENDS[running]
    with getattr(packages[package], names[0])("place", root=root):
        package, *wrong = ENDS[wanted]
        for name in wrong:
            with pytest.raises(shmcomm.SHMSchemaMismatchError) as refused:
                getattr(packages[package], name)("place", root=root)

            _, *_, difference, fix = str(refused.value).splitlines()
            assert difference == f"  pattern: {running} -> {wanted}"
            roles = {"pubsub": "publisher or subscriber", "pushpull": "pusher or puller", "reqrep": "requester or replier"}
            assert fix == f"  fix: join it as {roles[running]}, or give this one another channel name"


@pytest.mark.parametrize(("role", "call"), ROLES)
def test_an_end_has_only_the_calls_of_its_role(packages: Any, root: Path, role: str, call: str) -> None:
    package, name = next((package, name) for package, *names in ENDS.values() for name in names if role in name.lower())
    with getattr(packages[package], name)(root=root) as opened:
        with pytest.raises(AttributeError, match=f"'{name}' object has no attribute '{call}'") as refused:
            getattr(opened, call)()

        is_of_another = call not in ("done", "reply")  # which jobs and requests have
        advice = rf": {opened.channel}: a {role} has \w.+ and \w+; {call} is for a \w.*: open one$"
        assert bool(re.search(advice, str(refused.value))) is is_of_another
        assert not hasattr(opened, call) and not hasattr(type(opened), call) and call not in dir(opened)
        assert (refused.value.name, refused.value.obj) == (call, opened)


def test_a_job_is_done_or_given_back_but_not_both(patterns: Any, root: Path) -> None:
    with patterns.JobsPusher(root=root) as pusher, patterns.JobsPuller(root=root) as puller:
        pusher.push(id=1)
        with puller.recv() as given:
            given.give_back()
            given.give_back()
            with pytest.raises(shmcomm.SHMError, match=r"given back already.*either done\(\) or give_back\(\)"):
                given.done()
        with pytest.raises(ZeroDivisionError), puller.recv(timeout=60_000) as done:
            done.done()
            with pytest.raises(shmcomm.SHMError, match=r"done already.*either done\(\) or give_back\(\)"):
                done.give_back()
            raise ZeroDivisionError

        assert shmcomm.metadata(done).attempt == 1
        assert puller.try_recv() is None


WORKER = """
import os, sys
import patterns, shmcomm
puller = patterns.JobsPuller(root=sys.argv[1])
job = puller.recv()
number = job.id
os.closerange(3, 256)
print(number)
sys.stdin.readline()
try:
    job.done()
except shmcomm.SHMError as error:
    print(type(error).__name__, str(error).replace("\\n", " "))
"""


def test_a_job_is_not_done_after_its_process_was_taken_for_dead(patterns: Any, generated: Path, root: Path) -> None:
    with patterns.JobsPusher(root=root) as pusher:
        pusher.push(id=7)
        child = start(WORKER, root, generated=generated)
        assert hear(child) == "7"
        with patterns.JobsPuller(root=root) as puller, puller.recv(timeout=60_000) as job:
            assert (job.id, job.attempt) == (7, 1)
            tell(child)
            said = hear(child)
        end(child)

    assert said.startswith("SHMError patterns/jobs: the job was given to another puller, because this process's lock was gone; see ")


def test_a_call_without_a_replier_says_what_to_do(requester: Any) -> None:
    for use in (requester.call, requester.start):
        with pytest.raises(shmcomm.SHMPeerDiedError, match="not executed; start one, or open the requester with wait_for_replier"):
            use(linear=1.0)


LATE = {
    "table": ("Drive", {"linear": 1.0}, lambda request: request.reply(ok=True)),
    "struct": ("Walk", {"x": 1}, lambda request: request.reply({"x": 1})),
    "error": ("Drive", {"linear": 1.0}, lambda request: request.fail("no")),
}


@pytest.mark.parametrize("kind", LATE)
def test_an_answer_that_comes_too_late_is_dropped_and_counted(patterns: Any, root: Path, kind: str) -> None:
    channel, message, answer = LATE[kind]
    held = []  # more than may be open at once
    with (
        getattr(patterns, f"{channel}Requester")(root=root) as requester,
        getattr(patterns, f"{channel}Replier")(root=root) as replier,
    ):
        while len(held) < 5:
            call = requester.start(message, timeout=20)
            request = replier.try_recv()
            if request is None:
                continue  # its time was over before
            with pytest.raises(shmcomm.SHMTimeoutError, match="not answered in time; a replier has begun the request") as late:
                call.result()
            assert late.value.maybe_executed
            held.append(request)
            with pytest.raises(shmcomm.SHMTimeoutError, match="the requester no longer waits; the reply was dropped"):
                answer(request)
            with pytest.raises(shmcomm.SHMError, match="this request is answered already"):
                answer(request)
            assert request.answered

        assert (replier.stats.late, replier.stats.replied) == (5, 0)


def test_a_reply_on_its_way_to_a_call_that_was_given_up_is_counted(requester: Any, replier: Any) -> None:
    given_up = requester.start(linear=1.0)
    replier.recv().reply(ok=True)
    given_up.cancel()
    call = requester.start(linear=2.0)
    replier.recv().reply(message="second")

    assert call.result().message == "second"
    assert requester.stats.late == 1


def test_serving_goes_on_after_a_late_reply(patterns: Any, root: Path, requester: Any, caplog: pytest.LogCaptureFixture) -> None:
    replier = patterns.DriveReplier(root=root)
    given_up = threading.Event()
    taken = threading.Event()

    def handle(request: Any) -> Any:
        taken.set()
        given_up.wait()
        return {"ok": True}

    thread, _ = in_thread(lambda: replier.serve(handle))
    call = requester.start(linear=1.0)
    taken.wait()
    call.cancel()
    given_up.set()
    assert requester.call(linear=2.0).ok
    replier.stop()
    thread.join()

    assert replier.stats[:3] == (2, 1, 1)
    assert caplog.records == []  # counted, and no error of the handler
    replier.close()


def close_until_over(opened: Any, wait: Callable[[], object]) -> Exception:
    """What `wait`, in another thread, raises when `opened` is closed under it."""

    def wait_alone() -> object:
        while True:
            try:
                return wait()
            except shmcomm.SHMError as error:  # our looks below were in its way
                if "another thread is" not in str(error):
                    raise

    thread, outcome = in_thread(wait_alone)
    with pytest.raises(shmcomm.SHMError, match="another thread is"):
        while True:
            opened.poll() if hasattr(opened, "poll") else opened.start(linear=9.0).cancel()
    opened.close()
    thread.join()
    error: Exception = outcome[0]
    return error


@pytest.mark.parametrize("name", ["JobsPuller", "DriveReplier"])
@pytest.mark.parametrize("how", ["recv", "poll", "__next__"])
def test_close_from_another_thread_ends_a_wait(patterns: Any, root: Path, name: str, how: str) -> None:
    opened = getattr(patterns, name)(root=root)
    wait = {"recv": opened.recv, "poll": lambda: opened.poll(timeout=None), "__next__": lambda: next(opened)}[how]

    error = close_until_over(opened, wait)

    assert isinstance(error, StopIteration if how == "__next__" else shmcomm.SHMConnectionError)
    assert list(root.iterdir()) == []


def test_close_from_another_thread_ends_the_wait_for_a_result(patterns: Any, root: Path, replier: Any) -> None:
    requester = patterns.DriveRequester(root=root)
    call = requester.start(linear=1.0)
    request = replier.recv()

    error = close_until_over(requester, call.result)

    assert isinstance(error, shmcomm.SHMConnectionError) and "closed" in str(error)
    with pytest.raises(shmcomm.SHMTimeoutError, match="no longer waits"):
        request.reply(ok=True)
