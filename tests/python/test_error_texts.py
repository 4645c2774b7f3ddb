# SPDX-License-Identifier: Apache-2.0
"""What errors say, word for word: how long was waited, which program holds things up, what to change."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from programs import end, environment, hear

LATER = r"after (?P<ms>\d+ms|[\d.]+s)"


def waited_ms(text: str, pattern: str) -> float:
    """How long was waited, from a text that is as the pattern says."""
    found = re.fullmatch(pattern, text)
    assert found, text
    after = found["ms"]
    return float(after[:-2]) if after.endswith("ms") else float(after[:-1]) * 1000


def refusal(send: Callable[[], object]) -> str:
    import shmcomm

    with pytest.raises(shmcomm.SHMBufferFullError) as refused:
        send()
    return str(refused.value)


def test_a_send_that_waited_says_how_long(everything: Any, root: Path) -> None:
    with everything.SurePublisher(root=root, timeout=120) as pub, everything.SureSubscriber(root=root):
        for _ in range(4):
            pub.send(id=1)

        for _ in range(2):  # each counts its own wait
            text = refusal(lambda: pub.send(id=2))
            pattern = (
                rf"everything/sure: ring full, 4 of 4 unread {LATER}; slowest subscriber pid {os.getpid()} \(\S+\) is 4 behind\n"
                r"  options: a faster subscriber, a larger capacity, reliability: best_effort, or on_full: fail"
            )
            assert waited_ms(text, pattern) >= 120


def test_a_send_after_one_that_waited_and_was_sent_does_not_say_its_wait(everything: Any, root: Path) -> None:
    with everything.SurePublisher(root=root, timeout=0) as pub, everything.SureSubscriber(root=root) as sub:
        for _ in range(4):
            pub.send(id=1)
        assert "4 of 4 unread; slowest" in refusal(lambda: pub.send(id=2))
        sub.recv()
        pub.send(id=3)
        assert "4 of 4 unread; slowest" in refusal(lambda: pub.send(id=2))


def test_a_push_that_waited_says_how_long(patterns: Any, root: Path) -> None:
    with patterns.JobsPusher(root=root, timeout=120) as pusher:
        for _ in range(16):
            pusher.push(id=1)

        def lend() -> None:
            with pusher.loan(id=2):
                pass

        pattern = (
            rf"patterns/jobs: ring full, 16 of 16 not free {LATER}: the oldest job is not over; "
            rf"pusher pid {os.getpid()} \(\S+\) sent it, no puller has taken it\n"
            r"  options: more pullers, a larger capacity, or on_full: fail"
        )
        assert waited_ms(refusal(lambda: pusher.push(id=2)), pattern) >= 120
        assert waited_ms(refusal(lend), pattern) >= 120
        assert waited_ms(refusal(lambda: pusher.push(id=2, timeout=1)), pattern) >= 1
        assert "16 of 16 not free: the oldest job" in refusal(lambda: pusher.push(id=2, timeout=0))


def test_a_call_without_room_says_whose_request_holds_the_ring_and_who_has_it(patterns: Any, root: Path) -> None:
    with patterns.DriveReplier(root=root) as server, patterns.DriveRequester(root=root) as client:
        kept = client.start(linear=1, timeout=60_000)
        oldest = server.recv()
        for _ in range(15):
            call = client.start(linear=2, timeout=60_000)
            server.recv().reply(ok=True)
            call.result()

        text = refusal(lambda: client.start(linear=3, timeout=120))
        oldest.reply(ok=True)
        kept.result()
        client.start(linear=3, timeout=60_000).cancel()

    me = rf"pid {os.getpid()} \(\S+\)"
    pattern = (
        rf"patterns/drive: ring full, 16 of 16 not free {LATER}: the oldest request is not over; "
        rf"requester {me} sent it, replier {me} has it\n"
        r"  options: end that request \(or that replier\), a larger capacity, or on_full: fail"
    )
    assert waited_ms(text, pattern) >= 120


def test_ends_without_a_schema_name_neither_place_nor_type_where_they_disagree(root: Path) -> None:
    import shmcomm

    with shmcomm.Publisher("x", capacity=16, root=root):
        with pytest.raises(shmcomm.SHMSchemaMismatchError) as refused:
            shmcomm.Subscriber("x", capacity=32, root=root)

    lines = str(refused.value).splitlines()
    assert re.fullmatch(rf"  channel    pid {os.getpid()} \S+", lines[1])
    assert re.fullmatch(rf"  you        pid {os.getpid()} \S+", lines[2])
    assert lines[3] == "  option capacity: 16 -> 32"


def test_ends_with_a_schema_name_both(everything: Any, root: Path) -> None:
    import shmcomm

    with shmcomm.Publisher("everything/tree", root=root):
        with pytest.raises(shmcomm.SHMSchemaMismatchError) as refused:
            everything.TreeSubscriber(root=root)

    assert re.search(r"^  you        pid \d+ \S+   everything\.channel:\d+ @ [0-9a-f]{16}$", str(refused.value), re.MULTILINE)


def test_a_message_without_a_schema_beyond_max_size_is_told_in_readable_numbers(root: Path) -> None:
    import shmcomm

    with shmcomm.Publisher("x", max_size=1 << 20, root=root) as pub:
        with pytest.raises(shmcomm.SHMMessageTooLargeError) as refused:
            pub.send(bytes(1234567))

    assert str(refused.value) == (
        "x: message is 1,234,567 B, max_size is 1,048,576 B; open the publisher with max_size=1234567"
    )


LARGEST = (1 << 31) - 64


@pytest.mark.parametrize("kind", ["Publisher", "Pusher", "Requester", "Replier"])
def test_what_no_message_can_hold_is_not_answered_with_a_max_size(root: Path, kind: str) -> None:
    import numpy as np
    import shmcomm

    pair = {"Requester": shmcomm.Replier, "Replier": shmcomm.Requester}
    with getattr(shmcomm, kind)("x", root=root) as sender, pair.get(kind, shmcomm.Publisher)("x" if kind in pair else "y", root=root) as other:
        if kind == "Replier":
            other.send("ask")
            sender.recv(timeout=60_000)
        tries = [lambda: sender.send(np.broadcast_to(np.uint8(0), LARGEST))]  # of one byte
        if hasattr(sender, "loan"):
            tries.append(lambda: sender.loan(10**9).__enter__())
        for attempt in tries:
            with pytest.raises(shmcomm.SHMMessageTooLargeError) as refused:
                attempt()
            assert re.fullmatch(
                r"x: message is [\d,]+ B, max_size is 16,777,216 B; no message can have more than 2,147,483,584 B: send parts",
                str(refused.value),
            )
        with pytest.raises(shmcomm.SHMMessageTooLargeError, match=rf"open the {kind.lower()} with max_size={LARGEST}$"):
            sender.send(np.broadcast_to(np.uint8(0), LARGEST - 128))


@pytest.mark.parametrize("kind", ["Publisher", "Pusher", "Requester", "Replier"])
@pytest.mark.parametrize("max_size", [LARGEST + 1, 1 << 70, 0, -1])
def test_a_max_size_that_no_message_can_have_is_refused_with_those_that_can(root: Path, kind: str, max_size: int) -> None:
    import shmcomm

    with pytest.raises(ValueError) as refused:
        getattr(shmcomm, kind)("x", max_size=max_size, root=root)

    assert str(refused.value) == f"channel 'x': max_size is {max_size}, allowed are 1 to {LARGEST}"
    assert list(root.iterdir()) == []


def test_an_end_for_which_there_is_no_place_is_told_how_it_gets_one(root: Path) -> None:
    import shmcomm

    subs = [shmcomm.Subscriber("x", root=root) for _ in range(16)]
    with pytest.raises(shmcomm.SHMConnectionError) as refused:
        shmcomm.Subscriber("x", root=root)

    assert str(refused.value) == (
        "channel 'x': all 16 subscriber places are taken by living processes; close one, or raise max_subscribers where a channel "
        "file declares the channel"
    )
    subs.pop().close()
    shmcomm.Subscriber("x", root=root).close()


def test_ends_without_a_schema_are_not_told_to_raise_what_they_cannot(root: Path) -> None:
    import shmcomm

    with shmcomm.Publisher("x", root=root) as pub, shmcomm.Subscriber("x", root=root) as sub:
        with pub.loan(1), pub.loan(1):
            assert refusal(lambda: pub.loan(1).__enter__()) == "x: you hold 2 of 2 loans; publish or drop one"
        while sub.try_recv() is not None:
            pass
        held = []
        for _ in range(6):
            pub.send(bytes(2000))
            held.append(sub.recv(timeout=60_000))
        pub.send(bytes(2000))
        pattern = r"x: you hold 6 of 6 borrowed messages \(oldest [\d.]+ s\); copy what you keep"
        assert re.fullmatch(pattern, refusal(sub.try_recv))
        held.clear()
    with shmcomm.Requester("y", root=root) as client, shmcomm.Replier("y", root=root) as server:
        calls = [client.start(n) for n in range(16)]
        assert refusal(lambda: client.start(16)) == "y: 16 of 16 calls are unanswered; receive or forget one"
        requests = [server.take(timeout=60_000) for _ in range(6)]
        assert refusal(server.take) == "y: 6 of 6 requests are open; answer one"
        del calls, requests


def test_ends_of_a_schema_are_told_to_raise_what_it_says(everything: Any, patterns: Any, root: Path) -> None:
    with everything.NarrowPublisher(root=root) as pub, everything.NarrowSubscriber(root=root) as sub:
        held = [pub.send(id=1) and sub.recv(timeout=60_000) for _ in range(2)]
        pub.send(id=1)
        assert refusal(sub.try_recv).endswith("; copy what you keep, or raise max_borrowed")
        del held
    with patterns.DriveReplier(root=root), patterns.DriveRequester(root=root) as client:
        calls = [client.start(linear=1) for _ in range(4)]
        assert refusal(lambda: client.start(linear=1)).endswith("receive or forget one, or raise max_in_flight")
        del calls


SLOW = """
import sys
import everything
with everything.SureSubscriber(root=sys.argv[1]) as sub:
    print("joined")
    sys.stdin.readline()
"""


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("viewer.py", "viewer.py"),
        ("a_rather_long_name_of_a_viewer.py", "a_rather_long_name_of_a"),
        ("viewer/__main__.py", "viewer"),
        (None, Path(sys.executable).name),
    ],
)
def test_a_python_program_is_called_by_its_script(
    everything: Any, generated: Path, root: Path, tmp_path: Path, script: str | None, told: str
) -> None:
    where = ["-c", SLOW]
    if script is not None:
        (tmp_path / script).parent.mkdir(exist_ok=True)
        (tmp_path / script).write_text(SLOW)
        where = [str(tmp_path / script)]
    command = [sys.executable, "-u", *where, str(root)]
    with everything.SurePublisher(root=root, timeout=0) as pub:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(generated)
        )
        assert hear(child) == "joined"
        for _ in range(4):
            pub.send(id=1)

        assert f"slowest subscriber pid {child.pid} ({told}) is 4 behind" in refusal(lambda: pub.send(id=2))
        assert end(child) == 0


def test_an_option_beyond_the_channels_names_the_channel_and_its_place(everything: Any, patterns: Any, root: Path) -> None:
    for end, name, option, value in (
        (everything.TreePublisher, "everything/tree", "max_loans", 8),
        (everything.TreePublisher, "everything/tree", "max_size", 1 << 30),
        (patterns.DriveRequester, "patterns/drive", "max_in_flight", 5),
        (patterns.DriveRequester, "renamed", "max_in_flight", 5),
    ):
        with pytest.raises(ValueError) as refused:
            end(*(["renamed"] if name == "renamed" else []), root=root, **{option: value})
        assert re.fullmatch(
            rf"channel '{name}': option {option} is {value}, the channel allows \d+ at most; "
            r"leave it out, or change the channel at \w+\.channel:\d+",
            str(refused.value),
        )
