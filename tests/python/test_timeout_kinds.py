# SPDX-License-Identifier: Apache-2.0
"""What a timeout may be, for every method and end that takes one."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import shmcomm


def asked(at: Any) -> Any:
    """A requester with a request under way."""
    at.open("Replier")
    at.Requester.send(1)
    return at.Requester


# The ends of each case are opened by the names of their attributes.
METHODS: dict[str, Callable[[Any, Any], object]] = {
    "Subscriber.recv": lambda at, timeout: at.Subscriber.recv(timeout),
    "Subscriber.recv, named": lambda at, timeout: at.Subscriber.recv(timeout=timeout),
    "Subscriber.recv_many": lambda at, timeout: at.Subscriber.recv_many(1, timeout),
    "Subscriber.poll": lambda at, timeout: at.Subscriber.poll(timeout),
    "Subscriber.arecv": lambda at, timeout: at.Subscriber.arecv(timeout),
    "Publisher.send": lambda at, timeout: at.Publisher.send(1, timeout=timeout),
    "Pusher.send": lambda at, timeout: at.Pusher.send(1, timeout=timeout),
    "Puller.recv": lambda at, timeout: at.Puller.recv(timeout),
    "Puller.poll": lambda at, timeout: at.Puller.poll(timeout),
    "Puller.arecv": lambda at, timeout: at.Puller.arecv(timeout),
    "Requester.send": lambda at, timeout: at.Requester.send(1, timeout=timeout),
    "Requester.start": lambda at, timeout: at.Requester.start(1, timeout=timeout),
    "Requester.call": lambda at, timeout: at.Requester.call(1, timeout=timeout),
    "Requester.acall": lambda at, timeout: at.Requester.acall(1, timeout=timeout),
    "Requester.recv": lambda at, timeout: asked(at).recv(timeout),
    "Requester.arecv": lambda at, timeout: asked(at).arecv(timeout),
    "Requester.poll": lambda at, timeout: asked(at).poll(timeout),
    "Call.result": lambda at, timeout: (at.Replier, at.Requester.start(1))[1].result(timeout),
    "Replier.recv": lambda at, timeout: at.Replier.recv(timeout),
    "Replier.poll": lambda at, timeout: at.Replier.poll(timeout),
    "Replier.take": lambda at, timeout: at.Replier.take(timeout),
    "Replier.arecv": lambda at, timeout: at.Replier.arecv(timeout),
    "Replier.atake": lambda at, timeout: at.Replier.atake(timeout),
    "TreeSubscriber.recv": lambda at, timeout: at.TreeSubscriber.recv(timeout),
    "TreeSubscriber.poll": lambda at, timeout: at.TreeSubscriber.poll(timeout),
    "TreeSubscriber.arecv": lambda at, timeout: at.TreeSubscriber.arecv(timeout),
    "ImuSubscriber.recv_array": lambda at, timeout: at.ImuSubscriber.recv_array(1, timeout),
    "JobsPusher.push": lambda at, timeout: at.JobsPusher.push(id=1, timeout=timeout),
    "JobsPusher.push, a dict": lambda at, timeout: at.JobsPusher.push({"id": 1}, timeout=timeout),
    "JobsPuller.recv": lambda at, timeout: at.JobsPuller.recv(timeout),
    "JobsPuller.poll": lambda at, timeout: at.JobsPuller.poll(timeout),
    "JobsPuller.arecv": lambda at, timeout: at.JobsPuller.arecv(timeout),
    "DriveRequester.call": lambda at, timeout: at.DriveRequester.call(linear=1.0, timeout=timeout),
    "DriveRequester.start": lambda at, timeout: at.DriveRequester.start(linear=1.0, timeout=timeout),
    "DriveRequester.acall": lambda at, timeout: at.DriveRequester.acall(linear=1.0, timeout=timeout),
    "drive call.result": lambda at, timeout: (at.DriveReplier, at.DriveRequester.start(linear=1.0))[1].result(timeout),
    "DriveReplier.recv": lambda at, timeout: at.DriveReplier.recv(timeout),
    "DriveReplier.poll": lambda at, timeout: at.DriveReplier.poll(timeout),
    "DriveReplier.arecv": lambda at, timeout: at.DriveReplier.arecv(timeout),
    "a Publisher's own": lambda at, timeout: at.open("Publisher", timeout=timeout),
    "a Publisher's lifespan": lambda at, timeout: at.open("Publisher", lifespan=timeout),
    "a Pusher's own": lambda at, timeout: at.open("Pusher", timeout=timeout),
    "a Requester's own": lambda at, timeout: at.open("Requester", timeout=timeout),
    "a TreePublisher's own": lambda at, timeout: at.open("TreePublisher", timeout=timeout),
    "a JobsPusher's own": lambda at, timeout: at.open("JobsPusher", timeout=timeout),
}


class Ends(SimpleNamespace):
    """Opens an end of the class that an attribute names."""

    def open(self, name: str, **options: Any) -> Any:
        package = next(package for package in self.packages if hasattr(package, name))
        channel = [] if package is not shmcomm else [name[:2]]
        return self.stack.enter_context(getattr(package, name)(*channel, root=self.root, **options))

    def __getattr__(self, name: str) -> Any:
        opened = self.open(name)
        setattr(self, name, opened)
        return opened


@pytest.mark.parametrize("wrong", [True, False, 0.5, "1"], ids=repr)
@pytest.mark.parametrize("method", METHODS)
def test_a_timeout_is_an_int_or_a_timedelta(everything: Any, patterns: Any, root: Path, method: str, wrong: object) -> None:
    with ExitStack() as stack:
        ends = Ends(packages=[shmcomm, everything, patterns], stack=stack, root=root)

        async def awaited() -> None:
            waiting = METHODS[method](ends, wrong)
            if inspect.isawaitable(waiting):
                await waiting

        with pytest.raises(TypeError, match="milliseconds"):
            asyncio.run(awaited())
