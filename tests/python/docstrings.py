# SPDX-License-Identifier: Apache-2.0
"""Documentation of public names as the tests look at it."""

from __future__ import annotations

import doctest
import inspect
from collections.abc import Iterator, Mapping
from typing import Any


def members_of(name: str, public: Any) -> Iterator[tuple[str, Any]]:
    """The public methods and attributes of a class, inherited ones, too; not those that only other ends have."""
    for member in dir(public):
        if not member.startswith("_") and hasattr(public, member):
            yield f"{name}.{member}", inspect.getattr_static(public, member)


def text_of(public: Any) -> str:
    return (inspect.getdoc(public) or "").strip()


def examples_of(name: str, public: Any, names: Mapping[str, Any]) -> doctest.DocTest | None:
    """The examples of a name, to be run where `names` are known; None if it has none."""
    found = doctest.DocTestParser().get_doctest(inspect.getdoc(public) or "", dict(names), name, None, 0)
    return found if found.examples else None


def failures(tests: Iterator[doctest.DocTest | None]) -> int:
    """Runs examples and tells how many did not do what they say."""
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in tests:
        if test is not None:
            runner.run(test)
    return runner.summarize().failed
