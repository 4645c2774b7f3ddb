# SPDX-License-Identifier: Apache-2.0
"""Calls with every kind of type, both languages at both ends, in separate processes."""

from __future__ import annotations

from itertools import cycle

import interop_values as values
import pytest
from interop_peers import LANGUAGES, Peers

CODES = {"cpp": "NOT_FOUND", "python": "UNKNOWN"}  # of the errors that the repliers of the tests answer with

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.parametrize("replying", LANGUAGES),
    pytest.mark.parametrize("asking", LANGUAGES),
]


@pytest.mark.parametrize("message", values.CASES)
def test_requests_and_replies_arrive_as_they_were_sent(peers: Peers, asking: str, replying: str, message: str) -> None:
    replier = peers.start(replying, "calls", "reply", message)
    requester = peers.start(asking, "calls", "request", message)
    answer = values.REPLIES[message]

    for i, (sent, answered) in enumerate(zip(values.CASES[message], cycle(reversed(values.CASES[answer])))):
        assert requester.ask(f"start {sent}") == "started"
        assert replier.ask("take").split(" ") == values.case_text(message, sent).split(" ")
        assert replier.ask(f"answer {i} {answered}") == "ok"
        assert requester.ask(f"result {i}").split(" ") == values.case_text(answer, answered).split(" ")

    requester.finish()
    replier.finish()
    assert peers.left() == []


def test_several_calls_are_answered_in_any_order(peers: Peers, asking: str, replying: str) -> None:
    replier = peers.start(replying, "calls", "reply", "blob")
    requester = peers.start(asking, "calls", "request", "blob")
    sizes = (1, 1_000_003, 7, 65_537)

    for size in sizes:
        assert requester.ask(f"start {size}") == "started"
    for size in sizes:
        assert replier.ask("take") == values.case_text("blob", size)
    for i in (2, 0, 3, 1):
        assert replier.ask(f"answer {i} {sizes[i] + 1}") == "ok"

    for i in (3, 1, 2, 0):
        assert requester.ask(f"result {i}") == values.case_text("blob", sizes[i] + 1)


def test_an_error_reply_arrives_with_its_text(peers: Peers, asking: str, replying: str) -> None:
    replier = peers.start(replying, "calls", "reply", "plain")
    requester = peers.start(asking, "calls", "request", "plain")
    for i, text in enumerate(("there is no shelf 700", "Größe 温度: 100 %s", "x" * 1000)):
        requester.ask("start 1")
        replier.ask("take")

        assert replier.ask(f"fail {i} {text}") == "ok"

        assert requester.ask(f"result {i}") == f"replied {CODES[replying]}: {text}"


def test_a_killed_replier_is_an_error_to_its_caller(peers: Peers, asking: str, replying: str) -> None:
    replier = peers.start(replying, "calls", "reply", "choice")
    requester = peers.start(asking, "calls", "request", "choice")
    for _ in range(2):
        requester.ask("start 4")
    replier.ask("take")

    replier.kill()

    assert requester.ask("result 0") == "UNAVAILABLE, maybe executed"
    assert requester.ask("result 1") == "UNAVAILABLE, not executed"
    assert requester.ask("start 4") == "UNAVAILABLE, not executed"
