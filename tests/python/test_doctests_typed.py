# SPDX-License-Identifier: Apache-2.0
"""A package of a channel file documents itself, and the examples in its documentation run."""

from __future__ import annotations

import enum
import inspect
import pydoc
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import shmcomm
import shmcomm.typed
from docstrings import examples_of, failures, members_of, text_of
from shmcomm import _core

# What is told where its class is, or says everything in a line.
WITHOUT_EXAMPLE = {
    "close", "counters", "channel", "closed", "sequence", "lost", "publish_ns", "publisher", "pusher", "requester", "attempt",
    "answered", "done", "cancel",
}  # fmt: skip
OF_THE_RUNTIME = [
    _core.Call, _core.Job, _core.Loan, _core.Record, _core.Request, _core.Sample, shmcomm.typed.decode, shmcomm.typed.encode,
]  # fmt: skip


@pytest.fixture(scope="module")
def robot() -> ModuleType:
    return shmcomm.load(Path(__file__).with_name("robot.channel"))


@pytest.fixture
def names(robot: ModuleType) -> dict[str, Any]:
    """What the examples may use."""
    exported = {name: getattr(robot, name) for name in robot.__all__}
    return vars(shmcomm) | exported | {"shmcomm": shmcomm, "encode": _core.encode, "decode": _core.decode}


@pytest.fixture
def public_names(robot: ModuleType) -> list[tuple[str, Any]]:
    """All that the package offers, and what its messages and endpoints are made of."""
    return [("shmcomm.typed", shmcomm.typed), *_public_names(robot)]


def _public_names(robot: ModuleType) -> Iterator[tuple[str, Any]]:
    classes = {name: getattr(robot, name) for name in robot.__all__}
    for name, public in (classes | {f"typed.{one.__name__}": one for one in OF_THE_RUNTIME}).items():
        yield name, public
        if inspect.isclass(public) and not issubclass(public, enum.Enum):
            yield from members_of(name, public)


def is_message(public: Any) -> bool:
    return inspect.isclass(public) and issubclass(public, (_core.Record, enum.Enum)) and public not in OF_THE_RUNTIME


def test_every_name_is_documented(public_names: list[tuple[str, Any]]) -> None:
    missing = [name for name, public in public_names if not text_of(public)]

    assert missing == []


def test_every_endpoint_and_method_has_an_example(public_names: list[tuple[str, Any]], names: dict[str, Any]) -> None:
    missing = [
        name
        for name, public in public_names
        if examples_of(name, public, names) is None
        and name.rpartition(".")[2] not in WITHOUT_EXAMPLE
        and not is_message(public)
        and not isinstance(public, _core.Field)
    ]

    assert missing == []


def test_every_method_says_what_it_costs(public_names: list[tuple[str, Any]]) -> None:
    methods = [
        (name, public)
        for name, public in public_names
        if inspect.isroutine(public) and name.partition(".")[0] != "typed" and name.rpartition(".")[2] not in WITHOUT_EXAMPLE
    ]
    missing = [name for name, public in methods if not re.search(r"\b[Cc]osts?\b", text_of(public))]

    assert missing == []
    assert len(methods) > 40


def test_the_examples_run(
    public_names: list[tuple[str, Any]], names: dict[str, Any], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHMCOMM_ROOT", str(root))
    distinct = {id(public): (name, public) for name, public in public_names}

    assert failures(examples_of(name, public, names) for name, public in distinct.values()) == 0


def test_help_tells_what_a_channel_is_and_how_its_end_is_used(robot: ModuleType) -> None:
    page = pydoc.plain(pydoc.render_doc(robot.CameraSubscriber))

    for part in ("Channel 'front/camera', pubsub<robot.Image>.", "for image in sub:", "int of milliseconds", "SHMTimeoutError"):
        assert part in page
    assert "[uint8]" in pydoc.plain(pydoc.render_doc(robot.Image))
