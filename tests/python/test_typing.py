# SPDX-License-Identifier: Apache-2.0
"""What type checkers are told is what happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from programs import environment

# What only other ends do is refused with advice, and no attribute to type checkers. nanobind's classes have a metaclass of their own, its functions are no functions of Python; a default of None stands for "not given"; an alias of words is one to type checkers only; the buffer protocol is a
# method of Python only from 3.12 on.
ALLOWED = r"""
shmcomm\._core\.(UntypedPusher|UntypedPuller|UntypedReplier|UntypedRequester|Channel|Publisher|Puller|Pusher|Replier|Requester|Schema|Subscriber|UntypedPublisher|UntypedSubscriber)
shmcomm\.(untyped\.|untyped_jobs\.|untyped_calls\.|untyped_serving\.)?(Publisher|Subscriber|Pusher|Puller|Replier|Requester)
shmcomm\.endpoints\.(Publisher|Subscriber)
shmcomm\.(calls|jobs|typed)\.(Publisher|Puller|Pusher|Replier|Requester|Subscriber)
shmcomm\._core\.((Untyped)?Publisher|Pusher|Request|(Untyped)?Requester)\.(call|loan|push|reply|send|start)
shmcomm\.([a-z_]+\.)?(Publisher|Subscriber|Pusher|Puller|Requester|Replier)\.(ELSEWHERE)
shmcomm\._core\.(Record|SlotBuffer|LoanBuffer)\.__buffer__
shmcomm\.codecs\.(_description|array_header|parse_array_header)
shmcomm\._core\.set_program_name
shmcomm\.(_core|typed)\.(decode|encode)
shmcomm\.verify_policy\.VerifyPolicy
"""

USE = """
import asyncio
from datetime import timedelta

import numpy as np
from everything import Encoding, ImuPublisher, Leaf, Tree, TreePublisher, TreeSubscriber, Vec3
from patterns import Ack, DriveReplier, DriveRequester, Job, JobsPuller, JobsPusher, Twist, WalkRequester
from shmcomm import Replier, Requester, SHMPeerDiedError, metadata


def publish(frame: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    with TreePublisher("renamed", root="/dev/shm/x") as pub, ImuPublisher() as imu:
        pub.send(id=1, data=frame, encoding=Encoding.Rgb8, leaf=Leaf(id=1), points=[(1, 2, 3), Vec3(x=1)], names=["a"])
        pub.send(Tree(data=b"abc"))
        imu.send(stamp_ns=1, accel=Vec3(x=1, y=2, z=3), cov=[0.0] * 9)
        print(pub.stats.sent, pub.channel)
        with pub.loan(data=(480, 640, 3), points=4, name="front") as tree:
            tree.data[:] = 0
            tree.points["x"] = 1
            tree.id, tree.encoding = 3, Encoding.Bgr8
        with imu.loan() as sample:
            sample.accel = Vec3(x=1)


def show(sub: TreeSubscriber) -> None:
    for tree in sub:
        total: float = float(tree.data.sum())
        name: str | None = tree.name
        encoding: Encoding = tree.encoding
        leaves = [] if tree.leaves is None else [leaf.id for leaf in tree.leaves]
        print(total, name, encoding, leaves, tree.sequence + tree.lost + tree.publish_ns + tree.publisher, tree.to_dict())
    asynchronous: Tree = asyncio.run(sub.arecv(timeout=100))
    print(asynchronous)
    waited: Tree = sub.recv(timeout=100) if sub.poll(timeout=timedelta(seconds=1)) else sub.recv()
    maybe: Tree | None = sub.try_recv()
    print(waited, maybe, sub.stats.lost)


async def follow(sub: TreeSubscriber) -> None:
    async for tree in sub:
        number: int = tree.id
        print(number)


def work(pusher: JobsPusher, puller: JobsPuller) -> None:
    pusher.push(id=1, tile=[1, 2], timeout=100)
    pusher.push(Job(id=2), timeout=timedelta(seconds=1))
    with pusher.loan(tile=(2, 3)) as loan:
        loan.id = 3
    for job in puller:
        with job:
            print(job.id + job.attempt, job.tile, metadata(job).pusher, puller.stats.dead_letters)
    waiting: Job | None = puller.try_recv()
    print(waiting)


def drive(requester: DriveRequester) -> float:
    try:
        message: str | None = requester.call(linear=0.5, points=[1.0], timeout=50).message
        call = requester.start(Twist(linear=1.0))
        print(message, call.done(), call.result(timeout=5).ok, call.try_result())
    except SHMPeerDiedError as error:
        print(error.maybe_executed, requester.stats.died)
    step = WalkRequester(wait_for_replier=True).call(x=1, timeout=2)
    return step.x


@DriveReplier().serve
def on_drive(request: Twist) -> Ack:
    return Ack(ok=request.linear < 1.0)


def answer(replier: DriveReplier) -> None:
    request = replier.recv(timeout=100)
    if request.linear > 1:
        request.fail("too fast")
    else:
        request.reply(ok=True, message="moving")
    replier.stop()


def by_name(client: Requester, server: Replier) -> int:
    client.send({"query": "status"}, timeout=100, serializer="msgpack")
    print(server.recv(timeout=100), server.send(1) and server.fail("busy"), client.recv(timeout=timedelta(seconds=1)))
    call = client.start(b"raw")
    request = server.take(timeout=100, copy=True)
    request.reply([request.body, request.attempt], serializer="msgpack")
    print(call.result(timeout=100, copy=True), call.try_result(1), call.over, client.stats.late, server.metadata.sequence)
    asynchronous: object = asyncio.run(client.acall("hello", timeout=100))
    return len(str(asynchronous)) + client.fileno()


@Replier("square", capacity=4).serve
def square(number: int) -> int:
    return number * number
"""

WRONG = """
from everything import TreePublisher, TreeSubscriber, Vec3
from patterns import DriveReplier, DriveRequester, JobsPusher
TreePublisher().send(id="one", data=b"")
TreePublisher().send(idd=1, data=b"")
TreePublisher().send(id=1)
TreeSubscriber().recv(timeout=0.1)
Vec3(x=1).x = 2
TreePublisher().loan(data=1).name = "built by loan()"
Vec3(w=1)
JobsPusher().push(idd=1)
JobsPusher().push(id=1, timeout=0.5)
DriveRequester().call(linear="fast")
print(DriveRequester().start(linear=1.0).result().okay)
TreeSubscriber().send(id=1, data=b"")
DriveReplier().recv().reply(okay=True)
"""


def mypy(*arguments: str, generated: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    variables = environment(generated)
    # An installed package is found without, and refused with it.
    folders = [path for path in variables["PYTHONPATH"].split(os.pathsep) if Path(path).name != "site-packages"]
    variables["MYPYPATH"] = os.pathsep.join(folders)
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True)


def test_the_stubs_of_the_package_describe_it(generated: Path, tmp_path: Path) -> None:
    import shmcomm
    import shmcomm.typed
    from shmcomm.roles import Elsewhere

    kinds = [kind for module in (shmcomm, shmcomm.typed) for kind in vars(module).values() if isinstance(kind, type)]
    elsewhere = {name for kind in kinds for name, value in vars(kind).items() if isinstance(value, Elsewhere)}
    (tmp_path / "allowed").write_text(ALLOWED.replace("ELSEWHERE", "|".join(sorted(elsewhere))))

    run = mypy(
        "mypy.stubtest", "shmcomm", "--allowlist", "allowed", "--ignore-unused-allowlist", "--ignore-disjoint-bases",
        generated=generated, folder=tmp_path,
    )  # fmt: skip

    assert run.returncode == 0, run.stdout + run.stderr


def test_the_package_is_typed_for_the_oldest_python(generated: Path, tmp_path: Path) -> None:
    import shmcomm

    # What is installed beside it may be too new for that: the package is looked at alone.
    assert shmcomm.__file__ is not None
    (tmp_path / "shmcomm").symlink_to(Path(shmcomm.__file__).parent)
    alone = ("--no-site-packages", "--ignore-missing-imports", "--no-error-summary")

    run = mypy("mypy", "--python-version", "3.10", *alone, "-p", "shmcomm", generated=generated, folder=tmp_path)

    assert run.stdout + run.stderr == ""


def test_a_program_on_the_generated_package_is_strictly_typed(generated: Path, tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(USE)

    run = mypy("mypy", "--strict", "use.py", generated=generated, folder=tmp_path)

    assert run.returncode == 0, run.stdout + run.stderr


def test_mistakes_are_found_by_the_type_checker(generated: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(WRONG)

    run = mypy("mypy", "--strict", "wrong.py", generated=generated, folder=tmp_path)

    found = {int(line.split(":")[1]) for line in run.stdout.splitlines() if ": error:" in line}
    assert found == set(range(4, 17)), run.stdout
