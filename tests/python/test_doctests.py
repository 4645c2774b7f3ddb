# SPDX-License-Identifier: Apache-2.0
"""Every public name is documented, and the examples in the documentation run."""

from __future__ import annotations

import inspect
import pydoc
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docstrings import examples_of, failures, members_of, text_of

WITHOUT_EXAMPLE = {"close", "counters", "last_metadata", "channel", "closed", "Loan.sent"}


def public_names() -> Iterator[tuple[str, Any]]:
    """All that `shmcomm` offers, and the methods of its classes."""
    import shmcomm

    yield "shmcomm", shmcomm
    for name in shmcomm.__all__:
        public = getattr(shmcomm, name)
        yield name, public
        if inspect.isclass(public) and not issubclass(public, (Exception, tuple)):
            yield from members_of(name, public)


def names() -> dict[str, Any]:
    """What the examples may use."""
    import shmcomm

    return {public: getattr(shmcomm, public) for public in shmcomm.__all__}


def test_every_public_name_is_documented() -> None:
    missing = [name for name, public in public_names() if not text_of(public)]

    assert missing == []


def test_every_class_and_method_has_an_example() -> None:
    missing = [
        name
        for name, public in public_names()
        if examples_of(name, public, names()) is None
        and not {name, name.rpartition(".")[2]} & WITHOUT_EXAMPLE
    ]

    assert missing == []


def test_every_method_says_what_it_costs() -> None:
    methods = [
        (name, public)
        for name, public in public_names()
        if (inspect.isroutine(public) or isinstance(public, property)) and not {name, name.rpartition(".")[2]} & WITHOUT_EXAMPLE
    ]
    missing = [name for name, public in methods if not re.search(r"\b[Cc]osts?\b", text_of(public))]

    assert missing == []
    assert len(methods) > 50


def test_every_field_of_counters_and_metadata_is_in_the_help() -> None:
    import shmcomm

    tuples = [kind for kind in vars(shmcomm).values() if inspect.isclass(kind) and issubclass(kind, tuple)]
    assert len(tuples) == 9
    for kind in tuples:
        page = pydoc.plain(pydoc.render_doc(kind))
        for field in kind._fields:
            text = getattr(kind, field).__doc__
            assert "Alias for" not in text
            assert re.search(rf"^ \|  {field}\n \|      {re.escape(text)}$", page, re.MULTILINE)


def test_the_examples_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHMCOMM_ROOT", str(root))
    monkeypatch.chdir(Path(__file__).parent)  # where robot.channel is

    assert failures(examples_of(name, public, names()) for name, public in public_names()) == 0


def test_the_help_reads_like_a_page() -> None:
    import shmcomm

    page = pydoc.plain(pydoc.render_doc(shmcomm))

    for part in ("Publisher(", "Subscriber(", "milliseconds", "SHMTimeoutError", "recv_many", "register_codec"):
        assert part in page
    sections = ["ENDS", "MESSAGES", "TIME", "ERRORS", "THREADS AND PROCESSES", "COST", "ENVIRONMENT", "CLASSES"]
    places = [page.find(f"\n    {section}\n") for section in sections[:-1]] + [page.find("\nCLASSES\n")]
    assert -1 not in places and places == sorted(places)
