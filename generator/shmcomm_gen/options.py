# SPDX-License-Identifier: Apache-2.0
"""The options of channels: which exist, for which pattern, what values they take. README's table is this table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from shmcomm_gen.diagnostics import Sink, did_you_mean, one_of
from shmcomm_gen.literals import integer
from shmcomm_gen.syntax import OptionSyntax, Value, ValueKind

OptionValue = int | str | bool

PATTERNS = ("pubsub", "reqrep", "pushpull")
_ALL = frozenset(PATTERNS)
_PUBSUB, _REQREP, _PUSHPULL = (frozenset({pattern}) for pattern in PATTERNS)

DURATION_UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "min": 60_000_000_000}
SIZE_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 10**3, "MB": 10**6, "GB": 10**9}

MAX_MESSAGE_BYTES = (1 << 31) - 64
MAX_DURATION_NS = (1 << 63) - 1
UNBOUNDED_MAX_SIZE = 16 << 20
_DIGITS_THAT_COUNT = 20


class Kind(Enum):
    COUNT = "a whole number"
    SIZE = "a size"
    DURATION = "a duration"
    BOOLEAN = "true or false"
    CHOICE = "a word"


@dataclass(frozen=True)
class Option:
    """`low` and `high` bound counts, bytes or nanoseconds. A default of None means none, or computed."""

    name: str
    kind: Kind
    patterns: frozenset[str]
    default: OptionValue | None
    low: int = 0
    high: int = 0
    choices: tuple[str, ...] = ()
    is_supported: bool = True


def _count(name: str, patterns: frozenset[str], default: int, low: int, high: int) -> Option:
    return Option(name, Kind.COUNT, patterns, default, low, high)


def _size(name: str, patterns: frozenset[str]) -> Option:
    return Option(name, Kind.SIZE, patterns, None, 1, MAX_MESSAGE_BYTES)


def _duration(name: str, patterns: frozenset[str]) -> Option:
    return Option(name, Kind.DURATION, patterns, None, 1, MAX_DURATION_NS)


def _choice(name: str, patterns: frozenset[str], *choices: str) -> Option:
    return Option(name, Kind.CHOICE, patterns, choices[0], choices=choices)


def _switch(name: str, patterns: frozenset[str]) -> Option:
    return Option(name, Kind.BOOLEAN, patterns, False)


# The limits are those of the ring: 255 publishers, 1,024 subscribers, 255 of the others, 6 hazards, 32,768 entries.
OPTIONS: Mapping[str, Option] = {
    option.name: option
    for option in (
        _count("history", _PUBSUB, 0, 0, 32_767),
        _count("capacity", _ALL, 16, 1, 32_768),
        _size("max_size", _PUBSUB | _PUSHPULL),
        _size("max_request_size", _REQREP),
        _size("max_reply_size", _REQREP),
        _choice("reliability", _PUBSUB, "best_effort", "reliable"),
        _choice("on_full", _ALL, "block", "fail"),
        _duration("deadline", _PUBSUB),
        _duration("lifespan", _PUBSUB | _PUSHPULL),
        _duration("timeout", _REQREP),
        _count("max_in_flight", _REQREP, 8, 1, 255),
        _count("max_publishers", _PUBSUB, 8, 1, 255),
        _count("max_subscribers", _PUBSUB, 16, 1, 1_024),
        _count("max_requesters", _REQREP, 8, 1, 255),
        _count("max_repliers", _REQREP, 8, 1, 255),
        _count("max_pushers", _PUSHPULL, 8, 1, 255),
        _count("max_pullers", _PUSHPULL, 8, 1, 255),
        _count("max_borrowed", _ALL, 4, 1, 6),
        _count("max_loans", _ALL, 2, 1, 8),
        _choice("verify", _ALL, "trusted", "verify", "untrusted"),
        _switch("prefault", _ALL),
        _switch("idempotent", _REQREP),
        _count("max_attempts", _PUSHPULL, 15, 1, 15),
        _switch("at_most_once", _PUSHPULL),
        Option("mode", Kind.COUNT, _ALL, None, is_supported=False),
        Option("group", Kind.CHOICE, _ALL, None, is_supported=False),
    )
}

PROFILES: Mapping[str, Mapping[str, OptionValue]] = {
    "sensor_data": {"reliability": "best_effort", "capacity": 8, "max_publishers": 1},
    "latched": {"reliability": "reliable", "history": 1},
    "command": {"reliability": "reliable", "capacity": 1, "lifespan": 100_000_000},
}


def read_option(written: OptionSyntax, pattern: str, sink: Sink) -> OptionValue | None:
    """The value of one option; None where it is wrong, which is reported."""
    name, span = written.name.text, written.name.span
    option = OPTIONS.get(name)
    if option is None:
        valid = [other.name for other in OPTIONS.values() if pattern in other.patterns and other.is_supported]
        sink.error("S023", f"unknown option '{name}'", span, did_you_mean(name, valid) or one_of(valid))
        return None
    if pattern not in option.patterns:
        patterns = " and ".join(p for p in PATTERNS if p in option.patterns)
        sink.error("S024", f"'{name}' is an option of {patterns}, not of {pattern}", span, _instead(name, pattern))
        return None
    if not option.is_supported:
        sink.error("S004", f"option '{name}' is not supported yet", span)
        return None
    return _read_value(option, written.value, sink)


def _instead(name: str, pattern: str) -> str:
    """What the same wish is called in another pattern."""
    groups = (
        ("max_publishers", "max_pushers", "max_requesters"),
        ("max_subscribers", "max_pullers", "max_repliers"),
        ("max_size", "max_request_size"),
        ("timeout", "lifespan", "deadline"),
    )
    names = [n for group in groups if name in group for n in group if pattern in OPTIONS[n].patterns]
    return f"did you mean '{names[0]}'?" if names else ""


def _read_value(option: Option, value: Value, sink: Sink) -> OptionValue | None:
    match option.kind:
        case Kind.COUNT:
            return (
                _in_range(option, integer(value.text), value, sink)
                if _is(value, ValueKind.INTEGER, option, sink)
                else None
            )
        case Kind.SIZE:
            return _read_quantity(option, value, SIZE_UNITS, "8MiB", sink)
        case Kind.DURATION:
            return _read_quantity(option, value, DURATION_UNITS, "50ms", sink)
        case Kind.BOOLEAN:
            return _read_boolean(option, value, sink)
        case Kind.CHOICE:
            return _read_choice(option, value, sink)


def _is(value: Value, kind: ValueKind, option: Option, sink: Sink) -> bool:
    if value.kind is kind:
        return True
    sink.error("S026", f"'{option.name}' is {option.kind.value}, not {_shown(value)}", value.span)
    return False


def _shown(value: Value) -> str:
    return f"'{value.text}'"


def _in_range(option: Option, number: int, value: Value, sink: Sink) -> int | None:
    if option.low <= number <= option.high:
        return number
    bounds = f"{option.low:,} to {option.high:,}"
    if option.kind is Kind.DURATION:
        bounds = "more than 0"
    elif option.kind is Kind.SIZE:
        bounds = f"{option.low:,} to {option.high:,} B"
    sink.error("S026", f"'{option.name}' is {bounds}, not {value.text}", value.span)
    return None


def _read_quantity(option: Option, value: Value, units: Mapping[str, int], example: str, sink: Sink) -> int | None:
    if value.kind is ValueKind.INTEGER and option.kind is Kind.SIZE:
        return _in_range(option, integer(value.text), value, sink)
    if value.kind in (ValueKind.INTEGER, ValueKind.FLOAT):
        number = value.text
        sink.error("S025", f"'{option.name}' needs a unit: is {number} in ms or s?", value.span,
                   f"write {number}ms or {number}s")  # fmt: skip
        return None
    if not _is(value, ValueKind.QUANTITY, option, sink):
        return None
    match = re.fullmatch(r"([0-9.]+)([A-Za-z]+)", value.text)
    assert match is not None
    amount, unit = match.groups()
    if unit not in units:
        hint = did_you_mean(unit, units) or f"units are {', '.join(units)}, as in {example}"
        sink.error("S025", f"unknown unit '{unit}' for {option.kind.value}", value.span, hint)
        return None
    return _in_range(option, _scaled(amount, units[unit]), value, sink)


def _scaled(amount: str, unit: int) -> int:
    """`1.5` units as an integer, without a rounding error on the way."""
    whole, _, fraction = amount.partition(".")
    fraction = fraction[:_DIGITS_THAT_COUNT]
    return integer(whole) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)


def _read_boolean(option: Option, value: Value, sink: Sink) -> bool | None:
    if value.kind is ValueKind.WORD and value.text in ("true", "false"):
        return value.text == "true"
    sink.error("S026", f"'{option.name}' is true or false, not {_shown(value)}", value.span)
    return None


def _read_choice(option: Option, value: Value, sink: Sink) -> str | None:
    if value.kind is ValueKind.WORD and value.text in option.choices:
        return value.text
    hint = did_you_mean(value.text, option.choices) or one_of(option.choices)
    sink.error("S026", f"'{option.name}' is {' or '.join(option.choices)}, not {_shown(value)}", value.span, hint)
    return None
