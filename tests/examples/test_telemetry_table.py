# SPDX-License-Identifier: Apache-2.0
"""The figures and the text of the telemetry table, without shared memory."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

TELEMETRY = Path(__file__).resolve().parents[2] / "examples" / "telemetry"
sys.path.insert(0, str(TELEMETRY))

from meter import WINDOW, Figures, Meter, percentile  # noqa: E402
from screen import Overview, ProcessRow, Screen, bar, channel_lines, process_lines, size_text, table_lines, time_text  # noqa: E402


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_percentile_is_a_value_that_occurred() -> None:
    assert percentile(list(range(1, 101)), 0.50) == 50
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([7], 0.99) == 7
    assert percentile([], 0.5) == 0


def test_meter_without_messages_says_zero() -> None:
    assert Meter().figures() == Figures(received=0, lost=0, rate_hz=0.0, p50_ns=0, p99_ns=0)


def test_meter_counts_rate_latency_and_loss() -> None:
    meter = Meter()

    for i in range(11):
        meter.note(publish_ns=i * 1_000_000, taken_ns=i * 1_000_000 + 2_000, lost=3 if i == 5 else 0)

    assert meter.figures() == Figures(received=11, lost=3, rate_hz=1000.0, p50_ns=2000, p99_ns=2000)


def test_meter_forgets_old_latencies_but_no_counts() -> None:
    meter = Meter()

    meter.note(0, 10**9, lost=1)
    for i in range(WINDOW):
        meter.note(i, i + 5, lost=0)

    assert meter.figures().received == WINDOW + 1
    assert meter.figures().lost == 1
    assert meter.figures().p99_ns == 5


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 * 1024**2, "5.0 MiB"), (3 * 1024**4, "3072.0 GiB")],
)
def test_sizes_have_binary_units(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(("ns", "text"), [(850, "0.8 µs"), (999_900, "999.9 µs"), (2_500_000, "2.50 ms"), (3e9, "3.00 s")])
def test_latencies_have_a_fitting_unit(ns: float, text: str) -> None:
    assert time_text(ns) == text


def test_bar_never_leaves_its_width() -> None:
    assert bar(0.5, 4) == "██··"
    assert bar(-1.0, 4) == "····"
    assert bar(9.0, 4) == "████"


def test_channel_lines_show_every_figure() -> None:
    text = "\n".join(channel_lines({"a/b": Figures(1234, 5, 999.5, 1500, 9000)}))

    assert "a/b" in text and "1,234" in text and "999.5 Hz" in text and "1.5 µs" in text and "9.0 µs" in text and " 5" in text


def test_table_works_before_the_first_snapshot() -> None:
    assert table_lines({}, None)[-1] == "waiting for the first snapshot"


def test_table_shows_cores_memory_and_temperatures() -> None:
    overview = Overview("box", 3661, [0.5, 0.0], 1024**3, 2 * 1024**3, (0.1, 0.2, 0.3), {"cpu": 48.5})

    text = "\n".join(table_lines({}, overview))

    assert "up 1:01" in text and "1.0 GiB of 2.0 GiB" in text and "48.5 °C" in text and text.count("core ") == 2


def test_a_process_name_cannot_send_control_codes_to_the_terminal() -> None:
    lines = process_lines([ProcessRow(1, "\x1b[2Jevil", "Running", 1.0, 4096)])

    assert "\x1b" not in "".join(lines)
    assert "?[2Jevil" in lines[1]


def test_screen_redraws_over_what_it_drew() -> None:
    out = Terminal()
    screen = Screen(out)

    screen.draw(["one", "two"])
    screen.draw(["three"])

    assert "\x1b[2A" in out.getvalue()


def test_screen_keeps_within_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setenv("LINES", "4")
    out = Terminal()

    Screen(out).draw(["x" * 50] * 20)

    assert out.getvalue().count("\n") == 3
    assert out.getvalue().count("x") == 27


def test_screen_draws_nothing_where_there_is_no_terminal() -> None:
    out = io.StringIO()

    Screen(out).draw(["one"])

    assert out.getvalue() == ""
