# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from shmcomm_gen.model import Qos
from shmcomm_gen.options import OPTIONS, PROFILES

from tests.generator.support.compiling import INPUTS, codes_of, compile_file, schema_of


def qos(directory: Path, rest: str, message: str = "A") -> Qos:
    text = f"struct A {{ x:int; }} table T {{ s:string; }} channel c : pubsub<{message}> {rest}"
    return schema_of(directory, text).channels[0].qos


def test_defaults(tmp_path: Path) -> None:
    assert qos(tmp_path, ";") == Qos(
        history=0, capacity=16, max_size=4, reliability="best_effort", on_full="block", deadline_ns=0, lifespan_ns=0,
        max_publishers=8, max_subscribers=16, max_borrowed=4, max_loans=2, verify="trusted", prefault=False,
    )  # fmt: skip


def test_every_option_reaches_the_model(tmp_path: Path) -> None:
    rest = """{ history: 3; capacity: 9; max_size: 1MiB; reliability: reliable; on_full: fail; deadline: 50ms;
        lifespan: 2s; max_publishers: 255; max_subscribers: 1024; max_borrowed: 6; max_loans: 8; verify: untrusted;
        prefault: true; }"""

    assert qos(tmp_path, rest) == Qos(
        history=3, capacity=9, max_size=1 << 20, reliability="reliable", on_full="fail", deadline_ns=50_000_000,
        lifespan_ns=2_000_000_000, max_publishers=255, max_subscribers=1024, max_borrowed=6, max_loans=8,
        verify="untrusted", prefault=True,
    )  # fmt: skip


def test_profiles_set_what_they_say(tmp_path: Path) -> None:
    assert PROFILES.keys() == {"sensor_data", "latched", "command"}

    sensor, latched = qos(tmp_path, "(sensor_data);"), qos(tmp_path, "(latched);")
    command = qos(tmp_path, "(command);")

    assert (sensor.reliability, sensor.capacity, sensor.max_publishers) == ("best_effort", 8, 1)
    assert (latched.reliability, latched.history) == ("reliable", 1)
    assert (command.reliability, command.capacity, command.lifespan_ns) == ("reliable", 1, 100_000_000)


def test_an_option_overrides_a_profile(tmp_path: Path) -> None:
    found = qos(tmp_path, "(sensor_data, latched) { capacity: 64; }")

    assert (found.capacity, found.max_publishers, found.reliability, found.history) == (64, 1, "reliable", 1)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("1ns", 1), ("3us", 3_000), ("1.5ms", 1_500_000), ("0.1s", 100_000_000), ("2min", 120_000_000_000)],
)
def test_durations_have_units(tmp_path: Path, text: str, nanoseconds: int) -> None:
    assert qos(tmp_path, f"{{ deadline: {text}; }}").deadline_ns == nanoseconds


@pytest.mark.parametrize(
    ("text", "size"),
    [("64", 64), ("64B", 64), ("1.5KiB", 1536), ("8MiB", 8 << 20), ("1GiB", 1 << 30), ("1kB", 1000), ("2MB", 2_000_000),
     ("1GB", 10**9), ("0x100", 256)],
)  # fmt: skip
def test_sizes_may_have_units(tmp_path: Path, text: str, size: int) -> None:
    assert qos(tmp_path, f"{{ max_size: {text}; }}", "T").max_size == size


def test_a_struct_needs_its_size_and_an_unbounded_table_gets_16_mib(tmp_path: Path) -> None:
    assert qos(tmp_path, ";").max_size == 4
    assert qos(tmp_path, ";", "T").max_size == 16 << 20


def test_names_come_from_the_namespace_or_are_given(tmp_path: Path) -> None:
    schema = schema_of(
        tmp_path,
        "struct A { x:int; } channel a : pubsub<A>; namespace r.s; channel front_camera : pubsub<A>; "
        'channel c = "any thing é" : pubsub<A>;',
    )

    assert [channel.name for channel in schema.channels] == ["a", "r/s/front_camera", "any thing é"]
    assert [channel.stem for channel in schema.channels] == ["A", "FrontCamera", "C"]


def test_channels_of_included_files_are_theirs(tmp_path: Path) -> None:
    included = "struct A { x:int; } channel other : pubsub<A>;"

    schema = schema_of(tmp_path, 'include "one.fbs"; channel mine : pubsub<A>;', one=included)

    assert [channel.identifier for channel in schema.channels] == ["mine"]


def test_all_three_patterns_of_the_example_parse(tmp_path: Path) -> None:
    schema, sink = compile_file(INPUTS / "robot.channel")

    assert not sink.diagnostics
    assert [(channel.identifier, channel.pattern) for channel in schema.channels] == [
        ("imu", "pubsub"), ("camera", "pubsub"), ("drive", "reqrep"), ("tiles", "pushpull")
    ]  # fmt: skip
    assert schema.channels[2].messages == ("robot.Twist", "robot.Ack")


def test_every_option_of_reqrep_reaches_the_model(tmp_path: Path) -> None:
    rest = """{ capacity: 9; max_request_size: 1KiB; max_reply_size: 2KiB; on_full: fail; timeout: 50ms; max_in_flight: 3;
        max_requesters: 5; max_repliers: 6; max_borrowed: 2; max_loans: 1; verify: verify; idempotent: true; }"""
    text = f"table A {{ s:string; }} table B {{ s:string; }} channel c : reqrep<A, B> {rest}"

    assert schema_of(tmp_path, text).channels[0].qos == Qos(
        history=0, capacity=9, max_size=1024, reliability="best_effort", on_full="fail", deadline_ns=0, lifespan_ns=0,
        max_publishers=5, max_subscribers=6, max_borrowed=2, max_loans=1, verify="verify", prefault=False,
        max_reply_size=2048, timeout_ns=50_000_000, max_in_flight=3, idempotent=True,
    )  # fmt: skip


def test_sizes_of_a_request_and_of_a_reply_are_computed_apart(tmp_path: Path) -> None:
    text = "struct A { x:int; } table T { s:string; } channel c : reqrep<A, T>; channel d : reqrep<T, A>;"

    sizes = [(c.qos.max_size, c.qos.max_reply_size) for c in schema_of(tmp_path, text).channels]

    assert sizes == [(4, 16 << 20), (16 << 20, 4)]


def test_every_option_of_pushpull_reaches_the_model(tmp_path: Path) -> None:
    rest = "{ capacity: 64; max_size: 1MiB; lifespan: 1s; max_pushers: 3; max_pullers: 4; max_loans: 5; }"
    found = schema_of(tmp_path, f"table A {{ s:string; }} channel c : pushpull<A> {rest}").channels[0].qos

    assert (found.capacity, found.max_size, found.lifespan_ns) == (64, 1 << 20, 1_000_000_000)
    assert (found.max_publishers, found.max_subscribers, found.max_loans) == (3, 4, 5)
    assert (found.max_attempts, found.at_most_once) == (15, False)


@pytest.mark.parametrize("options", ["max_attempts: 1;", "at_most_once: true;", "at_most_once: true; max_attempts: 1;"])
def test_at_most_once_is_one_attempt(tmp_path: Path, options: str) -> None:
    found = schema_of(tmp_path, f"struct A {{ x:int; }} channel c : pushpull<A> {{ {options} }}").channels[0].qos

    assert (found.max_attempts, found.at_most_once) == (1, True)


def test_a_job_may_be_given_out_fifteen_times_at_most(tmp_path: Path) -> None:
    text = "struct A {{ x:int; }} channel c : pushpull<A> {{ max_attempts: {}; at_most_once: false; }}"

    assert [schema_of(tmp_path, text.format(n)).channels[0].qos.max_attempts for n in (2, 15)] == [2, 15]


def test_every_option_has_a_pattern_that_takes_its_default(tmp_path: Path) -> None:
    shown = {"reqrep": "reqrep<A, A>", "pushpull": "pushpull<A>", "pubsub": "pubsub<A>"}
    for option in OPTIONS.values():
        value = {"size": "1KiB", "duration": "1ms"}.get(option.kind.name.lower(), str(option.default).lower())
        for pattern in sorted(option.patterns):
            reliable = "(latched)" if option.name == "on_full" and pattern == "pubsub" else ""
            text = f"table A {{ x:int; }} channel c : {shown[pattern]} {reliable} {{ {option.name}: {value}; }}"
            if option.is_supported:
                assert not codes_of(tmp_path, text), text


def test_the_largest_legal_channel_fits_the_numbers_of_slots() -> None:
    """A slot's index has 16 bits and 0xFFFF is taken; N + R·H + loans + 1 slots are needed."""
    most = {name: option.high for name, option in OPTIONS.items()}
    ring = 1 << (max(most["capacity"], most["history"] + 1) - 1).bit_length()

    slots = ring + most["max_subscribers"] * most["max_borrowed"] + most["max_loans"] + 1

    assert slots <= 65_535
