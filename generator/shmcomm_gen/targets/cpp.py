# SPDX-License-Identifier: Apache-2.0
"""C++: `<stem>.shm.h`, a type of facts and a few aliases a channel, and `<stem>.shm.cc`, the facts and the schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from shmcomm_gen.fingerprint import fingerprint
from shmcomm_gen.model import QOS_OF, ROLES, Channel, Schema, namespace_of, short_name
from shmcomm_gen.targets.cppnames import escaped
from shmcomm_gen.templating import render

_BYTES_A_LINE = 24

_PATTERNS = {"pubsub": "kPubSub", "pushpull": "kPushPull", "reqrep": "kReqRep"}
_ENUMS = {
    "reliability": ("Reliability", {"best_effort": "kBestEffort", "reliable": "kReliable"}),
    "on_full": ("OnFull", {"block": "kBlock", "fail": "kFail"}),
    "verify": ("Verify", {"trusted": "kTrusted", "verify": "kVerify", "untrusted": "kUntrusted"}),
}


@dataclass(frozen=True)
class ChannelView:
    """A channel as the templates need it: names, and statements as text."""

    stem: str
    doc: tuple[str, ...]
    types: tuple[str, ...]
    aliases: tuple[str, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True)
class NamespaceView:
    """Channels that follow each other in one namespace, with its opening and closing lines."""

    opening: tuple[str, ...]
    channels: tuple[ChannelView, ...]
    closing: tuple[str, ...]


def header_text(schema: Schema) -> str:
    return render("cpp.h.j2", file=schema.main, namespaces=_namespaces(schema))


def source_text(schema: Schema, schema_bytes: bytes) -> str:
    lines = _byte_lines(schema_bytes) if schema.channels else []
    return render("cpp.cc.j2", file=schema.main, namespaces=_namespaces(schema), byte_lines=lines)


def _namespaces(schema: Schema) -> list[NamespaceView]:
    views: list[NamespaceView] = []
    for namespace, channels in groupby(schema.channels, key=lambda c: c.namespace):
        name = namespace.replace(".", "::")
        views.append(
            NamespaceView(
                opening=(f"namespace {name} {{",) if name else (),
                channels=tuple(_channel(channel, schema) for channel in channels),
                closing=(f"}}  // namespace {name}",) if name else (),
            )
        )
    return views


def _channel(channel: Channel, schema: Schema) -> ChannelView:
    carried = ", ".join(short_name(message) for message in channel.messages)
    return ChannelView(
        stem=channel.stem,
        doc=(*(line.rstrip("\\ ") for line in channel.doc), f" Channel '{channel.name}', {channel.pattern}<{carried}>."),
        types=tuple(f"using {name} = ::{_cpp_name(message)};" for name, message in _roles_of_messages(channel)),
        aliases=tuple(_aliases(channel, schema)),
        facts=tuple(_facts(channel, schema)),
    )


def _roles_of_messages(channel: Channel) -> tuple[tuple[str, str], ...]:
    if channel.reply:
        return (("Request", channel.message), ("Reply", channel.reply))
    return (("Message", channel.message),)


def _sample(channel: Channel, role: str, message: str) -> str:
    if role == "Request":
        return f"TypedRequest<{channel.stem}Channel>"
    kind = "TypedJob" if channel.pattern == "pushpull" else "TypedSample"
    return f"{kind}<::{_cpp_name(message)}>"


def _aliases(channel: Channel, schema: Schema) -> Iterator[str]:
    for role in ROLES[channel.pattern]:
        yield f"using {channel.stem}{role} = ::shmcomm::Typed{role}<{channel.stem}Channel>;"
    for role, message in _roles_of_messages(channel):
        name = f"{channel.stem}{role if channel.reply else ''}"
        yield f"using {name}Sample = ::shmcomm::{_sample(channel, role, message)};"
        if not schema.records[message].is_struct:
            yield f"using {name}Loan = ::shmcomm::TypedLoan<::{_cpp_name(message)}>;"


def _facts(channel: Channel, schema: Schema) -> Iterator[str]:
    """Assignments to the members of a ChannelSpec."""
    yield f"name = {_cpp_string(channel.name)}"
    yield f"declared_at = {_cpp_string(channel.span.place)}"
    yield f"pattern = ::shmcomm::Pattern::{_PATTERNS[channel.pattern]}"
    for option in QOS_OF[channel.pattern]:
        yield f"qos.{option} = {_value(option, getattr(channel.qos, option))}"
    yield from _type_facts("message", channel.message, schema)
    if channel.reply:
        yield from _type_facts("reply", channel.reply, schema)


def _value(option: str, value: int | str | bool) -> str:
    if option in _ENUMS:
        enum, names = _ENUMS[option]
        return f"::shmcomm::{enum}::{names[str(value)]}"
    return str(value).lower()


def _type_facts(member: str, message: str, schema: Schema) -> Iterator[str]:
    record = schema.records[message]
    yield f"{member}.name = {_cpp_string(message)}"
    yield f"{member}.fingerprint = 0x{fingerprint(message, schema):016x}u"
    yield f"{member}.is_struct = {'true' if record.is_struct else 'false'}"
    yield f"{member}.struct_bytes = {record.size}"
    yield f"{member}.schema = kSchema"
    yield f"{member}.schema_bytes = sizeof(kSchema)"


def _cpp_name(qualified: str) -> str:
    """As flatc spells it, which changes a type's own name and leaves namespaces alone."""
    name = short_name(qualified)
    return "::".join([*filter(None, namespace_of(qualified).split(".")), escaped(name)])


def _cpp_string(text: str) -> str:
    """A string literal; what is not plain ASCII becomes octal escapes, which end after three digits."""
    plain = [chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in text.encode()]
    return '"' + "".join(plain) + '"'


def _byte_lines(data: bytes) -> list[str]:
    chunks = (data[i : i + _BYTES_A_LINE] for i in range(0, len(data), _BYTES_A_LINE))
    return [" ".join(f"{byte}," for byte in chunk) for chunk in chunks]
