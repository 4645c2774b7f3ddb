# SPDX-License-Identifier: Apache-2.0
"""What Python's package says of each channel: its facts, its endpoints, and what their methods take and give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from shmcomm_gen.fingerprint import fingerprint
from shmcomm_gen.model import QOS_OF, ROLES, Channel, Schema, short_name
from shmcomm_gen.targets.annotations import Annotations
from shmcomm_gen.targets.pyfields import docstring, literal, loaned, signature

# What the runtime's class says of each message that an endpoint gives; a field of the same name comes first.
_SAMPLE = ("sequence", "lost", "publish_ns", "publisher")
_JOB = ("sequence", "publish_ns", "pusher", "attempt")
_JOB_METHODS = ("done", "give_back")

_TIMEOUT = "timeout: int | _timedelta | None = ..."
_LONGEST_LINE = 100


@dataclass(frozen=True)
class EndpointView:
    """`role` is what the runtime calls it: publisher, puller."""

    name: str
    role: str


@dataclass(frozen=True)
class ReceivedView:
    """The class of a message that an endpoint gives: its type's and the runtime's `core` in one. `remark` quiets a checker
    where a field hides something of the latter that is no int."""

    name: str
    message: str
    core: str
    remark: str


@dataclass(frozen=True)
class ChannelView:
    """`template` describes the endpoints for type checkers. `received` is the class of what the receiving one gives."""

    identifier: str
    template: str
    pattern: str
    name: str
    endpoints: tuple[EndpointView, ...]
    message: str
    qualified: str
    fingerprint: str
    declared_at: str
    facts: tuple[str, ...]
    doc: str
    signature: str
    timed_signature: str
    loan_signature: str
    received: ReceivedView


def generated_channels(schema: Schema) -> tuple[Channel, ...]:
    """Endpoints of reqrep are not there yet."""
    return tuple(channel for channel in schema.channels if channel.pattern != "reqrep")


def channel_views(schema: Schema, annotations: Annotations) -> tuple[ChannelView, ...]:
    return tuple(_channel(channel, schema, annotations) for channel in generated_channels(schema))


def _channel(channel: Channel, schema: Schema, annotations: Annotations) -> ChannelView:
    message = schema.records[channel.message]
    carried = ", ".join(short_name(name) for name in channel.messages)
    timeouts = () if any(field.name == "timeout" for field in message.fields) else (_TIMEOUT,)
    return ChannelView(
        identifier=channel.identifier,
        template=f"python.{channel.pattern}.pyi.j2",
        pattern=channel.pattern,
        name=literal(channel.name),
        endpoints=tuple(EndpointView(channel.stem + role, role.lower()) for role in ROLES[channel.pattern]),
        message=annotations.names[channel.message],
        qualified=channel.message,
        fingerprint=f"0x{fingerprint(channel.message, schema):016x}",
        declared_at=literal(channel.span.place),
        facts=tuple(_lines(_facts(channel))),
        doc=docstring((*channel.doc, f"Channel '{channel.name}', {channel.pattern}<{carried}>."), ""),
        signature=signature("self", message, annotations),
        timed_signature=signature("self", message, annotations, more=timeouts),
        loan_signature=signature("self", message, annotations, loaned),
        received=_received(channel, schema, annotations),
    )


def _received(channel: Channel, schema: Schema, annotations: Annotations) -> ReceivedView:
    kind, numbers, methods = ("Job", _JOB, _JOB_METHODS) if channel.pattern == "pushpull" else ("Sample", _SAMPLE, ())
    fields = [field for field in schema.records[channel.message].fields if not field.deprecated]
    # A field hides what a message says of itself; only where it is no int do the two disagree.
    is_at_odds = any(f.name in methods or (f.name in numbers and annotations.read_field(f) != "int") for f in fields)
    name = annotations.names[channel.message]
    return ReceivedView(f"_{name}{kind}", name, kind, "  # type: ignore[misc]" if is_at_odds else "")


def _facts(channel: Channel) -> Iterator[str]:
    """The options as keyword arguments."""
    for option in QOS_OF[channel.pattern]:
        value = getattr(channel.qos, option)
        yield f"{option}={json.dumps(value) if isinstance(value, str) else value}"


def _lines(arguments: Iterator[str]) -> Iterator[str]:
    """As many in a line as fit."""
    line = ""
    for argument in arguments:
        if line and len(line) + len(argument) + 2 > _LONGEST_LINE:
            yield f"{line},"
            line = argument
        else:
            line = f"{line}, {argument}" if line else argument
    yield f"{line},"
