# SPDX-License-Identifier: Apache-2.0
"""C++: `<stem>.shm.h`, a type of facts and four aliases a channel, and `<stem>.shm.cc`, the facts and the schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from shmcomm_gen.fingerprint import fingerprint
from shmcomm_gen.model import Channel, Schema, namespace_of, short_name
from shmcomm_gen.templating import render

# Words flatc changes where it meets them as names: it appends an underscore.
_KEYWORDS = frozenset(
    "alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept auto bitand bitor bool break case catch "
    "char char16_t char32_t char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr "
    "constinit continue decltype default defined delete do double dynamic_cast else enum explicit export extern false "
    "float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq "
    "private protected public register reinterpret_cast requires return short signed sizeof static static_assert "
    "static_cast struct switch synchronized template this thread_local throw true try typedef typeid typename union "
    "unsigned using virtual void volatile wchar_t while xor xor_eq".split()
)
_BYTES_A_LINE = 24

_RELIABILITY = {"best_effort": "kBestEffort", "reliable": "kReliable"}
_ON_FULL = {"block": "kBlock", "fail": "kFail"}
_VERIFY = {"trusted": "kTrusted", "verify": "kVerify", "untrusted": "kUntrusted"}


@dataclass(frozen=True)
class ChannelView:
    """A channel as the templates need it: names, and statements as text."""

    stem: str
    doc: tuple[str, ...]
    message: str
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
    message = f"::{_cpp_name(channel.message)}"
    return ChannelView(
        stem=channel.stem,
        doc=(*(line.rstrip("\\ ") for line in channel.doc), f" Channel '{channel.name}', pubsub<{short_name(channel.message)}>."),
        message=message,
        aliases=tuple(_aliases(channel, schema)),
        facts=tuple(_facts(channel, schema)),
    )


def _aliases(channel: Channel, schema: Schema) -> Iterator[str]:
    message = f"::{_cpp_name(channel.message)}"
    yield f"using {channel.stem}Publisher = ::shmcomm::TypedPublisher<{channel.stem}Channel>;"
    yield f"using {channel.stem}Subscriber = ::shmcomm::TypedSubscriber<{channel.stem}Channel>;"
    yield f"using {channel.stem}Sample = ::shmcomm::TypedSample<{message}>;"
    if not schema.records[channel.message].is_struct:
        yield f"using {channel.stem}Loan = ::shmcomm::TypedLoan<{message}>;"


def _facts(channel: Channel, schema: Schema) -> Iterator[str]:
    """Assignments to the members of a ChannelSpec."""
    qos, record = channel.qos, schema.records[channel.message]
    yield f"name = {_cpp_string(channel.name)}"
    yield f"declared_at = {_cpp_string(channel.span.place)}"
    yield "pattern = ::shmcomm::Pattern::kPubSub"
    yield f"qos.history = {qos.history}"
    yield f"qos.capacity = {qos.capacity}"
    yield f"qos.max_size = {qos.max_size}"
    yield f"qos.reliability = ::shmcomm::Reliability::{_RELIABILITY[qos.reliability]}"
    yield f"qos.on_full = ::shmcomm::OnFull::{_ON_FULL[qos.on_full]}"
    yield f"qos.deadline_ns = {qos.deadline_ns}"
    yield f"qos.lifespan_ns = {qos.lifespan_ns}"
    yield f"qos.max_publishers = {qos.max_publishers}"
    yield f"qos.max_subscribers = {qos.max_subscribers}"
    yield f"qos.max_borrowed = {qos.max_borrowed}"
    yield f"qos.max_loans = {qos.max_loans}"
    yield f"qos.verify = ::shmcomm::Verify::{_VERIFY[qos.verify]}"
    yield f"qos.prefault = {'true' if qos.prefault else 'false'}"
    yield f"message.name = {_cpp_string(channel.message)}"
    yield f"message.fingerprint = 0x{fingerprint(channel.message, schema):016x}u"
    yield f"message.is_struct = {'true' if record.is_struct else 'false'}"
    yield f"message.struct_bytes = {record.size}"
    yield "message.schema = kSchema"
    yield "message.schema_bytes = sizeof(kSchema)"


def _cpp_name(qualified: str) -> str:
    """As flatc spells it, which changes a type's own name and leaves namespaces alone."""
    name = short_name(qualified)
    return "::".join([*filter(None, namespace_of(qualified).split(".")), name + "_" if name in _KEYWORDS else name])


def _cpp_string(text: str) -> str:
    """A string literal; what is not plain ASCII becomes octal escapes, which end after three digits."""
    plain = [chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in text.encode()]
    return '"' + "".join(plain) + '"'


def _byte_lines(data: bytes) -> list[str]:
    chunks = (data[i : i + _BYTES_A_LINE] for i in range(0, len(data), _BYTES_A_LINE))
    return [" ".join(f"{byte}," for byte in chunk) for chunk in chunks]
