# SPDX-License-Identifier: Apache-2.0
"""Channel declarations: message types, profiles, options and their defaults."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from shmcomm_gen.diagnostics import Related, Sink, declared_at, did_you_mean, one_of
from shmcomm_gen.model import Channel, Qos, Record
from shmcomm_gen.names import Names
from shmcomm_gen.options import OPTIONS, PATTERNS, PROFILES, UNBOUNDED_MAX_SIZE, OptionValue, read_option
from shmcomm_gen.scalars import SCALARS
from shmcomm_gen.sizing import largest_message
from shmcomm_gen.source import Span
from shmcomm_gen.syntax import ChannelSyntax, EnumSyntax, OptionSyntax, RecordSyntax, TypeName

_MAX_NAME_BYTES = 200
_MESSAGES_OF = {
    "pubsub": (1, "pubsub<Message>"),
    "pushpull": (1, "pushpull<Job>"),
    "reqrep": (2, "reqrep<Request, Reply>"),
}
# What each pattern calls the sizes of its messages, those who write and those who read.
_OPTIONS_OF = {
    "pubsub": (("max_size",), "max_publishers", "max_subscribers"),
    "pushpull": (("max_size",), "max_pushers", "max_pullers"),
    "reqrep": (("max_request_size", "max_reply_size"), "max_requesters", "max_repliers"),
}


def channel_name(written: ChannelSyntax) -> str:
    """What the runtime opens: the name given, else the namespace and the identifier, as in `robot/imu`."""
    if written.channel_name is not None:
        return written.channel_name.text
    return "/".join([*filter(None, written.namespace.split(".")), written.name.text])


@dataclass(frozen=True)
class ChannelResolver:
    names: Names
    records: Mapping[str, Record]
    sink: Sink

    def resolve(self, written: ChannelSyntax) -> Channel | None:
        """The channel; None where it is wrong, which is reported."""
        name = channel_name(written)
        self._check_name(written, name)
        pattern = written.pattern.text
        if pattern not in PATTERNS:
            self.sink.error("S029", f"unknown pattern '{pattern}'", written.pattern.span,
                            did_you_mean(pattern, PATTERNS) or one_of(PATTERNS))  # fmt: skip
            return None
        messages = self._messages(written, pattern)
        options = self._options(written, pattern)
        if messages is None:
            return None
        return Channel(
            identifier=written.name.text,
            namespace=written.namespace,
            name=name,
            message=messages[0],
            qos=self._qos(written, messages, options),
            doc=written.doc,
            span=written.name.span,
            pattern=pattern,
            reply=messages[1] if pattern == "reqrep" else "",
        )

    def _check_name(self, written: ChannelSyntax, name: str) -> None:
        span = written.channel_name.span if written.channel_name else written.name.span
        size = len(name.encode())
        if not 1 <= size <= _MAX_NAME_BYTES:
            self.sink.error("S030", f"a channel's name is 1 to {_MAX_NAME_BYTES} bytes, not {size}", span)
        elif any(unicodedata.category(char) == "Cc" for char in name):
            self.sink.error("S030", "a channel's name holds no control characters", span)

    def _messages(self, written: ChannelSyntax, pattern: str) -> list[str] | None:
        count, example = _MESSAGES_OF[pattern]
        if len(written.messages) != count:
            span = Span(written.name.span.source, written.messages[0].span.start, written.messages[-1].span.end)
            what = "one message type" if count == 1 else "two message types"
            self.sink.error("S029", f"{pattern} carries {what}, not {len(written.messages)}", span, f"write {example}")
            return None
        found = [self._message(mention, written.namespace) for mention in written.messages]
        return None if None in found else [name for name in found if name is not None]

    def _message(self, mention: TypeName, namespace: str) -> str | None:
        if mention.name in SCALARS or mention.name == "string":
            self.sink.error("S015", f"a channel carries tables and structs, not '{mention.name}'", mention.span,
                            "wrap it in a struct or table")  # fmt: skip
            return None
        name = self.names.find(mention, namespace)
        if name is None:
            return None
        declaration = self.names.declaration(name)
        if not isinstance(declaration, RecordSyntax):
            what = "enum" if isinstance(declaration, EnumSyntax) else "union"
            self.sink.error("S015", f"a channel carries tables and structs, not the {what} '{mention.name}'",
                            mention.span, "wrap it in a struct or table",
                            declared_at(mention.name, declaration.name.span))  # fmt: skip
            return None
        return name

    # ---- options ----

    def _options(self, written: ChannelSyntax, pattern: str) -> dict[str, OptionValue]:
        """What profiles and options say; options win over profiles, later profiles over earlier ones."""
        said: dict[str, OptionValue] = {}
        for profile in written.profiles:
            if profile.text not in PROFILES:
                hint = did_you_mean(profile.text, PROFILES) or one_of(PROFILES)
                self.sink.error("S028", f"unknown profile '{profile.text}'", profile.span, hint)
            elif pattern != "pubsub":
                self.sink.error("S028", f"profile '{profile.text}' is for pubsub, not for {pattern}", profile.span)
            else:
                said |= PROFILES[profile.text]
        first: dict[str, OptionSyntax] = {}
        for option in written.options:
            earlier = first.setdefault(option.name.text, option)
            if earlier is not option:
                self.sink.error("S032", f"option '{option.name.text}' is given twice", option.name.span, "",
                                Related(earlier.name.span, "first given here"))  # fmt: skip
                continue
            value = read_option(option, pattern, self.sink)
            if value is not None:
                said[option.name.text] = value
        if pattern == "pubsub":
            self._check_effect(first, said)
        if said.get("at_most_once", False):
            self._give_out_once(first, said)
        return said

    def _give_out_once(self, written: Mapping[str, OptionSyntax], said: dict[str, OptionValue]) -> None:
        """`at_most_once` says max_attempts: 1."""
        if said.setdefault("max_attempts", 1) != 1:
            self.sink.error("S033", "'max_attempts' has no effect: at_most_once gives a job out once",
                            written["max_attempts"].name.span, "drop one of them",
                            Related(written["at_most_once"].name.span, "a job is given out once"))  # fmt: skip

    def _check_effect(self, written: Mapping[str, OptionSyntax], said: Mapping[str, OptionValue]) -> None:
        if "on_full" in written and said.get("reliability", "best_effort") == "best_effort":
            self.sink.error("S033", "'on_full' has no effect: a best_effort channel is never full",
                            written["on_full"].name.span, "add reliability: reliable, or drop it")  # fmt: skip

    def _qos(self, written: ChannelSyntax, messages: list[str], said: Mapping[str, OptionValue]) -> Qos:
        def number(name: str) -> int:
            return int(said.get(name, OPTIONS[name].default or 0))

        def word(name: str) -> str:
            return str(said.get(name, OPTIONS[name].default))

        sizes, writers, readers = _OPTIONS_OF[written.pattern.text]
        max_sizes = [self._max_size(written, index, name, messages, said) for index, name in enumerate(sizes)]
        is_reqrep = len(max_sizes) > 1
        return Qos(
            history=number("history"),
            capacity=number("capacity"),
            max_size=max_sizes[0],
            reliability=word("reliability"),
            on_full=word("on_full"),
            deadline_ns=number("deadline"),
            lifespan_ns=number("lifespan"),
            max_publishers=number(writers),
            max_subscribers=number(readers),
            max_borrowed=number("max_borrowed"),
            max_loans=number("max_loans"),
            verify=word("verify"),
            prefault=bool(said.get("prefault", False)),
            max_attempts=number("max_attempts"),
            max_reply_size=max_sizes[1] if is_reqrep else 0,
            timeout_ns=number("timeout"),
            max_in_flight=number("max_in_flight") if is_reqrep else 0,
            idempotent=bool(said.get("idempotent", False)),
        )

    def _max_size(
        self, written: ChannelSyntax, index: int, name: str, messages: list[str], said: Mapping[str, OptionValue]
    ) -> int:
        """Of the message at `index`, whose size is the option `name`."""
        message = self.records[messages[index]]
        largest = largest_message(message, self.records)
        size = int(said.get(name, UNBOUNDED_MAX_SIZE if largest is None else max(1, largest)))
        if message.is_struct and size < message.size:
            option = next(o for o in written.options if o.name.text == name)
            what = f"{name} {size:,} B is less than struct '{written.messages[index].name}' ({message.size:,} B)"
            self.sink.error("S034", what, option.value.span, f"drop {name}: a struct's size is known")
        return size
