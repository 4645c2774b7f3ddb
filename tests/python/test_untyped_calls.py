# SPDX-License-Identifier: Apache-2.0
"""Calls without a schema: any object there and back, in turns or several at once, and how they end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shmcomm
from shmcomm import Replier, Requester

LONG = 60_000
Ends = tuple[Requester, Replier]


@pytest.fixture
def ends(root: Path) -> Iterator[Ends]:
    with Requester("x", root=root) as client, Replier("x", root=root) as server:
        yield client, server


def exchange(ends: Ends, request: Any, reply: Any, **options: Any) -> tuple[Any, Any]:
    client, server = ends
    call = client.start(request, **options)
    got = server.recv(timeout=LONG)
    assert server.send(reply, **options)
    return got, call.result(timeout=LONG)


@pytest.mark.parametrize(
    "message", [None, {"a": [1, 2.5]}, b"", b"raw", b"raw" * 10_000, bytearray(b"abc"), "text", (1, {2}), 10**50]
)
def test_objects_travel_both_ways(ends: Ends, message: Any) -> None:
    assert exchange(ends, message, message) == (message, message)


def test_arrays_travel_both_ways(ends: Ends) -> None:
    import numpy as np

    for array in (np.arange(5), np.zeros((300, 200), "f4", order="F"), {"image": np.ones(5000), "name": "front"}):
        asked, answered = exchange(ends, array, array)
        if isinstance(array, dict):
            asked, answered, array = asked["image"], answered["image"], array["image"]
        assert np.array_equal(asked, array) and np.array_equal(answered, array)
        assert (asked.dtype, answered.dtype) == (array.dtype, array.dtype)
        assert not asked.flags.writeable and not answered.flags.writeable


def test_copies_may_be_changed(ends: Ends) -> None:
    import numpy as np

    client, server = ends
    array = np.arange(1000)
    client.send(array)
    got = server.recv(timeout=LONG, copy=True)
    got += 1
    server.send(got)
    back = client.recv(timeout=LONG, copy=True)
    back += 1
    assert np.array_equal(back, array + 2)
    call = client.start(b"raw" * 1000)
    assert type(server.take(timeout=LONG, copy=True).body) is bytes  # and is dropped
    with pytest.raises(shmcomm.SHMReplyError):
        call.result(timeout=LONG)


def test_msgpack_and_codecs_of_the_program(ends: Ends) -> None:
    from decimal import Decimal

    assert exchange(ends, [1, {"b": 2}], {"c": b"3"}, serializer="msgpack") == ([1, {"b": 2}], {"c": b"3"})
    shmcomm.register_codec("decimal", lambda d: str(d).encode(), lambda view: Decimal(str(view, "ascii")))
    assert exchange(ends, Decimal("0.1"), Decimal("0.2"), serializer="decimal") == (Decimal("0.1"), Decimal("0.2"))


def test_the_serializer_of_an_end_is_used(root: Path) -> None:
    with (
        Requester("x", serializer="msgpack", allow_pickle=False, root=root) as client,
        Replier("x", serializer="msgpack", allow_pickle=False, root=root) as server,
    ):
        assert exchange((client, server), {"a": 1}, {"b": 2}) == ({"a": 1}, {"b": 2})
        call = client.start({1, 2}, serializer="pickle")
        with pytest.raises(shmcomm.SHMSerializationError, match="allow_pickle=True"):
            server.recv(timeout=LONG)
        with pytest.raises(shmcomm.SHMReplyError, match="cannot read the request: .*allow_pickle=True"):
            call.result(timeout=LONG)
        call = client.start(1)
        server.recv(timeout=LONG)
        server.send({1, 2}, serializer="pickle")
        with pytest.raises(shmcomm.SHMSerializationError, match="allow_pickle=True"):
            call.result(timeout=LONG)
        assert exchange((client, server), 3, 4) == (3, 4)  # it goes on


def test_sends_and_receives_take_turns(ends: Ends) -> None:
    client, server = ends
    for number in range(50):
        client.send(number)
        assert server.recv(timeout=LONG) == number
        assert server.send(number + 1) is True
        assert client.recv(timeout=LONG) == number + 1
    assert client.stats == (50, 50, 0, 0, 0, 0)
    assert server.stats == (50, 50, 0, 0, 0)


@pytest.mark.parametrize("how", ["recv", "try_recv", "poll"])
def test_a_closed_requester_says_so_whether_it_sent_or_not(root: Path, how: str) -> None:
    for has_sent in (False, True):
        client = Requester("x", root=root)
        if has_sent:
            client.send(1)
        client.close()
        with pytest.raises(shmcomm.SHMConnectionError, match="x: this endpoint is closed"):
            getattr(client, how)()


def test_a_requester_out_of_turn_is_told_what_to_do(ends: Ends) -> None:
    client, server = ends
    for use in (client.recv, client.try_recv):
        with pytest.raises(shmcomm.SHMError, match=r"x: no reply is awaited; send\(\) a request first"):
            use()
    assert client.poll() is False
    client.send(1)
    with pytest.raises(shmcomm.SHMError, match=r"the reply to the request before was not received; recv\(\) it first"):
        client.send(2)
    server.recv(timeout=LONG)
    server.send("one")
    assert client.poll(timeout=LONG) is True
    assert client.try_recv("nothing") == "one"
    for _ in range(2):
        with pytest.raises(shmcomm.SHMError, match="no reply is awaited"):
            client.recv()
        client.send(3)
        assert server.recv(timeout=LONG) == 3  # the second was not sent
        server.send("three")
        assert client.recv(timeout=LONG) == "three"


def test_a_replier_out_of_turn_is_told_what_to_do(ends: Ends) -> None:
    client, server = ends
    for use in (lambda: server.send(1), lambda: server.fail("no"), lambda: server.metadata):
        with pytest.raises(shmcomm.SHMError, match=r"x: no request is in hand; recv\(\) one first"):
            use()
    call = client.start(1)
    assert server.recv(timeout=LONG) == 1
    for use in (server.recv, server.try_recv, lambda: next(server)):
        with pytest.raises(shmcomm.SHMError, match=r"the request before was not answered; send\(\) or fail\(\) it first"):
            use()
    assert server.send("one")
    with pytest.raises(shmcomm.SHMError, match="no request is in hand"):
        server.send("again")
    assert server.metadata == (0, server.metadata.publish_ns, 1, 0)
    assert call.result(timeout=LONG) == "one"


def test_a_reply_that_took_too_long_is_received_again_or_given_up(ends: Ends) -> None:
    client, server = ends
    client.send("slow")
    with pytest.raises(shmcomm.SHMTimeoutError, match="the call goes on"):
        client.recv(timeout=5)
    assert server.recv(timeout=LONG) == "slow"
    server.send("at last")
    assert client.recv(timeout=LONG) == "at last"

    client.send("lost")
    with pytest.raises(shmcomm.SHMTimeoutError):
        client.recv(timeout=5)
    assert server.recv(timeout=LONG) == "lost"
    client.send("next")
    assert server.send("too late") is False
    assert server.recv(timeout=LONG) == "next"
    with pytest.raises(shmcomm.SHMError, match="was not received"):
        client.send("out of turn again")
    server.send("in time")
    assert client.recv(timeout=LONG) == "in time"
    assert server.stats.late == 1


def test_a_request_that_is_given_up_makes_room_for_the_next(ends: Ends) -> None:
    client, server = ends
    client.send("given up")
    with pytest.raises(shmcomm.SHMTimeoutError):
        client.recv(timeout=0)
    others = [client.start(number) for number in range(15)]
    client.send("next")
    assert [server.take(timeout=LONG).body for _ in range(16)] == [*range(15), "next"]
    del others


def test_a_late_reply_is_dropped_and_counted(ends: Ends) -> None:
    client, server = ends
    call = client.start(1)
    request = server.take(timeout=LONG)
    call.cancel()
    with pytest.raises(shmcomm.SHMTimeoutError, match="no longer waits"):
        request.reply("late")
    assert request.answered
    assert exchange(ends, 2, 3) == (2, 3)
    assert server.stats.late + client.stats.late == 1


def test_several_calls_are_under_way_and_answered_in_any_order(ends: Ends) -> None:
    client, server = ends
    calls = [client.start(number) for number in range(6)]
    requests = [server.take(timeout=LONG) for _ in calls]
    assert not any(call.done() or call.poll(timeout=1) for call in calls)
    more = client.start("more")
    with pytest.raises(shmcomm.SHMBufferFullError, match="6 of 6 requests are open"):
        server.take(timeout=LONG)
    more.cancel()
    for request in reversed(requests):
        request.reply(None if request.body == 3 else request.body * 10)

    assert calls[5].poll(timeout=LONG) and calls[5].done() and not calls[5].over
    assert [call.result(timeout=LONG) for call in reversed(calls)] == [50, 40, None, 20, 10, 0]
    assert all(call.done() and call.over for call in calls)
    with pytest.raises(ValueError, match="this call is over"):
        calls[0].result()


def test_more_calls_than_may_be_under_way_are_refused(ends: Ends) -> None:
    client, _ = ends
    calls = [client.start(number) for number in range(16)]
    with pytest.raises(shmcomm.SHMBufferFullError, match="16 of 16 calls are unanswered"):
        client.start("more")
    assert client.stats[:1] == (16,) and client.stats.errors == 1
    del calls
    client.start("now").cancel()


def test_a_result_that_is_none_is_told_from_none(ends: Ends) -> None:
    client, server = ends
    call = client.start(1)
    assert call.try_result("nothing") == "nothing"
    server.recv(timeout=LONG)
    server.send(None)
    assert call.poll(timeout=LONG)
    assert call.try_result("nothing") is None


def test_several_repliers_share_the_requests(root: Path, ends: Ends) -> None:
    client, one = ends
    with Replier("x", root=root) as two:
        calls = [client.start(number) for number in range(8)]
        for _ in range(4):
            for server, name in ((one, "one"), (two, "two")):
                server.send((name, server.recv(timeout=LONG)))
        replies = [call.result(timeout=LONG) for call in calls]

    assert sorted(number for _, number in replies) == list(range(8))
    assert {name for name, _ in replies} == {"one", "two"}


def test_unread_replies_stay_borrowed_up_to_a_limit(ends: Ends) -> None:
    held = [exchange(ends, 1, b"x" * 5000)[1] for _ in range(6)]
    client, server = ends
    client.send(1)
    server.recv(timeout=LONG), server.send(b"y" * 5000)
    with pytest.raises(shmcomm.SHMBufferFullError):
        client.recv(timeout=LONG)
    held.clear()
    assert client.recv(timeout=LONG) == b"y" * 5000


def test_a_reply_outlives_its_ends(root: Path) -> None:
    with Requester("x", root=root) as client, Replier("x", root=root) as server:
        reply = exchange((client, server), 1, b"x" * 5000)[1]
    assert reply == b"x" * 5000


def test_what_cannot_be_sent_leaves_everything_as_it_was(root: Path) -> None:
    with Requester("x", max_size=2000, root=root) as client, Replier("x", max_size=1000, root=root) as server:
        for send in (client.send, client.start, client.call):
            with pytest.raises(shmcomm.SHMSerializationError, match="cannot pickle the function to send"):
                send(lambda: None)
            with pytest.raises(shmcomm.SHMMessageTooLargeError, match="open the requester with max_size=2001"):
                send(bytes(2001))
        assert client.stats == (0, 0, 0, 0, 0, 6)
        client.send(bytes(2000))
        assert len(server.recv(timeout=LONG)) == 2000
        with pytest.raises(shmcomm.SHMSerializationError, match="cannot pickle the function to send"):
            server.send(lambda: None)
        with pytest.raises(shmcomm.SHMMessageTooLargeError, match="open the replier with max_size=1001"):
            server.send(bytes(1001))
        assert server.send(bytes(1000))
        assert len(client.recv(timeout=LONG)) == 1000


def test_a_dropped_or_failed_request_is_an_error_to_its_caller(root: Path, ends: Ends) -> None:
    client, server = ends
    call = client.start(1)
    server.recv(timeout=LONG)
    assert server.fail("out of order: 100 %s") is True
    with pytest.raises(shmcomm.SHMReplyError, match=r"^\S+: the replier answered with an error: out of order: 100 %s\n  options: ") as failed:
        call.result(timeout=LONG)
    assert failed.value.code == "UNKNOWN"

    call = client.start(1)
    server.take(timeout=LONG)
    with pytest.raises(shmcomm.SHMReplyError) as dropped:
        call.result(timeout=LONG)
    assert dropped.value.code == "ABORTED"

    call = client.start(1)
    server.recv(timeout=LONG)
    server.close()
    with pytest.raises(shmcomm.SHMReplyError):
        call.result(timeout=LONG)


def test_a_request_is_answered_once_and_may_be_kept(ends: Ends) -> None:
    client, server = ends
    call = client.start([1])
    request = server.take(timeout=LONG)
    request.reply(2)
    for again in (lambda: request.reply(3), lambda: request.fail("no")):
        with pytest.raises(shmcomm.SHMError, match="answered already"):
            again()
    assert (request.body, request.answered, request.requester, request.attempt) == ([1], True, 1, 0)
    assert repr(request) == "<request 0 of 'x', answered>"
    assert call.result(timeout=LONG) == 2


def test_a_request_outlives_its_replier(ends: Ends) -> None:
    client, server = ends
    call = client.start(1)
    request = server.take(timeout=LONG)
    server.close()
    request.reply(2)
    assert call.result(timeout=LONG) == 2


def test_a_request_that_holds_itself_is_collected(ends: Ends) -> None:
    import gc

    client, server = ends
    call = client.start({})
    request = server.take(timeout=LONG)
    request.body["self"] = request
    del request
    gc.collect()
    with pytest.raises(shmcomm.SHMReplyError):
        call.result(timeout=LONG)


def test_misuse_is_told(root: Path, ends: Ends) -> None:
    client, server = ends
    for call in (lambda: client.call(1, timeout=0.5), lambda: client.start(1, timeout="1"), lambda: server.recv(timeout=0.5)):
        with pytest.raises(TypeError, match="timeout"):
            call()
    for call in (client.call, client.start, lambda: client.call(1, 2), lambda: client.start(1, wrong=2)):
        with pytest.raises(TypeError):
            call()
    for options in ({"max_size": 0}, {"serializer": "wrong"}, {"capacity": 0}, {"capacity": 40_000}):
        with pytest.raises(ValueError, match="max_size|serializer|capacity"):
            Requester("y", root=root, **options)
        with pytest.raises(ValueError, match="max_size|serializer|capacity"):
            Replier("y", root=root, **options)
    with pytest.raises(TypeError, match="named by a str"):
        Requester(5, root=root)  # type: ignore[arg-type]
    with pytest.raises(shmcomm.SHMTimeoutError, match="no request within 5 ms"):
        server.recv(timeout=5)


def test_a_channel_of_another_pattern_is_refused(root: Path, ends: Ends) -> None:
    for kind in (shmcomm.Subscriber, shmcomm.Publisher, shmcomm.Pusher, shmcomm.Puller):
        with pytest.raises(shmcomm.SHMSchemaMismatchError, match="pattern: reqrep"):
            kind("x", root=root)
    with shmcomm.Subscriber("y", root=root):
        for other in (Requester, Replier):
            with pytest.raises(shmcomm.SHMSchemaMismatchError, match="pattern: pubsub"):
                other("y", root=root)


@pytest.mark.parametrize("name", ["with/slash", "with space", "ünïcode ✓", "a" * 200, "..", "."])
def test_any_text_is_a_name(root: Path, name: str) -> None:
    with Requester(name, root=root) as client, Replier(name, root=root) as server:
        assert exchange((client, server), 1, 2) == (1, 2)
        assert (client.channel, server.channel) == (name, name)
