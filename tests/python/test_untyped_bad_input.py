# SPDX-License-Identifier: Apache-2.0
"""Every end without a schema refuses what it cannot use in the same words, and goes on."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shmcomm
from shmcomm import codecs

PAIRS = {
    "messages": (shmcomm.Publisher, shmcomm.Subscriber),
    "jobs": (shmcomm.Pusher, shmcomm.Puller),
    "calls": (shmcomm.Requester, shmcomm.Replier),
}
CLASSES = [kind for pair in PAIRS.values() for kind in pair]
WRONG_TIMEOUTS = [0.5, 1.0, "5", [], b"1"]
BAD_NAMES = [("", ValueError), ("a" * 201, ValueError), ("/" * 100, ValueError), ("a\0b", ValueError), (5, TypeError), (None, TypeError)]
UNPICKLABLE: dict[str, Callable[[], Any]] = {
    "function": lambda: lambda: 0,
    "array of objects": lambda: np.array([None, lambda: 0], dtype=object),
    "generator": lambda: (number for number in range(3)),
}
SHAPES = [(0,), (0, 5), (3, 0, 2), (2**40, 0), ()]


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest, root: Path) -> Iterator[tuple[Any, Any]]:
    """The end that sends first, and the one that receives it."""
    sending, receiving = PAIRS[request.param]
    with sending("x", root=root) as sender, receiving("x", root=root) as receiver:
        yield sender, receiver


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize(("name", "error"), BAD_NAMES)
def test_a_bad_name_is_refused_and_leaves_nothing(root: Path, kind: Any, name: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        kind(name, root=root)

    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", ["front/camera", "a b", "über/größe", "日本語", "..", "a" * 200])
@pytest.mark.parametrize("kind", CLASSES)
def test_any_other_text_is_a_name(root: Path, kind: Any, name: str) -> None:
    with kind(name, root=root) as end:
        assert end.channel == name

    assert list(root.iterdir()) == []


@pytest.mark.parametrize("timeout", WRONG_TIMEOUTS)
def test_a_timeout_of_another_type_is_refused_by_all_that_wait(pair: Any, timeout: Any) -> None:
    sender, receiver = pair
    waits = [receiver.recv, receiver.poll]
    if isinstance(sender, shmcomm.Requester):
        waits += [lambda timeout: sender.call(1, timeout=timeout), lambda timeout: sender.send(1, timeout=timeout)]
    for wait in waits:
        with pytest.raises(TypeError, match="timeout"):
            wait(timeout=timeout)
    sender.send("next")
    assert receiver.recv(timeout=60_000) == "next"

    if isinstance(sender, shmcomm.Requester):
        for wait in (sender.recv, sender.poll):
            with pytest.raises(TypeError, match="timeout"):
                wait(timeout=timeout)
        receiver.send("answer")
        assert sender.recv(timeout=60_000) == "answer"


@pytest.mark.parametrize("make", UNPICKLABLE.values(), ids=UNPICKLABLE.keys())
def test_what_cannot_be_pickled_is_not_sent(pair: Any, make: Callable[[], Any]) -> None:
    sender, receiver = pair
    with pytest.raises(shmcomm.SHMSerializationError) as caught:
        sender.send(make())
    assert caught.value.__cause__ is not None
    sender.send("next")
    assert receiver.recv(timeout=60_000) == "next"

    if isinstance(receiver, shmcomm.Replier):
        with pytest.raises(shmcomm.SHMSerializationError):
            receiver.send(make())
        receiver.send("answer")
        assert sender.recv(timeout=60_000) == "answer"


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_arrays_of_nothing_and_of_any_shape_arrive(pair: Any, shape: tuple[int, ...]) -> None:
    sender, receiver = pair
    array = np.zeros(shape, np.float32)
    sender.send(array)
    received = [receiver.recv(timeout=60_000)]
    if isinstance(receiver, shmcomm.Replier):
        receiver.send(array)
        received.append(sender.recv(timeout=60_000))

    assert [(got.shape, got.dtype) for got in received] == [(shape, array.dtype)] * len(received)


def test_an_array_beyond_max_size_is_refused(pair: Any) -> None:
    sender, receiver = pair
    huge = np.broadcast_to(np.uint8(0), (2**20, 2**20))  # of one byte
    with pytest.raises(shmcomm.SHMMessageTooLargeError):
        sender.send(huge)
    sender.send("next")

    assert receiver.recv(timeout=60_000) == "next"


def test_a_codec_that_the_receiver_does_not_know_is_named(pair: Any) -> None:
    sender, receiver = pair
    shmcomm.register_codec("test/unknown", bytes, bytes)
    sender.send(b"abc", serializer="test/unknown")
    del codecs.by_name["test/unknown"]

    with pytest.raises(shmcomm.SHMSerializationError, match="test/unknown.*register_codec"):
        receiver.recv(timeout=60_000)


PARTS = [
    (shmcomm.Subscriber, "send", "a publisher, pusher, requester or replier"),
    (shmcomm.Puller, "send", "a publisher, pusher, requester or replier"),
    (shmcomm.Publisher, "recv", "a subscriber, puller, requester or replier"),
    (shmcomm.Pusher, "recv", "a subscriber, puller, requester or replier"),
    (shmcomm.Subscriber, "loan", "a publisher or pusher"),
    (shmcomm.Requester, "serve", "a replier"),
    (shmcomm.Replier, "call", "a requester"),
    (shmcomm.Puller, "latest", "a subscriber"),
]


@pytest.mark.parametrize(("kind", "call", "who"), PARTS)
def test_what_is_another_ends_part_is_refused_with_whose_it_is(root: Path, kind: Any, call: str, who: str) -> None:
    role = kind.__name__
    with kind("x", root=root) as end:
        with pytest.raises(AttributeError) as refused:
            getattr(end, call)
        assert re.fullmatch(
            rf"'{role}' object has no attribute '{call}': x: a {role.lower()} has [\w, ]+; {call} is for {who}: open one",
            str(refused.value),
        )
        assert not hasattr(end, call) and not hasattr(kind, call) and call not in dir(end)
    with pytest.raises(AttributeError, match=f"^type object '{role}' has no attribute '{call}': .* {call} is for {who}"):
        getattr(kind, call)


def test_a_program_may_give_its_ends_attributes_and_methods_of_those_names(root: Path) -> None:
    class Sink(shmcomm.Subscriber):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            assert not hasattr(self, "start")
            self.start = 5
            super().__init__(*arguments, **options)

        def send(self) -> str:
            return "sent"

    with Sink("x", root=root) as end:
        assert (end.start, end.send()) == (5, "sent")
        assert {"start", "send"} <= set(dir(end)) and "push" not in dir(end)


def test_an_end_does_nothing_out_of_turn(root: Path) -> None:
    with shmcomm.Replier("x", root=root) as replier, pytest.raises(shmcomm.SHMError, match="recv"):
        replier.send("to nobody")
    with shmcomm.Requester("x", root=root) as requester, pytest.raises(shmcomm.SHMError, match="send"):
        requester.recv()


def uses_of(end: Any) -> list[Callable[[], object]]:
    """What asks something of an end."""
    names = ("recv", "try_recv", "recv_many", "latest", "poll", "fileno", "take", "try_take", "done", "give_back")
    uses = [getattr(end, name, None) for name in names]
    if isinstance(end, (shmcomm.Publisher, shmcomm.Pusher)):
        uses.append(lambda: end.loan(1).__enter__())
    if isinstance(end, shmcomm.Requester):
        uses += [lambda: end.call(1), lambda: end.start(1)]
    if not isinstance(end, (shmcomm.Subscriber, shmcomm.Puller, shmcomm.Replier)):
        uses.append(lambda: end.send(1))
    return [use for use in uses if use is not None]


@pytest.mark.parametrize("kind", CLASSES)
def test_a_closed_end_says_so(root: Path, kind: Any) -> None:
    end = kind("x", root=root)
    end.close()
    end.close()
    for use in uses_of(end):
        with pytest.raises(shmcomm.SHMConnectionError, match="closed"):
            use()

    assert end.closed and end.channel == "x"
    assert list(root.iterdir()) == []


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("kind", CLASSES)
def test_a_forked_child_is_refused(root: Path, kind: Any) -> None:
    with kind("x", root=root) as end:
        if isinstance(end, shmcomm.Requester):
            end.fileno()
        uses = [lambda: end.send(1)] if hasattr(end, "send") and kind is not shmcomm.Replier else [end.try_recv]
        child = os.fork()
        if child == 0:
            code = 1
            try:
                uses[0]()
            except shmcomm.SHMConnectionError as error:
                code = 0 if "fork" in str(error) else 2
            finally:
                os._exit(code)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert not end.closed
