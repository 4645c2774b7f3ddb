# SPDX-License-Identifier: Apache-2.0
"""Publishers and subscribers of one process."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def tree_ends(everything: Any, root: Path) -> Any:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        yield pub, sub


def test_a_message_arrives_with_its_metadata(tree_ends: Any, everything: Any) -> None:
    import shmcomm

    pub, sub = tree_ends
    before = time.monotonic_ns()

    assert pub.send(id=7, name="n", data=b"abc") is True
    tree = sub.recv(timeout=1000)

    assert isinstance(tree, everything.Tree)
    assert (tree.id, tree.name, bytes(tree.data)) == (7, "n", b"abc")
    assert (tree.sequence, tree.lost) == (0, 0)
    assert 1 <= tree.publisher <= 255
    assert before <= tree.publish_ns <= time.monotonic_ns()
    assert shmcomm.metadata(tree) == (tree.sequence, tree.lost, tree.publish_ns, tree.publisher)


def test_fields_win_over_metadata_of_the_same_name(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.ClashPublisher(root=root) as pub, everything.ClashSubscriber(root=root) as sub:
        pub.send(sequence=-5, lost="no", publisher=77, publish_ns=3)
        message = sub.recv(timeout=1000)

        assert (message.sequence, message.lost, message.publisher, message.publish_ns) == (-5, "no", 77, 3)
        assert shmcomm.metadata(message).sequence == 0
        assert shmcomm.metadata(message).publisher != 77


def test_messages_are_sent_as_instances_dicts_and_keywords(tree_ends: Any, everything: Any) -> None:
    pub, sub = tree_ends
    value = everything.Tree(id=1, data=b"abc", leaf={"id": 2}, child={"data": b"in", "id": 9})

    pub.send(value)
    pub.send({"id": 1, "data": b"abc", "leaf": {"id": 2}, "child": {"data": b"in", "id": 9}})
    pub.send(**value.to_dict())
    pub.send(value.child)

    assert [sub.recv(timeout=1000).to_dict() for _ in range(3)] == [value.to_dict()] * 3
    assert sub.recv(timeout=1000).to_dict() == value.child.to_dict()


def test_received_messages_are_sent_on(tree_ends: Any) -> None:
    pub, sub = tree_ends
    pub.send(id=5, data=b"abc", names=["a"])

    pub.send(sub.recv(timeout=1000))

    assert sub.recv(timeout=1000).names == ["a"]


def test_structs_are_plain_bytes(everything: Any, root: Path) -> None:
    with everything.ImuPublisher(root=root) as pub, everything.ImuSubscriber(root=root) as sub:
        pub.send(stamp_ns=5, accel=(1, 2, 3), cov=range(9))
        pub.send(everything.Imu(stamp_ns=6))

        imu = sub.recv(timeout=1000)
        assert (imu.stamp_ns, imu.accel.z, imu.cov.sum()) == (5, 3.0, 36.0)
        assert bytes(memoryview(imu))[:8] == (5).to_bytes(8, "little")
        assert sub.recv(timeout=1000).stamp_ns == 6


def test_try_recv_returns_none_when_empty(tree_ends: Any) -> None:
    pub, sub = tree_ends

    assert sub.try_recv() is None
    pub.send(data=b"")
    assert sub.try_recv() is not None
    assert sub.try_recv() is None


def test_recv_raises_a_timeout_that_is_also_pythons(tree_ends: Any) -> None:
    import shmcomm

    _, sub = tree_ends
    for timeout in (0, 5, timedelta(milliseconds=5)):
        with pytest.raises(shmcomm.SHMTimeoutError, match="everything/tree: no message within") as caught:
            sub.recv(timeout=timeout)
        assert isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize("timeout", [0.1, "5", [], 1.0])
def test_a_timeout_of_another_type_names_both_spellings(tree_ends: Any, timeout: Any) -> None:
    _, sub = tree_ends

    with pytest.raises(TypeError, match=r"timeout=100.*timedelta\(seconds=0.1\)"):
        sub.recv(timeout=timeout)


def test_a_negative_timeout_is_refused(tree_ends: Any) -> None:
    _, sub = tree_ends

    for timeout in (-1, timedelta(seconds=-1)):
        with pytest.raises(ValueError, match="must not be negative"):
            sub.recv(timeout=timeout)


def test_recv_takes_one_argument(tree_ends: Any) -> None:
    _, sub = tree_ends

    with pytest.raises(TypeError):
        sub.recv(1, 2)
    with pytest.raises(TypeError):
        sub.recv(tiemout=1)
    with pytest.raises(TypeError):
        sub.recv(1, timeout=1)


def test_poll_tells_whether_recv_would_return(tree_ends: Any) -> None:
    pub, sub = tree_ends

    assert sub.poll() is False
    assert sub.poll(timeout=3) is False
    pub.send(data=b"")
    assert sub.poll() is True
    assert sub.poll(timeout=None) is True
    assert sub.recv(timeout=0).sequence == 0


def test_iteration_gives_messages_until_closed(tree_ends: Any) -> None:
    pub, sub = tree_ends
    for i in range(4):
        pub.send(id=i, data=b"")

    seen = []
    for tree in sub:
        seen.append(tree.id)
        if tree.id == 3:
            sub.close()

    assert seen == [0, 1, 2, 3]


def test_endpoints_can_be_renamed(everything: Any, root: Path) -> None:
    with everything.TreePublisher("a/b", root=root) as pub, everything.TreeSubscriber("a/b", root=root, domain="") as sub:
        with everything.TreeSubscriber(root=root) as other:
            pub.send(data=b"")

            assert (pub.channel, sub.channel, other.channel) == ("a/b", "a/b", "everything/tree")
            assert sub.try_recv() is not None
            assert other.try_recv() is None


def test_domains_are_apart(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root, domain="one") as pub, everything.TreeSubscriber(root=root, domain="two") as sub:
        pub.send(data=b"")

        assert sub.try_recv() is None


def test_statistics_count(tree_ends: Any) -> None:
    import shmcomm

    pub, sub = tree_ends
    for _ in range(3):
        pub.send(data=b"abc")
    sub.recv(timeout=1000)
    pub.close()

    assert isinstance(pub.stats, shmcomm.PublisherStats)
    assert (pub.stats.sent, pub.stats.errors) == (3, 0)
    assert (sub.stats.received, sub.stats.lost, sub.stats.incompatible, sub.stats.corrupt) == (1, 0, 0, 0)
    assert sub.stats.bytes * 3 == pub.stats.bytes


def test_latest_passes_over_older_messages(tree_ends: Any) -> None:
    pub, sub = tree_ends

    assert sub.latest() is None
    for i in range(5):
        pub.send(id=i, data=b"")
    assert sub.latest().id == 4
    assert sub.latest() is None


def test_a_full_reliable_channel_refuses_after_the_timeout(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.SurePublisher(root=root, timeout=1) as pub, everything.SureSubscriber(root=root) as sub:
        for i in range(4):
            pub.send(id=i)
        with pytest.raises(shmcomm.SHMBufferFullError):
            pub.send(id=4)

        assert [sub.recv(timeout=1000).id for _ in range(4)] == [0, 1, 2, 3]
        assert sub.stats.lost == 0


def test_lost_messages_are_told(everything: Any, root: Path) -> None:
    with everything.NarrowPublisher(root=root) as pub, everything.NarrowSubscriber(root=root) as sub:
        for i in range(100):
            pub.send(id=i)

        first = sub.recv(timeout=1000)

        assert first.lost == first.id > 0
        assert sub.stats.lost == first.lost


def test_a_message_beyond_max_size_names_size_and_fix(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.NarrowPublisher(root=root) as pub, everything.NarrowSubscriber(root=root) as sub:
        with pytest.raises(shmcomm.SHMMessageTooLargeError, match=r"max_size is 1,024 B; set max_size: .*everything.channel"):
            pub.send(name="x" * 2000)
        pub.send(id=2)

        assert sub.recv(timeout=1000).id == 2
        assert pub.stats.errors == 1


def test_a_refused_value_loses_nothing_else(tree_ends: Any) -> None:
    import shmcomm

    pub, sub = tree_ends
    for _ in range(10):
        with pytest.raises(shmcomm.SHMSerializationError):
            pub.send(data=b"", id="x")
        with pytest.raises(shmcomm.SHMSerializationError):
            pub.send(data=b"", leaves=[{"name": "n"}, {"scores": ["x"]}])
    pub.send(data=b"ok")

    assert bytes(sub.recv(timeout=1000).data) == b"ok"
    assert sub.try_recv() is None


def test_too_many_borrowed_messages_are_refused_and_recover(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.NarrowPublisher(root=root) as pub, everything.NarrowSubscriber(root=root) as sub:
        for i in range(3):
            pub.send(id=i)
        held = [sub.recv(timeout=1000), sub.recv(timeout=1000)]
        with pytest.raises(shmcomm.SHMBufferFullError, match="you hold 2 of 2 borrowed"):
            sub.recv(timeout=1000)
        held.pop()

        assert sub.recv(timeout=1000).id == 2


def test_large_messages_arrive_whole(tree_ends: Any) -> None:
    pub, sub = tree_ends
    for size in (0, 1, 4095, 1 << 20, 10_000_000):
        data = os.urandom(size)
        pub.send(data=data)

        assert bytes(sub.recv(timeout=1000).data) == data


def test_a_closed_endpoint_refuses_to_work(everything: Any, root: Path) -> None:
    import shmcomm

    pub, sub = everything.TreePublisher(root=root), everything.TreeSubscriber(root=root)
    pub.close()
    sub.close()
    pub.close()
    sub.close()

    for call in (lambda: pub.send(data=b""), sub.recv, sub.try_recv, sub.poll):
        with pytest.raises(shmcomm.SHMConnectionError, match="closed"):
            call()
    assert "closed" in repr(pub) and "closed" in repr(sub)
    assert list(sub) == []


def test_closing_the_last_endpoint_leaves_nothing(everything: Any, root: Path) -> None:
    pub, sub = everything.TreePublisher(root=root), everything.TreeSubscriber(root=root)
    pub.send(data=b"")
    sub.recv(timeout=1000)
    pub.close()
    sub.close()

    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_another_schema_on_the_channel_is_a_mismatch(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.TreePublisher("shared", root=root):
        with pytest.raises(shmcomm.SHMSchemaMismatchError, match="disagree"):
            everything.ImuSubscriber("shared", root=root)


def test_options_out_of_range_are_value_errors(everything: Any, root: Path) -> None:
    with pytest.raises(ValueError):
        everything.TreePublisher("x" * 300, root=root)
    with pytest.raises(ValueError):
        everything.TreePublisher(root=root, max_size=1 << 40)
    with pytest.raises(TypeError):
        everything.TreePublisher(rooot=root)


def test_a_root_that_cannot_be_used_is_a_connection_error(everything: Any, root: Path) -> None:
    import shmcomm

    (root / "file").write_text("")
    with pytest.raises(shmcomm.SHMConnectionError):
        everything.TreePublisher(root=root / "file")


def test_a_sample_cannot_be_made_by_hand(tree_ends: Any) -> None:
    pub, sub = tree_ends
    pub.send(data=b"")

    with pytest.raises(TypeError, match="comes from a subscriber"):
        type(sub.recv(timeout=1000))(data=b"")


def test_a_publisher_of_another_message_is_refused(tree_ends: Any, everything: Any) -> None:
    import shmcomm

    pub, _ = tree_ends
    with pytest.raises(shmcomm.SHMSerializationError, match=r"expected everything\.Tree, got everything\.Leaf"):
        pub.send(everything.Leaf())
    with pytest.raises(shmcomm.SHMSerializationError):
        pub.send(5)
    with pytest.raises(TypeError):
        pub.send({}, data=b"")


def test_an_endpoint_that_was_never_opened_refuses_to_work(everything: Any) -> None:
    import shmcomm

    pub = everything.TreePublisher.__new__(everything.TreePublisher)
    sub = everything.TreeSubscriber.__new__(everything.TreeSubscriber)

    for call in (lambda: pub.send(data=b""), sub.recv, sub.try_recv, sub.poll):
        with pytest.raises(shmcomm.SHMConnectionError):
            call()
    assert "never opened" in repr(pub) and "never opened" in repr(sub)
