# SPDX-License-Identifier: Apache-2.0
"""Locks: what the programs of a schema have agreed on, kept in a file beside it, and whether the schema still keeps to it.

A lock is a schema file itself: the channels with the options their programs share and the types they carry, or all types of a file
without channels, with everything spelled out and nothing included. So a review shows what an agreement becomes, and what
is wrong is shown at its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from shmcomm_gen.diagnostics import Related, Sink
from shmcomm_gen.evolution import Difference, compare
from shmcomm_gen.fingerprint import reachable
from shmcomm_gen.formatter import formatted
from shmcomm_gen.load import load
from shmcomm_gen.model import Attributes, Channel, EnumType, Field, Record, Schema, Union, namespace_of
from shmcomm_gen.options import OPTIONS, Kind, Option
from shmcomm_gen.resolve import resolve
from shmcomm_gen.source import Span
from shmcomm_gen.targets import fbs

# Attributes that decide what bytes mean.
_KEPT = (
    "id", "required", "deprecated", "key", "force_align", "bit_flags", "nested_flatbuffer", "flexbuffer", "offset64",
    "vector64",
)  # fmt: skip
# What the model calls an option; the others have their own names.
_IN_MODEL = {
    "deadline": "deadline_ns", "lifespan": "lifespan_ns", "timeout": "timeout_ns", "max_request_size": "max_size",
    "max_requesters": "max_publishers", "max_pushers": "max_publishers", "max_repliers": "max_subscribers",
    "max_pullers": "max_subscribers",
}  # fmt: skip
# Each program may have its own, so they are in no lock.
_OF_ONE_PROGRAM = ("max_size", "max_request_size", "max_reply_size", "verify", "prefault", "timeout")


# ---- writing -----------------------------------------------------------------------------------------------------


def lock_text(schema: Schema) -> str:
    bare = _bare(schema)
    names = set[str]().union(*(reachable(root, bare) for root in _roots(schema)))
    lines = [
        f"// What the programs of {schema.main.name} have agreed on: shmcommc --compatible-with holds it to this.",
        f"// Where a change is meant, write it anew: shmcommc lock {schema.main.name}",
    ]
    namespace = ""
    for name in sorted(names, key=lambda name: (namespace_of(name), name)):
        if namespace_of(name) != namespace:
            namespace = namespace_of(name)
            lines += ["", f"namespace {namespace};"]
        lines += ["", *fbs.declaration(name, bare)]
    for channel in schema.channels:
        if channel.namespace != namespace:
            namespace = channel.namespace
            lines += ["", f"namespace {namespace};"]
        lines += ["", *_channel_lines(channel)]
    return formatted("\n".join(lines) + "\n")


def _roots(schema: Schema) -> list[str]:
    if schema.channels:
        carried = [message for channel in schema.channels for message in channel.messages]
    else:
        carried = list(schema.main.types)
    return carried + _nested(carried, schema)


def _nested(roots: list[str], schema: Schema) -> list[str]:
    """Tables whose messages lie in fields of those that `roots` reach, and so on."""
    found: dict[str, None] = {}
    waiting = list(roots)
    while waiting:
        records = (schema.records[name] for name in reachable(waiting.pop(), schema) if name in schema.records)
        inner = {one.nested for record in records for one in record.fields if one.nested} - found.keys()
        found |= dict.fromkeys(sorted(inner))
        waiting += inner
    return list(found)


def _bare(schema: Schema) -> Schema:
    """Without documentation, and without attributes that are remarks."""
    return replace(
        schema,
        records={name: _bare_record(one) for name, one in schema.records.items()},
        enums={
            name: replace(one, doc=(), attributes=_kept(one.attributes),
                          values=tuple(replace(value, doc=(), attributes=()) for value in one.values))
            for name, one in schema.enums.items()
        },
        unions={
            name: replace(one, doc=(), attributes=(), members=tuple(replace(m, doc=(), attributes=()) for m in one.members))
            for name, one in schema.unions.items()
        },
    )  # fmt: skip


def _bare_record(record: Record) -> Record:
    fields = tuple(replace(one, doc=(), attributes=_field_attributes(one)) for one in record.fields)
    return replace(record, doc=(), attributes=_kept(record.attributes), fields=fields)


def _field_attributes(one: Field) -> Attributes:
    return tuple((name, one.nested if name == "nested_flatbuffer" else text) for name, text in _kept(one.attributes))


def _kept(attributes: Attributes) -> Attributes:
    return tuple((name, text) for name, text in attributes if name in _KEPT)


def _channel_lines(channel: Channel) -> Iterator[str]:
    name = channel.name.replace("\\", "\\\\").replace('"', '\\"')
    yield f'channel {channel.identifier} = "{name}" : {channel.pattern}<{", ".join(channel.messages)}> {{'
    for option in _options(channel):
        value = _value(option, channel)
        if value:
            yield f"  {option.name}: {value};"
    yield "}"


def _options(channel: Channel) -> Iterator[Option]:
    for option in OPTIONS.values():
        has_meaning = option.name != "on_full" or channel.pattern != "pubsub" or channel.qos.reliability == "reliable"
        is_shared = option.is_supported and option.name not in _OF_ONE_PROGRAM
        if is_shared and has_meaning and channel.pattern in option.patterns:
            yield option


def _value(option: Option, channel: Channel) -> str:
    """As the language writes it; empty for a duration that is none."""
    value = getattr(channel.qos, _IN_MODEL.get(option.name, option.name))
    if option.kind is Kind.DURATION:
        return f"{value}ns" if value else ""
    return str(value).lower() if option.kind is Kind.BOOLEAN else str(value)


# ---- checking ----------------------------------------------------------------------------------------------------


def check_lock(path: Path, schema: Schema, sink: Sink) -> None:
    """Reports every way in which programs of `schema` and of the lock at `path` would not understand each other."""
    said = Sink()
    closure = load(path, (), said)
    locked = resolve(closure, said)
    if said.has_errors:
        hint = f"write it: shmcommc lock {schema.main.name}"
        sink.error("S050", f"the lock '{path.name}' cannot be read as one", None, hint)
        sink.take(said)
        return
    check = _Check(locked, schema, path.name, sink)
    check.channels()
    check.types()


class _Check:
    def __init__(self, locked: Schema, schema: Schema, name: str, sink: Sink) -> None:
        self._locked, self._schema, self._name, self._sink = locked, schema, name, sink
        self._told: set[tuple[str, str]] = set()

    def _error(self, what: str, span: Span | None, locked: Span | None) -> None:
        hint = f"keep to '{self._name}', or lock anew"
        self._sink.error("S049", what, span or locked, hint,
                         Related(locked, f"as '{self._name}' has it") if span and locked else None)  # fmt: skip

    def channels(self) -> None:
        now = {channel.name: channel for channel in self._schema.channels}
        for old in self._locked.channels:
            new = now.get(old.name)
            if new is None:
                self._error(f"channel '{old.name}' is gone", None, old.span)
            elif (old.pattern, old.messages) != (new.pattern, new.messages):
                self._error(f"channel '{old.name}': {_carries(old)} -> {_carries(new)}", new.span, old.span)
            else:
                self._options(old, new)

    def _options(self, old: Channel, new: Channel) -> None:
        """A program with other options is refused at open."""
        before, after = ({one.name: _value(one, channel) for one in _options(channel)} for channel in (old, new))
        for name in dict.fromkeys((*before, *after)):
            values = before.get(name), after.get(name)
            if values[0] != values[1]:
                shown = " -> ".join(value or "none" for value in values)
                self._error(f"channel '{old.name}': {name} {shown}", new.span, old.span)

    def types(self) -> None:
        locked, known = _types(self._locked), _types(self._schema)
        for root in _roots(self._locked):
            if root in known:
                self._compare(root)
            elif not self._locked.channels:
                self._error(f"type '{root}' is gone", None, locked[root].span)

    def _compare(self, root: str) -> None:
        forward = compare(self._locked, self._schema, root)
        back = [one for one in compare(self._schema, self._locked, root) if one.is_breaking]
        broken = {one.subject for one in back}
        for one in forward:
            if one.is_breaking or one.subject in broken:
                self._tell(one, one.text, one.reader, one.writer)
            else:
                self._warn(one)
        for one in back:  # What only programs of the lock would notice.
            self._tell(one, f"to programs of the lock, {one.text}", one.writer, one.reader)

    def _tell(self, one: Difference, text: str, span: Span | None, locked: Span | None) -> None:
        if one.subject not in self._told:
            self._told.add(one.subject)
            self._error(text, span, locked)

    def _warn(self, one: Difference) -> None:
        if "' default " in one.text and one.subject not in self._told:
            self._told.add(one.subject)
            self._sink.warning("S051", one.text, one.reader, "programs of the lock see the other one",
                               Related(one.writer, f"as '{self._name}' has it") if one.writer else None)  # fmt: skip


def _types(schema: Schema) -> Mapping[str, Record | EnumType | Union]:
    return {**schema.records, **schema.enums, **schema.unions}


def _carries(channel: Channel) -> str:
    return f"{channel.pattern}<{', '.join(channel.messages)}>"
