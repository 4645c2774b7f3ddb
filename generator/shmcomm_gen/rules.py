# SPDX-License-Identifier: Apache-2.0
"""What a whole schema must satisfy once its parts are right: names that the generated code puts side by side."""

from __future__ import annotations

import keyword

from shmcomm_gen.advice import advise
from shmcomm_gen.channels import channel_name
from shmcomm_gen.data import check_data
from shmcomm_gen.diagnostics import Related, Sink
from shmcomm_gen.load import Closure
from shmcomm_gen.model import ROLES, Channel, Schema, qualify
from shmcomm_gen.source import Span
from shmcomm_gen.syntax import ChannelSyntax

_SUFFIXES = {
    "pubsub": ("Channel", *ROLES["pubsub"], "Sample", "Loan"),
    "pushpull": ("Channel", *ROLES["pushpull"], "Sample", "Loan"),
    "reqrep": ("Channel", *ROLES["reqrep"], "RequestSample", "ReplySample", "RequestLoan", "ReplyLoan"),
}


def check(schema: Schema, closure: Closure, sink: Sink) -> None:
    _check_channel_names(closure, sink)
    _check_generated_names(schema, sink)
    _check_stems(closure, sink)
    check_data(schema, closure, sink)
    advise(schema, closure.files[0].channels if closure.files else (), sink)


def _check_channel_names(closure: Closure, sink: Sink) -> None:
    first: dict[str, ChannelSyntax] = {}
    for channel in closure.files[0].channels if closure.files else ():
        name = channel_name(channel)
        earlier = first.setdefault(name, channel)
        if earlier is not channel:
            sink.error("S008", f"two channels are named '{name}'", channel.name.span, "",
                       Related(earlier.name.span, "the first channel of this name"))  # fmt: skip


def _check_generated_names(schema: Schema, sink: Sink) -> None:
    """A channel's endpoints live beside the types of its namespace."""
    taken: dict[str, tuple[str, Span]] = {}
    for record in schema.records.values():
        taken[record.name] = (f"the type '{record.name}'", record.span)
    for enum in schema.enums.values():
        taken[enum.name] = (f"the type '{enum.name}'", enum.span)
    for union in schema.unions.values():
        taken[union.name] = (f"the type '{union.name}'", union.span)
    channels = {channel.name: channel for channel in reversed(schema.channels)}  # Of one name the first; S008 told the rest.
    for channel in reversed(channels.values()):
        generated = [qualify(channel.namespace, channel.stem + suffix) for suffix in _SUFFIXES[channel.pattern]]
        clash = next((name for name in generated if name in taken), None)
        if clash:
            what, span = taken[clash]
            sink.error("S009", f"channel '{channel.identifier}' generates '{clash}', which is {what} already",
                       channel.span, "rename one of the two", Related(span, what))  # fmt: skip
        for name in generated:
            taken.setdefault(name, (f"generated for channel '{channel.identifier}'", channel.span))


def check_package(schema: Schema, sink: Sink) -> None:
    """Only where Python is asked for: the package has the file's name, and one scope for all endpoints."""
    _check_package_name(schema, sink)
    first: dict[tuple[str, str], Channel] = {}
    for channel in schema.channels:
        earlier = first.setdefault((channel.pattern, channel.stem), channel)
        if earlier.namespace != channel.namespace:
            name = channel.stem + ROLES[channel.pattern][0]
            sink.error("S009", f"channel '{channel.identifier}' generates '{name}', which the Python package "
                       f"has from namespace '{earlier.namespace}' already", channel.span, "rename one of the two",
                       Related(earlier.span, f"generated for channel '{earlier.identifier}'"))  # fmt: skip


def _check_package_name(schema: Schema, sink: Sink) -> None:
    stem = schema.main.stem
    if not stem.isidentifier() or keyword.iskeyword(stem):
        sink.error("S038", f"'{schema.main.name}' would generate the Python package '{stem}', which no program could import",
                   None, "rename the file")  # fmt: skip


def _check_stems(closure: Closure, sink: Sink) -> None:
    """Output is named for the stem of its schema, so two files of one closure need two stems."""
    first: dict[str, str] = {}
    for file in closure.files:
        stem, label = file.source.stem, file.source.label
        earlier = first.setdefault(stem, label)
        if earlier != label:
            sink.error("S031", f"'{earlier}' and '{label}' would both generate '{stem}_generated.h'", None,
                       "rename one of the two files")  # fmt: skip
