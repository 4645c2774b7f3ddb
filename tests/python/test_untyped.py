# SPDX-License-Identifier: Apache-2.0
"""Endpoints without a schema, in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

Ends = tuple[Any, Any]


@pytest.fixture
def ends(root: Path) -> Iterator[Ends]:
    from shmcomm import Publisher, Subscriber

    with Publisher("robot_commands", root=root) as pub, Subscriber("robot_commands", root=root) as sub:
        yield pub, sub


def messages(sub: Any) -> list[Any]:
    """All that are there."""
    end = object()
    return list(iter(lambda: sub.try_recv(end), end))


def test_any_object_arrives_as_it_was(ends: Ends) -> None:
    pub, sub = ends
    sent = [{"cmd": "move", "pos": [1.0, 2.0, 3.0]}, "text", 5, 2.5, None, True, (1, {"a": b"b"}), timedelta(1)]

    assert [pub.send(message) for message in sent] == [True] * len(sent)

    assert [sub.recv(timeout=1000) for _ in sent] == sent


def test_a_sent_none_can_be_told_from_nothing(ends: Ends) -> None:
    pub, sub = ends
    pub.send(None)

    assert sub.try_recv("nothing") is None
    assert sub.try_recv("nothing") == "nothing"
    assert sub.try_recv() is None


def test_metadata_of_the_last_message(ends: Ends) -> None:
    pub, sub = ends
    before = time.monotonic_ns()
    pub.send(1)
    pub.send(2)
    sub.recv(timeout=1000)
    sub.recv(timeout=1000)

    sequence, lost, publish_ns, publisher = sub.metadata
    assert (sequence, lost) == (1, 0)
    assert before <= publish_ns <= time.monotonic_ns()
    assert 1 <= publisher <= 255


@pytest.mark.parametrize("name", ["front/camera", "a b", "über/größe", "日本語", ".", "..", "%2F", "a" * 200, "x\ny"])
def test_names_are_any_text(root: Path, name: str) -> None:
    from shmcomm import Publisher, Subscriber

    with Publisher(name, root=root) as pub, Subscriber(name, root=root) as sub:
        pub.send(name)

        assert sub.recv(timeout=1000) == name == pub.channel == sub.channel


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("", ValueError, "name is empty"),
        ("a" * 201, ValueError, "has 201 B"),
        ("/" * 100, ValueError, "300 encoded"),
        ("a\0b", ValueError, "NUL"),
        (5, TypeError, "named by a str, not int"),
        (b"a", TypeError, "named by a str, not bytes"),
    ],
)
def test_bad_names_are_refused_with_the_reason(root: Path, name: Any, error: type[Exception], text: str) -> None:
    from shmcomm import Publisher, Subscriber

    for kind in (Publisher, Subscriber):
        with pytest.raises(error, match=text):
            kind(name, root=root)


@pytest.mark.parametrize("timeout", [0.1, "5", [], 1.0])
def test_a_timeout_of_another_type_names_both_spellings(ends: Ends, root: Path, timeout: Any) -> None:
    from shmcomm import Publisher

    pub, sub = ends
    calls: list[Callable[[], Any]] = [
        lambda: sub.recv(timeout=timeout),
        lambda: sub.poll(timeout=timeout),
        lambda: sub.recv_many(5, timeout=timeout),
        lambda: pub.send(1, timeout=timeout),
        lambda: Publisher("other", timeout=timeout, root=root),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"timeout=100.*timedelta\(seconds=0.1\)"):
            call()


def test_negative_timeouts_are_refused(ends: Ends) -> None:
    pub, sub = ends
    calls: list[Callable[[], Any]] = [
        lambda: sub.recv(-1), lambda: sub.poll(timedelta(seconds=-1)), lambda: pub.send(1, timeout=-1)
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(ValueError, match="must not be negative"):
            call()


def test_recv_raises_a_timeout_that_is_also_pythons(ends: Ends) -> None:
    import shmcomm

    _, sub = ends
    for timeout in (0, 5, timedelta(milliseconds=5)):
        with pytest.raises(shmcomm.SHMTimeoutError, match="robot_commands: no message within") as caught:
            sub.recv(timeout=timeout)
        assert isinstance(caught.value, TimeoutError)


def test_wrong_arguments_are_type_errors(ends: Ends) -> None:
    pub, sub = ends
    calls: list[Callable[[], Any]] = [
        lambda: pub.send(), lambda: pub.send(1, 2), lambda: pub.send(1, message=1), lambda: pub.send(1, size=2),
        lambda: sub.recv(1, 2), lambda: sub.recv(tiemout=1), lambda: sub.recv(1, timeout=1), lambda: sub.try_recv(1, 2),
        lambda: sub.recv_many("a"),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(TypeError):
            call()
    for bad in (0, -5):
        with pytest.raises(ValueError, match="at least 1"):
            sub.recv_many(bad)
    with pytest.raises(AttributeError):
        sub.send(1)


def test_recv_many_takes_what_is_there(ends: Ends) -> None:
    import shmcomm

    pub, sub = ends
    for n in range(10):
        pub.send(n)

    assert sub.recv_many(4) == [0, 1, 2, 3]
    assert sub.recv_many(timeout=0) == [4, 5, 6, 7, 8, 9]
    with pytest.raises(shmcomm.SHMTimeoutError):
        sub.recv_many(timeout=1)


def test_recv_many_borrows_nothing(ends: Ends) -> None:
    pub, sub = ends
    for n in range(15):
        pub.send(bytes([n]) * 5000)

    taken = sub.recv_many()

    assert [view[0] for view in taken] == list(range(15))


def test_recv_many_raises_errors_after_the_messages_beside_them(ends: Ends) -> None:
    import shmcomm

    pub, sub = ends
    shmcomm.register_codec("test/unpackable", lambda _: b"x", lambda _: 1 / 0)
    for message in (1, 2, None, 3, None, 4):
        pub.send(message, serializer="test/unpackable" if message is None else None)

    assert sub.recv_many() == [1, 2, 3, 4]
    for _ in range(2):
        with pytest.raises(shmcomm.SHMSerializationError, match="division by zero"):
            sub.recv_many()
    pub.send(5)
    assert sub.recv_many() == [5]


def test_recv_many_ends_where_a_message_closes_the_subscriber(ends: Ends) -> None:
    import shmcomm

    pub, sub = ends
    shmcomm.register_codec("test/closing", lambda _: b"x", lambda _: sub.close())
    for message in (1, None, 2):
        pub.send(message, serializer="test/closing" if message is None else None)

    assert sub.recv_many() == [1, None]
    assert sub.closed


def test_latest_passes_over_older_messages(ends: Ends) -> None:
    pub, sub = ends

    assert sub.latest() is None
    for n in range(5):
        pub.send(n)
    assert sub.latest() == 4
    assert sub.latest("nothing") == "nothing"
    assert sub.stats.lost == 0


def test_poll_tells_whether_recv_would_return(ends: Ends) -> None:
    pub, sub = ends

    assert sub.poll() is False
    assert sub.poll(timeout=3) is False
    pub.send(0)
    assert sub.poll() is True
    assert sub.poll(timeout=None) is True


def test_iteration_gives_messages_until_closed(ends: Ends) -> None:
    pub, sub = ends
    for n in range(4):
        pub.send(n)

    seen = []
    for n in sub:
        seen.append(n)
        if n == 3:
            sub.close()

    assert seen == [0, 1, 2, 3]


def test_the_default_channel_loses_the_oldest_and_never_waits(ends: Ends) -> None:
    pub, sub = ends
    for n in range(1000):
        assert pub.send(n, timeout=None) is True

    taken = messages(sub)

    assert taken == list(range(1000 - len(taken), 1000))
    assert len(taken) >= 15
    assert sub.stats.lost == 1000 - len(taken)


def test_a_full_reliable_ring_answers_false(root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    with (
        Publisher("sure", reliable=True, capacity=4, root=root) as pub,
        Subscriber("sure", root=root) as sub,
    ):
        assert [pub.send(n) for n in range(6)] == [True] * 4 + [False] * 2
        assert pub.send(6, timeout=1) is False
        assert pub.stats.errors == 3
        assert messages(sub) == [0, 1, 2, 3]
        assert pub.send(7) is True
        assert sub.stats.lost == 0


def test_history_is_given_to_late_subscribers(root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    with Publisher("state", history=2, root=root) as pub:
        for n in range(5):
            pub.send(n)
        with Subscriber("state", root=root) as sub:
            assert messages(sub) == [3, 4]


def test_old_messages_are_skipped(root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    with (
        Publisher("fresh", lifespan=timedelta(microseconds=1), root=root) as pub,
        Subscriber("fresh", root=root) as sub,
    ):
        pub.send(1)
        sent = time.monotonic_ns()
        while time.monotonic_ns() - sent < 2000:
            pass

        assert sub.try_recv("nothing") == "nothing"
        assert sub.stats.expired == 1


@pytest.mark.parametrize("options", [{"reliable": True}, {"capacity": 128}, {"history": 1}, {"lifespan": 100}])
def test_options_that_differ_are_named(root: Path, options: dict[str, Any]) -> None:
    import shmcomm

    given = {"reliable": False, "capacity": 16, "history": 0, "lifespan": 0}
    with shmcomm.Publisher("x", root=root, **given):
        with pytest.raises(shmcomm.SHMSchemaMismatchError, match="fix: give both ends the same options"):
            shmcomm.Subscriber("x", root=root, **options)


def test_a_subscriber_may_join_a_reliable_channel_without_holding_it_up(root: Path) -> None:
    import shmcomm

    with shmcomm.Publisher("x", reliable=True, capacity=4, root=root) as pub:
        with shmcomm.Subscriber("x", reliable=False, root=root) as loose, shmcomm.Subscriber("x", root=root) as sure:
            for number in range(100):
                assert pub.send(number)
                assert sure.recv(timeout=60_000) == number

            assert loose.recv(timeout=60_000) > 0
            assert loose.metadata.lost > 0
            assert sure.stats.lost == 0


def test_a_subscriber_that_holds_nobody_up_still_names_other_options_that_differ(root: Path) -> None:
    import shmcomm

    with shmcomm.Publisher("x", reliable=True, capacity=4, root=root):
        with pytest.raises(shmcomm.SHMSchemaMismatchError, match="option capacity: 4 -> 8") as refused:
            shmcomm.Subscriber("x", reliable=False, capacity=8, root=root)
        assert "reliability" not in str(refused.value)


def test_a_publisher_that_is_not_reliable_cannot_join_a_reliable_channel(root: Path) -> None:
    import shmcomm

    with shmcomm.Subscriber("x", reliable=True, root=root):
        with pytest.raises(shmcomm.SHMSchemaMismatchError, match="option reliability: reliable -> best_effort"):
            shmcomm.Publisher("x", reliable=False, root=root)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"capacity": 0}, ValueError), ({"capacity": 40000}, ValueError), ({"capacity": -1}, ValueError),
        ({"capacity": 2**70}, ValueError), ({"capacity": 1.5}, TypeError), ({"history": -1}, ValueError),
        ({"lifespan": 0.5}, TypeError), ({"max_size": 0}, ValueError), ({"max_size": 2**31}, ValueError),
        ({"serializer": "xml"}, ValueError), ({"serializer": 5}, ValueError), ({"timeout": -1}, ValueError),
    ],
)  # fmt: skip
def test_options_out_of_range_are_refused(root: Path, options: dict[str, Any], error: type[Exception]) -> None:
    from shmcomm import Publisher

    with pytest.raises(error):
        Publisher("x", root=root, **options)


def test_a_channel_may_be_left_and_joined_in_any_order(root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    sub = Subscriber("x", root=root)
    for round_ in range(3):
        with Publisher("x", root=root) as pub:
            pub.send(round_)
            assert sub.recv(timeout=1000) == round_
    with Publisher("x", root=root) as pub:
        for round_ in range(3):
            sub.close()
            sub = Subscriber("x", root=root)
            pub.send(round_)
            assert sub.recv(timeout=1000) == round_
        sub.close()
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_many_publishers_and_subscribers(root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    pubs = [Publisher("x", root=root) for _ in range(12)]
    subs = [Subscriber("x", root=root) for _ in range(12)]
    for number, pub in enumerate(pubs):
        pub.send(number)

    assert [messages(sub) for sub in subs] == [list(range(12))] * 12
    for end in pubs + subs:
        end.close()


def test_statistics_count(ends: Ends) -> None:
    import shmcomm

    pub, sub = ends
    for _ in range(3):
        pub.send(b"abc")
    sub.recv(timeout=1000)
    with pytest.raises(shmcomm.SHMSerializationError):
        pub.send(lambda: 0)
    pub.close()

    assert pub.stats == shmcomm.PublisherStats(sent=3, bytes=9, errors=1, deadlines_missed=0)
    assert (sub.stats.received, sub.stats.bytes, sub.stats.lost) == (1, 3, 0)


def test_a_message_beyond_max_size_names_size_and_fix(root: Path) -> None:
    import shmcomm

    with shmcomm.Publisher("x", max_size=1000, root=root) as pub, shmcomm.Subscriber("x", root=root) as sub:
        with pytest.raises(shmcomm.SHMMessageTooLargeError, match="message is 1,001 B, max_size is 1,000 B; .*max_size=1001"):
            pub.send(bytes(1001))
        assert pub.send(bytes(1000)) is True

        assert len(sub.recv(timeout=1000)) == 1000


def test_large_messages_arrive_whole(root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    with Publisher("x", root=root) as pub, Subscriber("x", root=root) as sub:
        for size in (0, 1, 1024, 1025, 4095, 1 << 20, 10_000_000, 16 << 20):
            data = (b"%d " % size * size)[:size]
            pub.send(data)
            assert sub.recv(timeout=1000) == data
    with Publisher("y", max_size=1 << 30, root=root) as pub, Subscriber("y", root=root) as sub:
        big = bytes(33 << 20)
        pub.send(big)
        assert sub.recv(timeout=1000) == big


def test_too_many_borrowed_messages_are_refused_and_recover(ends: Ends) -> None:
    import shmcomm

    pub, sub = ends
    for n in range(8):
        pub.send(bytes([n]) * 2000)
    held = [sub.recv(timeout=1000) for _ in range(6)]
    with pytest.raises(shmcomm.SHMBufferFullError, match="you hold 6 of 6 borrowed messages.*copy what you keep"):
        sub.recv(timeout=1000)
    held.pop()

    assert sub.recv(timeout=1000)[0] == 6


def test_small_and_copied_messages_are_never_borrowed(ends: Ends) -> None:
    pub, sub = ends
    held = []
    for n in range(20):
        pub.send(bytes([n]) * 1000)
        pub.send(bytes([n]) * 2000)
        held.append((sub.recv(timeout=1000), sub.recv(timeout=1000, copy=True)))

    assert [(small[0], large[0]) for small, large in held] == [(n, n) for n in range(20)]
    assert all(isinstance(small, memoryview) and isinstance(large, bytes) for small, large in held)


def test_a_closed_endpoint_refuses_to_work(root: Path) -> None:
    import shmcomm

    pub, sub = shmcomm.Publisher("x", root=root), shmcomm.Subscriber("x", root=root)
    for end in (pub, sub, pub, sub):
        end.close()

    calls: list[Callable[[], Any]] = [
        lambda: pub.send(1), lambda: pub.loan(3).__enter__(), sub.recv, sub.try_recv, sub.latest, sub.poll, sub.recv_many
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(shmcomm.SHMConnectionError, match="x: this endpoint is closed"):
            call()
    assert "closed" in repr(pub) and "closed" in repr(sub)
    assert pub.closed and sub.closed
    assert list(sub) == []


@pytest.mark.filterwarnings("error")
def test_an_endpoint_that_could_not_be_opened_refuses_to_work() -> None:
    import shmcomm

    for kind, call, others in ((shmcomm.Publisher, "send", "recv"), (shmcomm.Subscriber, "try_recv", "send")):
        end = kind.__new__(kind)
        with pytest.raises(shmcomm.SHMConnectionError):
            getattr(end, call)(*([1] if call == "send" else []))
        with pytest.raises(AttributeError, match=f"has no attribute '{others}': a {kind.__name__.lower()} has"):
            getattr(end, others)
        assert "never opened" in repr(end)
