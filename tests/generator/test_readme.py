# SPDX-License-Identifier: Apache-2.0
"""schema/README.md against the code it describes."""

from __future__ import annotations

import re
from pathlib import Path

from shmcomm_gen.options import DURATION_UNITS, OPTIONS, PATTERNS, PROFILES, SIZE_UNITS, Kind, Option

from tests.generator.support.compiling import INPUTS, compile_file
from tests.generator.support.tools import ROOT

TEXT = (ROOT / "schema" / "README.md").read_text(encoding="utf-8")


def rows(first_cell: str) -> list[list[str]]:
    """The cells of each row that begins as `first_cell` (a pattern)."""
    found = [line.strip("|").split("|") for line in TEXT.splitlines() if re.match(rf"\| {first_cell} \|", line)]
    return [[cell.strip() for cell in cells] for cells in found]


def described(option: Option) -> list[str]:
    values = {
        Kind.COUNT: f"{option.low:,} to {option.high:,}",
        Kind.SIZE: "size, 1 B to 2 GiB - 64 B",
        Kind.DURATION: "duration",
        Kind.BOOLEAN: "true, false",
        Kind.CHOICE: ", ".join(option.choices),
    }[option.kind]
    default = {Kind.SIZE: "computed", Kind.DURATION: "none"}.get(option.kind, str(option.default).lower())
    return [f"`{option.name}`", *("✔" if p in option.patterns else "" for p in PATTERNS), values, default]


def test_the_table_of_options_is_that_of_the_code() -> None:
    supported = [option for option in OPTIONS.values() if option.is_supported]

    assert [cells for cells in rows(r"`\w+`") if len(cells) == 6] == [described(option) for option in supported]


def test_the_table_of_profiles_is_that_of_the_code() -> None:
    shown = {cells[0].strip("`"): cells[1] for cells in rows(r"`\w+`") if len(cells) == 2 and ": " in cells[1]}

    assert shown == {
        name: ", ".join(f"{key}: {'100ms' if key == 'lifespan' else value}" for key, value in options.items())
        for name, options in PROFILES.items()
    }


def test_all_units_are_named() -> None:
    assert f"`{' '.join(DURATION_UNITS)}`" in TEXT
    assert f"`{' '.join(SIZE_UNITS)}`" in TEXT


def test_its_example_compiles(tmp_path: Path) -> None:
    example = re.search(r"```fbs\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    (tmp_path / "robot.channel").write_text(example.group(1), encoding="utf-8")

    schema, sink = compile_file(tmp_path / "robot.channel", INPUTS)

    assert not sink.diagnostics
    assert [channel.name for channel in schema.channels] == ["robot/imu", "front/camera"]
