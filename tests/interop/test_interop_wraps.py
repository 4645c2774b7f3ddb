# SPDX-License-Identifier: Apache-2.0
"""Both languages across the wrap of every counter. A C++ program that does nothing else makes the channel, five before them."""

from __future__ import annotations

import interop_values as values
import pytest
from interop_peers import LANGUAGES, Peers

NUMBERS = [number for _ in range(8) for number in values.CASES["plain"]]  # four laps and more of a ring of 16

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.parametrize("start", ("lap", "cursor", "sequence")),
    pytest.mark.parametrize("second", LANGUAGES),
    pytest.mark.parametrize("first", LANGUAGES),
]


def test_messages_arrive_as_they_were_sent(peers: Peers, start: str, first: str, second: str) -> None:
    peers.begin_at(start)
    peers.start("cpp", "peer", "publish", "plain")
    subscriber = peers.start(second, "peer", "subscribe", "plain")
    publisher = peers.start(first, "peer", "publish", "plain")

    for number in NUMBERS:
        assert publisher.ask(str(number)) == "ok"
        assert subscriber.ask("take") == values.expected_text("plain", number)


def test_a_joiner_takes_up_where_it_joined(peers: Peers, start: str, first: str, second: str) -> None:
    peers.begin_at(start)
    publisher = peers.start("cpp", "peer", "publish", "plain")
    sender = peers.start(first, "peer", "publish", "plain")

    for number in NUMBERS[:7]:
        assert publisher.ask("1") == "ok"
        late = peers.start(second, "peer", "subscribe", "plain")
        assert sender.ask(str(number)) == "ok"
        assert late.ask("take") == values.expected_text("plain", number)
        late.finish()


def test_jobs_arrive_as_they_were_pushed(peers: Peers, start: str, first: str, second: str) -> None:
    peers.begin_at(start)
    peers.start("cpp", "jobs", "push", "plain")
    puller = peers.start(second, "jobs", "pull", "plain")
    pusher = peers.start(first, "jobs", "push", "plain")

    for number in NUMBERS:
        assert pusher.ask(str(number)) == "ok"
        assert puller.ask("take") == f"attempt=0 {values.case_text('plain', number)}"
        assert puller.ask("done") == "ok"


def test_calls_are_answered(peers: Peers, start: str, first: str, second: str) -> None:
    peers.begin_at(start)
    peers.start("cpp", "calls", "request", "plain")
    replier = peers.start(second, "calls", "reply", "plain")
    requester = peers.start(first, "calls", "request", "plain")
    answered = values.CASES[values.REPLIES["plain"]][0]

    for i, number in enumerate(NUMBERS):
        assert requester.ask(f"start {number}") == "started"
        assert replier.ask("take") == values.case_text("plain", number)
        assert replier.ask(f"answer {i} {answered}") == "ok"
        assert requester.ask(f"result {i}") == values.case_text(values.REPLIES["plain"], answered)
