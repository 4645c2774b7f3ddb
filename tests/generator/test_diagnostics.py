# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest
from shmcomm_gen.diagnostics import Related, Sink, as_github, as_json, as_text, closest, did_you_mean
from shmcomm_gen.source import Source, Span

TEXT = "table A {\n\tx:\tNope;\n}\n"


def span(start: int, end: int, text: str = TEXT) -> Span:
    return Span(Source("case.channel", Path("case.channel"), text), start, end)


def test_the_form_for_people() -> None:
    lines = "\n" * 30 + "channel camera : pubsub<Imgae> {\n"
    declared = Related(span(18, 19, lines), "'Image' is declared here", beside_hint=True)
    sink = Sink()
    sink.error("S014", "unknown type 'Imgae'", span(54, 59, lines), "did you mean 'Image'?", declared)

    assert as_text(sink.diagnostics[0]) == (
        "error[S014]: unknown type 'Imgae'\n"
        "  --> case.channel:31:25\n"
        "   |\n"
        "31 | channel camera : pubsub<Imgae> {\n"
        "   |                         ^^^^^ did you mean 'Image'?  (case.channel:19)\n"
    )


def test_the_other_place_is_shown_in_an_excerpt_of_its_own() -> None:
    lines = "\n" * 8 + "struct Pose {}\n\ttable Pose {}\n"
    sink = Sink()
    sink.error("S006", "type 'Pose' is declared twice", span(30, 34, lines), "", Related(span(15, 19, lines), "first here"))

    assert as_text(sink.diagnostics[0]) == (
        "error[S006]: type 'Pose' is declared twice\n"
        "  --> case.channel:10:8\n"
        "   |\n"
        "10 | \ttable Pose {}\n"
        "   | \t      ^^^^\n"
        "note: first here\n"
        "  --> case.channel:9:8\n"
        "   |\n"
        " 9 | struct Pose {}\n"
        "   |        ^^^^\n"
    )


def test_github_is_told_the_other_place_in_the_same_message() -> None:
    sink = Sink()
    sink.error("S007", "two fields 'x'", span(14, 18), "", Related(span(6, 7), "first declared here"))

    assert as_github(sink.diagnostics) == (
        "::error title=S007,file=case.channel,line=2,endLine=2,col=5,endColumn=9"
        "::two fields 'x'%0Anote: first declared here: case.channel:1:7\n"
    )


def test_the_form_for_tools() -> None:
    sink = Sink()
    sink.error("S014", "unknown type 'Nope'", span(14, 18), "declare it", Related(span(6, 7), "declared here"))
    sink.note("S005", "not yet")

    assert json.loads(as_json(sink.diagnostics)) == [
        {"code": "S005", "severity": "note", "message": "not yet", "hint": ""},
        {
            "code": "S014", "severity": "error", "message": "unknown type 'Nope'", "hint": "declare it",
            "file": "case.channel", "path": "case.channel", "line": 2, "column": 5, "end_line": 2, "end_column": 9,
            "related": {
                "message": "declared here", "file": "case.channel", "path": "case.channel", "line": 1, "column": 7,
                "end_line": 1, "end_column": 8,
            },
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
