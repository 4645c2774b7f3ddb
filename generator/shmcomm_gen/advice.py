# SPDX-License-Identifier: Apache-2.0
"""What is legal for each option by itself and still cannot be meant: sizes nobody chose, options that get in each other's
way, more memory than there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shmcomm_gen.diagnostics import Related, Sink
from shmcomm_gen.model import Channel, Field, Record, RecordType, Schema, Type, UnionType, VectorType
from shmcomm_gen.options import UNBOUNDED_MAX_SIZE
from shmcomm_gen.source import Span
from shmcomm_gen.syntax import ChannelSyntax

_SMALLEST_RING = 16
_PREFAULT_WORTH_A_WORD = 1 << 30
_ADDRESS_SPACE = 1 << 46  # half of what a process on x86-64 has: others map it beside their own
_MAX_SIZES = {"pubsub": ("max_size",), "pushpull": ("max_size",), "reqrep": ("max_request_size", "max_reply_size")}


def advise(schema: Schema, written: tuple[ChannelSyntax, ...], sink: Sink) -> None:
    """Advice about a schema with errors would be about what is not meant anyway."""
    is_sound = not sink.has_errors
    syntax = {one.name.span: one for one in written}
    for channel in schema.channels:
        one = syntax[channel.span]
        is_mappable = _check_address_space(channel, one, sink)
        if is_sound:
            _warn_of_history(channel, one, sink)
            _warn_of_unbounded(channel, one, schema, sink)
        if is_sound and is_mappable:
            _warn_of_prefault(channel, one, sink)


# ---- sizes


def _warn_of_unbounded(channel: Channel, written: ChannelSyntax, schema: Schema, sink: Sink) -> None:
    """Of strings alone nobody makes a message of 16 MiB; of vectors somebody does."""
    given = {option.name.text for option in written.options}
    options = _MAX_SIZES[written.pattern.text]
    for option, mention, message in zip(options, written.messages, channel.messages, strict=True):
        field = _unbounded_field(schema.records[message], schema, set(), set())
        if field is not None and option not in given:
            sink.warning("S044", f"'{mention.name}' may be of any size, and channel '{channel.identifier}' carries none above "
                         f"{_shown(UNBOUNDED_MAX_SIZE)}", mention.span, f"say how large it becomes: {option}: 1MiB",
                         Related(field.span, f"'{field.name}' has no bound"))  # fmt: skip


def _unbounded_field(record: Record, schema: Schema, open_: set[str], bounded: set[str]) -> Field | None:
    """The first vector, or table within itself, that a message reaches; deprecated fields are never written. `open_` are
    the tables around this one, `bounded` those already looked through."""
    if record.is_struct or record.name in bounded:
        return None
    open_.add(record.name)
    for field in record.fields:
        if isinstance(field.type, VectorType) and not (field.deprecated or field.is_tag):
            return field
        for inner in () if field.deprecated else _tables(field.type, schema):
            found = field if inner.name in open_ else _unbounded_field(inner, schema, open_, bounded)
            if found is not None:
                return found
    open_.discard(record.name)
    bounded.add(record.name)
    return None


def _tables(type_: Type, schema: Schema) -> Iterator[Record]:
    if isinstance(type_, RecordType):
        yield schema.records[type_.name]
    elif isinstance(type_, UnionType):
        members = (member.type for member in schema.unions[type_.name].members)
        yield from (schema.records[one.name] for one in members if isinstance(one, RecordType))


# ---- memory


def _check_address_space(channel: Channel, written: ChannelSyntax, sink: Sink) -> bool:
    """Whether anybody can map the file of one publisher."""
    slots = slots_of(channel)
    needed = slots * channel.qos.max_size * 3 // 2  # A builder grows by halves, and a slot holds all of it.
    if needed <= _ADDRESS_SPACE:
        return True
    what = f"{slots:,} slots of {_shown(channel.qos.max_size)} are more than a process can map ({_shown(_ADDRESS_SPACE)})"
    sink.error("S047", what, _span_of(written, "max_size", "capacity", "max_subscribers"),
               "lower max_size, capacity or max_subscribers")  # fmt: skip
    return False


def _warn_of_prefault(channel: Channel, written: ChannelSyntax, sink: Sink) -> None:
    slots, size = slots_of(channel), channel.qos.max_size
    if channel.qos.prefault and slots * size >= _PREFAULT_WORTH_A_WORD:
        what = f"prefault commits {slots:,} slots of {_shown(size)} for each publisher: {_shown(slots * size)}"
        sink.warning("S046", what, _span_of(written, "prefault"), "lower max_size, capacity or max_subscribers")


def slots_of(channel: Channel) -> int:
    """As the runtime lays out the file of a publisher: the ring, what subscribers hold, loans, and one more."""
    qos = channel.qos
    ring = 1 << (max(_SMALLEST_RING, qos.capacity, qos.history + 1) - 1).bit_length()
    held = qos.max_subscribers * qos.max_borrowed if channel.pattern == "pubsub" else 0  # A job is held in the ring.
    return ring + held + qos.max_loans + 1


# ---- options together


def _warn_of_history(channel: Channel, written: ChannelSyntax, sink: Sink) -> None:
    qos = channel.qos
    if qos.reliability == "reliable" and qos.history > qos.capacity:
        what = f"a late joiner starts {qos.history:,} messages behind, and a reliable publisher waits at {qos.capacity:,}"
        sink.warning("S045", what, _span_of(written, "history"), f"write capacity: {qos.history}; or less history",
                     Related(_span_of(written, "capacity"), f"the capacity is {qos.capacity:,}"))  # fmt: skip


def _span_of(written: ChannelSyntax, *names: str) -> Span:
    """The first of these options that is written, else the channel."""
    spans: Mapping[str, Span] = {option.name.text: option.name.span for option in written.options}
    return next((spans[name] for name in names if name in spans), written.name.span)


def _shown(size: int) -> str:
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} B"
