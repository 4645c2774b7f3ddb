# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest
from shmcomm_gen.diagnostics import Sink, as_json, as_text, closest, did_you_mean
from shmcomm_gen.source import Source, Span

TEXT = "table A {\n\tx:\tNope;\n}\n"


def span(start: int, end: int, text: str = TEXT) -> Span:
    return Span(Source("case.channel", Path("case.channel"), text), start, end)


def test_the_form_for_people() -> None:
    lines = "\n" * 30 + "channel camera : pubsub<Imgae> {\n"
    sink = Sink()
    sink.error("S014", "unknown type 'Imgae'", span(54, 59, lines), "did you mean 'Image'?", span(18, 19, lines))

    assert as_text(sink.diagnostics[0]) == (
        "error[S014]: unknown type 'Imgae'\n"
        "  --> case.channel:31:25\n"
        "   |\n"
        "31 | channel camera : pubsub<Imgae> {\n"
        "   |                         ^^^^^ did you mean 'Image'?  (case.channel:19)\n"
    )


def test_the_form_for_tools() -> None:
    sink = Sink()
    sink.error("S014", "unknown type 'Nope'", span(14, 18), "declare it", span(6, 7))
    sink.note("S005", "not yet")

    assert json.loads(as_json(sink.diagnostics)) == [
        {"code": "S005", "severity": "note", "message": "not yet", "hint": ""},
        {
            "code": "S014", "severity": "error", "message": "unknown type 'Nope'", "hint": "declare it",
            "file": "case.channel", "path": "case.channel", "line": 2, "column": 5, "end_line": 2, "end_column": 9,
            "related": {"file": "case.channel", "path": "case.channel", "line": 1, "column": 7},
        },
    ]  # fmt: skip


def test_the_caret_stays_on_its_line() -> None:
    sink = Sink()
    sink.error("S001", "too long", span(10, 20))

    assert as_text(sink.diagnostics[0]).splitlines()[-1] == "  | \t^^^^^^^^".replace("\t^", "^", 1).replace(
        "^^^^^^^^", "^^^^^^^^^"
    )


def test_an_empty_line_has_a_caret_too() -> None:
    sink = Sink()
    sink.error("S001", "unexpected end of the file", span(0, 1, ""), "expected a name")

    assert as_text(sink.diagnostics[0]).endswith("1 | \n  | ^ expected a name\n")


def test_findings_are_in_order_of_place_and_each_is_kept_once() -> None:
    sink = Sink()
    sink.error("S014", "later", span(14, 18))
    sink.error("S001", "earlier", span(0, 5))
    sink.error("S014", "later", span(14, 18))

    assert [found.message for found in sink.diagnostics] == ["earlier", "later"]


def test_notes_are_no_errors() -> None:
    sink = Sink()

    sink.note("S005", "not yet")
    assert not sink.has_errors

    sink.error("S001", "wrong")
    assert sink.has_errors


@pytest.mark.parametrize(
    ("word", "close"), [("imgae", "Image"), ("IMAGE", "Image"), ("Imag", "Image"), ("Twist2", "Twist"), ("xyz", "")]
)
def test_the_closest_name_is_found_whatever_its_case(word: str, close: str) -> None:
    assert closest(word, ["Image", "Twist", "image_raw_compressed"]) == close


def test_there_is_no_suggestion_without_a_close_name() -> None:
    assert did_you_mean("xyz", ["Image"]) == ""
