# SPDX-License-Identifier: Apache-2.0
"""Jobs of every kind of type, both languages at both ends, in separate processes."""

from __future__ import annotations

import interop_values as values
import pytest
from interop_peers import LANGUAGES, Peers


def expected(message: str, number: int, attempt: int = 0) -> list[str]:
    return f"attempt={attempt} {values.case_text(message, number)}".split(" ")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("message", values.CASES)
@pytest.mark.parametrize("reader", LANGUAGES)
@pytest.mark.parametrize("writer", LANGUAGES)
def test_jobs_arrive_as_they_were_pushed(peers: Peers, writer: str, reader: str, message: str) -> None:
    puller = peers.start(reader, "jobs", "pull", message)
    pusher = peers.start(writer, "jobs", "push", message)

    for number in values.CASES[message]:
        assert pusher.ask(str(number)) == "ok"
        assert puller.ask("take").split(" ") == expected(message, number)
        assert puller.ask("done") == "ok"

    pusher.finish()
    puller.finish()
    assert peers.left() == []


@pytest.mark.timeout(240)
@pytest.mark.parametrize("writer", LANGUAGES)
def test_pullers_of_both_languages_share_jobs(peers: Peers, writer: str) -> None:
    pullers = [peers.start(language, "jobs", "pull", "everything") for language in LANGUAGES]
    pusher = peers.start(writer, "jobs", "push", "everything")

    for number in values.RANDOM_CASES:
        assert pusher.ask(str(number)) == "ok"

    for i, number in enumerate(values.RANDOM_CASES):
        assert pullers[i % 2].ask("take").split(" ") == expected("everything", number)
        assert pullers[i % 2].ask("done") == "ok"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("second", LANGUAGES)
@pytest.mark.parametrize("first", LANGUAGES)
def test_a_job_given_back_goes_to_the_other_language(peers: Peers, first: str, second: str) -> None:
    pusher = peers.start(second, "jobs", "push", "choice")
    giving, taking = peers.start(first, "jobs", "pull", "choice"), peers.start(second, "jobs", "pull", "choice")
    assert pusher.ask("4") == "ok"
    giving.ask("take")

    assert giving.ask("give back") == "ok"

    assert taking.ask("take").split(" ") == expected("choice", 4, attempt=1)
    assert taking.ask("done") == "ok"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("second", LANGUAGES)
@pytest.mark.parametrize("first", LANGUAGES)
def test_the_job_of_a_killed_puller_goes_to_the_other_language(peers: Peers, first: str, second: str) -> None:
    pusher = peers.start(first, "jobs", "push", "blob")
    dying, taking = peers.start(first, "jobs", "pull", "blob"), peers.start(second, "jobs", "pull", "blob")
    assert pusher.ask("1000003") == "ok"
    dying.ask("take")

    dying.kill()

    assert taking.ask("take").split(" ") == expected("blob", 1000003, attempt=1)
    assert taking.ask("done") == "ok"
