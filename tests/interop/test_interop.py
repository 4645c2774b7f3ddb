# SPDX-License-Identifier: Apache-2.0
"""Every kind of type, both languages at both ends, in separate processes."""

from __future__ import annotations

import interop_values as values
import pytest
from interop_peers import LANGUAGES, Peers
from interop_values import CASES, RANDOM_CASES


@pytest.mark.timeout(240)
@pytest.mark.parametrize("message", CASES)
@pytest.mark.parametrize("reader", LANGUAGES)
@pytest.mark.parametrize("writer", LANGUAGES)
def test_messages_arrive_as_they_were_sent(peers: Peers, writer: str, reader: str, message: str) -> None:
    subscriber = peers.start(reader, "peer", "subscribe", message)
    publisher = peers.start(writer, "peer", "publish", message)

    for number in CASES[message]:
        assert publisher.ask(str(number)) == "ok"
        assert subscriber.ask("take").split(" ") == values.expected_text(message, number).split(" ")

    publisher.finish()
    subscriber.finish()
    assert peers.left() == []


@pytest.mark.timeout(240)
@pytest.mark.parametrize("writer", LANGUAGES)
def test_subscribers_of_both_languages_take_the_same_messages(peers: Peers, writer: str) -> None:
    subscribers = [peers.start(language, "peer", "subscribe", "everything") for language in LANGUAGES * 2]
    publisher = peers.start(writer, "peer", "publish", "everything")

    for number in RANDOM_CASES:
        assert publisher.ask(str(number)) == "ok"

    for number in RANDOM_CASES:
        assert {one.ask("take") for one in subscribers} == {values.expected_text("everything", number)}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("reader", LANGUAGES)
def test_publishers_of_both_languages_share_a_channel(peers: Peers, reader: str) -> None:
    subscriber = peers.start(reader, "peer", "subscribe", "plain")
    publishers = [peers.start(language, "peer", "publish", "plain") for language in LANGUAGES]

    for number in RANDOM_CASES:
        assert publishers[number % 2].ask(str(number)) == "ok"
        assert subscriber.ask("take") == values.expected_text("plain", number)
