# SPDX-License-Identifier: Apache-2.0
"""Every public name is documented, and the examples in the documentation run."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docstrings import examples_of, failures, members_of, text_of

WITHOUT_EXAMPLE = {"close", "counters", "last_metadata", "channel", "closed", "metadata", "load"}


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
    import shmcomm

    missing = [
        name
        for name, public in public_names()
        if examples_of(name, public, names()) is None
        and name.rpartition(".")[2] not in WITHOUT_EXAMPLE
        and not (inspect.isclass(public) and issubclass(public, (Exception, tuple, shmcomm.Loan)))
        and "Loan." not in name
    ]

    assert missing == []


def test_the_examples_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHMCOMM_ROOT", str(root))

    assert failures(examples_of(name, public, names()) for name, public in public_names()) == 0


def test_the_help_reads_like_a_page() -> None:
    import shmcomm

    page = pydoc.plain(pydoc.render_doc(shmcomm))

    for part in ("Publisher(", "Subscriber(", "milliseconds", "SHMTimeoutError", "recv_many", "register_codec"):
        assert part in page
