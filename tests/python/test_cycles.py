# SPDX-License-Identifier: Apache-2.0
"""Endpoints whose callbacks refer to them: the garbage collector finds them."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def collected_by_hand_alone() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(params=["BeatPublisher", "BeatSubscriber", "JobsPusher", "JobsPuller"])
def make(request: pytest.FixtureRequest, everything: Any, patterns: Any, root: Path) -> Make:
    """Opens an end with that callback."""
    module = everything if request.param.startswith("Beat") else patterns
    option = "on_deadline_missed" if module is everything else "on_dead_letters"
    return lambda callback: getattr(module, request.param)(root=root, **{option: callback})


def with_a_callback_on_itself(make: Make) -> Any:
    """An end that nothing refers to but its own callback, until the collector comes."""
    ends: list[Any] = []
    ends.append(make(lambda _: ends[0].close()))
    return weakref.ref(ends[0])


def test_an_end_whose_callback_refers_to_it_is_collected(make: Make) -> None:
    end = with_a_callback_on_itself(make)
    assert end() is not None

    gc.collect()

    assert end() is None


def test_an_end_in_use_keeps_its_callback(make: Make) -> None:
    class Callback:
        def __call__(self, _: int) -> None:
            raise AssertionError

    callback = Callback()
    kept = weakref.ref(callback)
    end = make(callback)
    del callback
    gc.collect()
    assert kept() is not None

    end.close()

    assert kept() is None


def test_a_loan_of_an_end_that_was_collected_is_published(patterns: Any, root: Path) -> None:
    with patterns.JobsPuller(root=root) as puller:
        loans: list[Any] = []

        def make(callback: Any) -> Any:
            pusher = patterns.JobsPusher(root=root, on_dead_letters=callback)
            loans.append(pusher.loan(id=7))
            return pusher

        end = with_a_callback_on_itself(make)
        gc.collect()
        with loans.pop():
            pass
        gc.collect()

        assert end() is None
        assert puller.recv(timeout=60_000).id == 7
