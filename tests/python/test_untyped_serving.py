# SPDX-License-Identifier: Apache-2.0
"""Serving without a schema: what a handler returns, raises, and cannot know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shmcomm
from programs import in_thread
from shmcomm import Replier, Requester

LONG = 60_000
Ends = tuple[Requester, Replier]


@pytest.fixture
def ends(root: Path) -> Iterator[Ends]:
    with Requester("x", root=root) as client, Replier("x", root=root) as server:
        yield client, server


def test_serving_answers_and_tells_what_went_wrong(root: Path, ends: Ends) -> None:
    client, server = ends

    def handle(request: Any) -> Any:
        if request == "raise":
            raise ValueError("too fast")
        return (lambda: None) if request == "unsendable" else None if request is None else [request]

    thread, outcome = in_thread(lambda: server.serve(handle))
    assert client.call(7, timeout=LONG) == [7]
    assert client.call(None, timeout=LONG) is None
    with pytest.raises(shmcomm.SHMReplyError, match=r"^\S+: the replier answered with an error: ValueError: too fast\n  options: "):
        client.call("raise", timeout=LONG)
    with pytest.raises(shmcomm.SHMReplyError, match="^x: the replier answered with an error: SHMSerializationError: x: cannot pickle the function"):
        client.call("unsendable", timeout=LONG)
    with Requester("x", root=root) as other:
        assert other.call("other", timeout=LONG) == ["other"]
    server.stop()
    thread.join()
    assert outcome == [handle] and not server.closed


def test_serving_goes_on_after_what_it_cannot_read_or_deliver(root: Path) -> None:
    def handle(request: Any) -> Any:
        if request == "given up":
            call.cancel()
        else:
            server.stop()
        return request

    with (
        Requester("x", serializer="msgpack", root=root) as client,
        Replier("x", serializer="msgpack", allow_pickle=False, root=root) as server,
    ):
        unreadable = client.start({1}, serializer="pickle")
        call = client.start("given up")
        last = client.start("last")
        server.serve(handle)
        with pytest.raises(shmcomm.SHMReplyError, match="allow_pickle=True"):
            unreadable.result(timeout=LONG)
        assert last.result(timeout=LONG) == "last"
        assert server.stats[:3] == (3, 2, 1)
