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
_REQUEST = ("sequence", "publish_ns", "requester", "attempt")
_REQUEST_METHODS = ("reply", "fail", "answered")

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
class ReplyView:
    """The reply of a reqrep channel. `received` is the class of what a requester gives."""

    message: str
    qualified: str
    fingerprint: str
    signature: str
    received: ReceivedView


@dataclass(frozen=True)
class ChannelView:
    """`template` describes the endpoints for type checkers. `received` is the class of what the receiving one gives,
    `reply` is there in reqrep alone."""

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
    stem: str
    reply: ReplyView | None

    @property
    def facts_of_reply(self) -> tuple[str, ...]:
        """Further arguments of the channel's declaration."""
        return (f'reply="{self.reply.qualified}", reply_fingerprint={self.reply.fingerprint},',) if self.reply else ()

    @property
    def samples(self) -> tuple[ReceivedView, ...]:
        """The classes of received messages that say nothing of their channel."""
        return (self.reply.received,) if self.reply else (self.received,)


def channel_views(schema: Schema, annotations: Annotations) -> tuple[ChannelView, ...]:
    return tuple(_channel(channel, schema, annotations) for channel in schema.channels)


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
        received=_RECEIVED[channel.pattern].view(channel.message, channel.stem, schema, annotations),
        stem=channel.stem,
        reply=_reply(channel, schema, annotations) if channel.reply else None,
    )


def _reply(channel: Channel, schema: Schema, annotations: Annotations) -> ReplyView:
    return ReplyView(
        message=annotations.names[channel.reply],
        qualified=channel.reply,
        fingerprint=f"0x{fingerprint(channel.reply, schema):016x}",
        signature=signature("self", schema.records[channel.reply], annotations),
        received=_RECEIVED["pubsub"].view(channel.reply, channel.stem, schema, annotations),
    )


@dataclass(frozen=True)
class _Received:
    """What a pattern's receiving end gives. The class of a request is its channel's: it knows the reply."""

    core: str
    numbers: tuple[str, ...]
    methods: tuple[str, ...] = ()
    is_of_channel: bool = False

    def view(self, message: str, stem: str, schema: Schema, annotations: Annotations) -> ReceivedView:
        fields = [field for field in schema.records[message].fields if not field.deprecated]
        # A field hides what a message says of itself; only where it is no int do the two disagree.
        is_at_odds = any(
            f.name in self.methods or (f.name in self.numbers and annotations.read_field(f) != "int") for f in fields
        )
        name = annotations.names[message]
        own_name = f"_{stem if self.is_of_channel else name}{self.core}"
        return ReceivedView(own_name, name, self.core, "  # type: ignore[misc]" if is_at_odds else "")


_RECEIVED = {
    "pubsub": _Received("Sample", _SAMPLE),
    "pushpull": _Received("Job", _JOB, _JOB_METHODS),
    "reqrep": _Received("Request", _REQUEST, _REQUEST_METHODS, is_of_channel=True),
}


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
