# SPDX-License-Identifier: Apache-2.0
"""Whatever goes wrong on a channel, the error says which channel, and what to do."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import shmcomm
from shmcomm import codecs

LONG = 60_000
Scene = Any  # what a cause may use: `open`, and the packages everything and patterns
CAUSES: dict[str, tuple[type[Exception], str, str, Callable[[Scene], object]]] = {}


def cause(error: type[Exception], channel: str, advice: str) -> Callable[[Callable[[Scene], object]], object]:
    """A way in which an error comes about, named by its function; the last thing it does fails."""

    def entered(function: Callable[[Scene], object]) -> object:
        CAUSES[function.__name__] = error, channel, advice, function
        return function

    return entered


@pytest.fixture
def scene(everything: Any, patterns: Any, root: Path) -> Any:
    with ExitStack() as stack:

        def opened(kind: Any, **options: Any) -> Any:
            names = ("x",) if kind.__module__.startswith("shmcomm") else ()
            return stack.enter_context(kind(*names, root=root, **options))

        yield SimpleNamespace(open=opened, everything=everything, patterns=patterns, keep=stack.enter_context)


# Without a schema


@cause(shmcomm.SHMError, "x", "recv() one first")
def answers_nobody(scene: Scene) -> None:
    scene.open(shmcomm.Replier).send(1)


@cause(shmcomm.SHMError, "x", "send() a request first")
def receives_no_reply(scene: Scene) -> None:
    scene.open(shmcomm.Requester).recv()


@cause(shmcomm.SHMError, "x", "recv() it first, or use start()")
def asks_twice(scene: Scene) -> None:
    client = scene.open(shmcomm.Requester, wait_for_replier=False)
    scene.open(shmcomm.Replier)
    client.send(1)
    client.send(2)


@cause(shmcomm.SHMError, "x", "answer each once")
def answers_twice(scene: Scene) -> None:
    client, server = scene.open(shmcomm.Requester), scene.open(shmcomm.Replier)
    client.send(1)
    request = server.take(timeout=LONG)
    request.reply(1)
    request.reply(2)


for _kind, _use in [
    ("Publisher", lambda end: end.send(1)), ("Publisher", lambda end: end.loan(1).__enter__()),
    ("Subscriber", lambda end: end.recv()), ("Subscriber", lambda end: end.recv_many()), ("Subscriber", lambda end: end.poll()),
    ("Pusher", lambda end: end.send(1)), ("Puller", lambda end: end.recv()), ("Puller", lambda end: end.done()),
    ("Requester", lambda end: end.call(1)), ("Requester", lambda end: end.send(1)), ("Requester", lambda end: end.recv()),
    ("Replier", lambda end: end.recv()), ("Replier", lambda end: end.send(1)),
]:  # fmt: skip

    def uses_closed(scene: Scene, kind: str = _kind, use: Callable[[Any], object] = _use) -> None:
        end = scene.open(getattr(shmcomm, kind))
        end.close()
        use(end)

    uses_closed.__name__ = f"uses_closed_{_kind}_{len(CAUSES)}"
    cause(shmcomm.SHMConnectionError, "x", "closed; open another one")(uses_closed)


@cause(shmcomm.SHMConnectionError, "x", "closed; open another one")
def receives_from_a_closed_requester(scene: Scene) -> None:
    client = scene.open(shmcomm.Requester)
    scene.open(shmcomm.Replier)
    call = client.start(1)
    client.close()
    call.result()


@cause(ValueError, "x", "start another")
def receives_a_reply_twice(scene: Scene) -> None:
    client, server = scene.open(shmcomm.Requester), scene.open(shmcomm.Replier)
    call = client.start(1)
    server.take(timeout=LONG).reply(1)
    call.result(timeout=LONG)
    call.result()


for _kind, _sender in [("Subscriber", "publisher"), ("Puller", "pusher"), ("Replier", "requester")]:

    def waits_in_vain(scene: Scene, kind: str = _kind) -> None:
        scene.open(getattr(shmcomm, kind)).recv(timeout=1)

    def awaits_in_vain(scene: Scene, kind: str = _kind) -> None:
        asyncio.run(scene.open(getattr(shmcomm, kind)).arecv(timeout=1))

    for _wait in (waits_in_vain, awaits_in_vain):
        _wait.__name__ += f"_{_kind}"
        cause(shmcomm.SHMTimeoutError, "x", f"wait longer, or see whether a {_sender} is open there")(_wait)


@cause(shmcomm.SHMTimeoutError, "x", "receive it later, or give it up")
def waits_for_a_reply_in_vain(scene: Scene) -> None:
    client = scene.open(shmcomm.Requester)
    scene.open(shmcomm.Replier)
    client.start(1).result(timeout=1)


@cause(shmcomm.SHMTimeoutError, "x", "receive it later, or give it up")
def awaits_a_reply_in_vain(scene: Scene) -> None:
    client = scene.open(shmcomm.Requester)
    scene.open(shmcomm.Replier)
    client.send(1)
    asyncio.run(client.arecv(timeout=1))


@cause(shmcomm.SHMTimeoutError, "x", "start one")
def waits_for_a_replier_in_vain(scene: Scene) -> None:
    scene.open(shmcomm.Requester).call(1, timeout=1)


@cause(shmcomm.SHMTimeoutError, "x", "start more, or allow more time")
def calls_who_is_busy(scene: Scene) -> None:
    scene.open(shmcomm.Replier)
    scene.open(shmcomm.Requester).call(1, timeout=1)


@cause(shmcomm.SHMBufferFullError, "x", "publish or drop one")
def lends_too_much(scene: Scene) -> None:
    pub = scene.open(shmcomm.Publisher)
    for _ in range(3):
        scene.keep(pub.loan(1))


@cause(shmcomm.SHMBufferFullError, "x", "copy what you keep")
def borrows_too_much(scene: Scene) -> None:
    pub, sub = scene.open(shmcomm.Publisher), scene.open(shmcomm.Subscriber)
    held = []
    for _ in range(7):
        pub.send(bytes(2000))
        held.append(sub.recv(timeout=LONG))


@cause(shmcomm.SHMBufferFullError, "x", "answer one")
def takes_too_many_requests(scene: Scene) -> None:
    client, server = scene.open(shmcomm.Requester), scene.open(shmcomm.Replier)
    calls = [client.start(n) for n in range(7)]
    requests = [server.take(timeout=LONG) for _ in calls]
    del requests


@cause(shmcomm.SHMBufferFullError, "x", "receive or forget one")
def starts_too_many_calls(scene: Scene) -> None:
    client = scene.open(shmcomm.Requester, wait_for_replier=False)
    scene.open(shmcomm.Replier)
    calls = [client.start(n) for n in range(17)]
    del calls


@cause(shmcomm.SHMSerializationError, "x", r"options: plain data and objects of classes that a module has")
def sends_a_function(scene: Scene) -> None:
    scene.open(shmcomm.Publisher).send(lambda: 0)


@cause(shmcomm.SHMSerializationError, "x", r'options: values that msgpack knows, serializer="pickle"')
def packs_a_set(scene: Scene) -> None:
    scene.open(shmcomm.Pusher).send({1, 2}, serializer="msgpack")


def fail(_: object) -> bytes:
    raise ZeroDivisionError


@contextlib.contextmanager
def codec(encode: Any, decode: Any) -> Any:
    shmcomm.register_codec("test/advice", encode, decode)
    try:
        yield
    finally:
        codecs.by_name.pop("test/advice", None)


@cause(shmcomm.SHMSerializationError, "x", "options: mend what was given to shmcomm.register_codec")
def encodes_badly(scene: Scene) -> None:
    scene.keep(codec(fail, bytes))
    scene.open(shmcomm.Publisher).send(1, serializer="test/advice")


@cause(shmcomm.SHMSerializationError, "x", "options: let this program import and know what the sender's does")
def decodes_badly(scene: Scene) -> None:
    scene.keep(codec(bytes, fail))
    pub, sub = scene.open(shmcomm.Publisher), scene.open(shmcomm.Subscriber)
    pub.send(b"abc", serializer="test/advice")
    sub.recv(timeout=LONG)


@cause(shmcomm.SHMSerializationError, "x", "give it to shmcomm.register_codec before receiving")
def knows_no_codec(scene: Scene) -> None:
    scene.keep(codec(bytes, bytes))
    pub, puller = scene.open(shmcomm.Pusher), scene.open(shmcomm.Puller)
    pub.send(b"abc", serializer="test/advice")
    codecs.by_name.pop("test/advice")
    puller.recv(timeout=LONG)


@cause(shmcomm.SHMSerializationError, "x", "allow_pickle=True decodes it all the same")
def refuses_pickles(scene: Scene) -> None:
    pub, sub = scene.open(shmcomm.Publisher), scene.open(shmcomm.Subscriber, allow_pickle=False)
    pub.send({1})
    sub.recv(timeout=LONG)


@cause(shmcomm.SHMSchemaMismatchError, "x", "fix: give both ends the same options")
def differs_in_options(scene: Scene) -> None:
    scene.open(shmcomm.Publisher, capacity=16)
    scene.open(shmcomm.Subscriber, capacity=32)


@cause(shmcomm.SHMSchemaMismatchError, "x", "fix: join it as publisher or subscriber")
def differs_in_pattern(scene: Scene) -> None:
    scene.open(shmcomm.Publisher)
    scene.open(shmcomm.Puller)


@cause(shmcomm.SHMMessageTooLargeError, "x", "open the pusher with max_size=2000")
def sends_too_much(scene: Scene) -> None:
    scene.open(shmcomm.Pusher, max_size=1000).send(bytes(2000))


@cause(shmcomm.SHMMessageTooLargeError, "x", "send parts")
def sends_what_nobody_can(scene: Scene) -> None:
    scene.open(shmcomm.Publisher).send(np.broadcast_to(np.uint8(0), 1 << 31))


@cause(shmcomm.SHMPeerDiedError, "x", "start one, or open the requester with wait_for_replier")
def asks_nobody(scene: Scene) -> None:
    scene.open(shmcomm.Requester, wait_for_replier=False).call(1)


@cause(shmcomm.SHMReplyError, "x", "options: another request")
def is_refused(scene: Scene) -> None:
    client, server = scene.open(shmcomm.Requester), scene.open(shmcomm.Replier)
    client.send(1)
    server.recv(timeout=LONG)
    server.fail("no")
    client.recv(timeout=LONG)


@cause(shmcomm.SHMCorruptionError, "x", "go on, and see what else writes there")
def receives_what_is_no_array(scene: Scene) -> None:
    pub, sub = scene.open(shmcomm.Publisher), scene.open(shmcomm.Subscriber)
    pub._commit(pub._reserve(b"no array", 64))
    sub.recv(timeout=LONG)


# With a schema

TREE, JOBS, DRIVE = "everything/tree", "patterns/jobs", "patterns/drive"


@cause(shmcomm.SHMSerializationError, TREE, "id: expected int, got 'a'")
def sends_a_wrong_value(scene: Scene) -> None:
    scene.open(scene.everything.TreePublisher).send(id="a", data=b"")


@cause(shmcomm.SHMSerializationError, TREE, "data: required, but not given")
def leaves_out_what_is_required(scene: Scene) -> None:
    scene.open(scene.everything.TreePublisher).send({"id": 1})


@cause(shmcomm.SHMSerializationError, TREE, "did you mean 'name'?")
def lends_an_unknown_field(scene: Scene) -> None:
    scene.open(scene.everything.TreePublisher).loan(data=1, nmae="a")


@cause(shmcomm.SHMSerializationError, TREE, "give it to loan()")
def sets_what_has_no_place(scene: Scene) -> None:
    scene.keep(scene.open(scene.everything.TreePublisher).loan(data=1)).name = "a"


@cause(shmcomm.SHMSerializationError, JOBS, "id: expected int, got 'a'")
def pushes_a_wrong_value(scene: Scene) -> None:
    scene.open(scene.patterns.JobsPusher).push(id="a")


@cause(shmcomm.SHMSerializationError, DRIVE, "linear: expected float, got 'a'")
def calls_with_a_wrong_value(scene: Scene) -> None:
    scene.open(scene.patterns.DriveReplier)
    scene.open(scene.patterns.DriveRequester).call(linear="a")


@cause(shmcomm.SHMSerializationError, DRIVE, "ok: expected bool, got 'a'")
def replies_with_a_wrong_value(scene: Scene) -> None:
    server, client = scene.open(scene.patterns.DriveReplier), scene.open(scene.patterns.DriveRequester)
    call = client.start(linear=1)
    server.recv(timeout=LONG).reply(ok="a")
    del call


@cause(shmcomm.SHMReplyError, DRIVE, "options: another request")
def is_refused_by_a_handler(scene: Scene) -> None:
    server, client = scene.open(scene.patterns.DriveReplier), scene.open(scene.patterns.DriveRequester)
    call = client.start(linear=1)
    server.recv(timeout=LONG).fail("too fast")
    call.result()


@cause(shmcomm.SHMPeerDiedError, DRIVE, "start one, or open the requester with wait_for_replier")
def calls_nobody(scene: Scene) -> None:
    scene.open(scene.patterns.DriveRequester).call(linear=1)


@cause(shmcomm.SHMTimeoutError, TREE, "wait longer, or see whether a publisher is open there")
def waits_for_a_tree(scene: Scene) -> None:
    scene.open(scene.everything.TreeSubscriber).recv(timeout=1)


@cause(shmcomm.SHMTimeoutError, JOBS, "wait longer, or see whether a pusher is open there")
def waits_for_a_job(scene: Scene) -> None:
    scene.open(scene.patterns.JobsPuller).recv(timeout=1)


@cause(shmcomm.SHMTimeoutError, DRIVE, "start more, or allow more time")
def calls_a_busy_replier(scene: Scene) -> None:
    scene.open(scene.patterns.DriveReplier)
    scene.open(scene.patterns.DriveRequester).call(linear=1, timeout=1)


@cause(shmcomm.SHMConnectionError, TREE, "closed; open another one")
def sends_on_what_was_closed(scene: Scene) -> None:
    pub = scene.open(scene.everything.TreePublisher)
    pub.close()
    pub.send(id=1, data=b"")


@cause(shmcomm.SHMMessageTooLargeError, TREE, "set max_size: 13MiB at everything.channel:5")
def sends_a_large_tree(scene: Scene) -> None:
    scene.open(scene.everything.TreePublisher).send(id=1, data=bytes(13_000_000))


@cause(shmcomm.SHMMessageTooLargeError, TREE, "send parts")
def lends_what_no_message_holds(scene: Scene) -> None:
    scene.open(scene.everything.TreePublisher).loan(data=(1 << 31) - 1)


@cause(shmcomm.SHMBufferFullError, "everything/narrow", "copy what you keep, or raise max_borrowed")
def borrows_too_much_of_few(scene: Scene) -> None:
    pub, sub = scene.open(scene.everything.NarrowPublisher), scene.open(scene.everything.NarrowSubscriber)
    held = []
    for _ in range(3):
        pub.send(id=1)
        held.append(sub.recv(timeout=LONG))


@cause(shmcomm.SHMBufferFullError, "everything/sure", "options: a faster subscriber, a larger capacity")
def fills_a_ring(scene: Scene) -> None:
    pub = scene.open(scene.everything.SurePublisher, timeout=0)
    scene.open(scene.everything.SureSubscriber)
    for _ in range(5):
        pub.send(id=1)


@cause(shmcomm.SHMBufferFullError, "patterns/steps", "options: more pullers, a larger capacity")
def fills_a_queue(scene: Scene) -> None:
    pusher = scene.open(scene.patterns.StepsPusher)
    for _ in range(17):
        pusher.push(x=1)


@cause(shmcomm.SHMSchemaMismatchError, TREE, "fix: ")
def joins_with_a_schema_what_has_none(scene: Scene) -> None:
    scene.keep(shmcomm.Publisher(TREE, root=scene.root))
    scene.open(scene.everything.TreeSubscriber)


@pytest.mark.parametrize("name", CAUSES)
def test_an_error_says_where_it_happened_and_what_to_do(scene: Any, root: Path, name: str) -> None:
    error, channel, advice, provoke = CAUSES[name]
    scene.root = root

    with pytest.raises(error) as told:
        provoke(scene)

    assert type(told.value) is error
    assert re.match(rf"(channel '{channel}'|{channel}): ", str(told.value)), told.value
    assert advice in str(told.value)


def test_every_error_that_is_exported_is_among_them() -> None:
    exported = {getattr(shmcomm, name) for name in shmcomm.__all__ if name.startswith("SHM")}

    assert exported - {error for error, *_ in CAUSES.values()} == set()
