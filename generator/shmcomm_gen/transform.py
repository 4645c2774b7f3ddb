# SPDX-License-Identifier: Apache-2.0
"""Tree to syntax: one parsed file as frozen values with spans, each declaration in its namespace."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lark import Token, Tree

from shmcomm_gen.diagnostics import Sink
from shmcomm_gen.documentation import doc_comments
from shmcomm_gen.grammar import Parsed, parse
from shmcomm_gen.source import Source, Span
from shmcomm_gen.syntax import (
    ArrayOf,
    Attribute,
    CallSyntax,
    ChannelSyntax,
    DataList,
    DataMember,
    DataObject,
    DataValue,
    EnumSyntax,
    EnumValueSyntax,
    FieldSyntax,
    FileSyntax,
    Name,
    OptionSyntax,
    RecordSyntax,
    RootType,
    ServiceSyntax,
    TooDeep,
    TypeDeclaration,
    TypeName,
    TypeSyntax,
    UnionMemberSyntax,
    UnionSyntax,
    Value,
    ValueKind,
    VectorOf,
)

Node = Tree[Token]

_MAX_FUNCTIONS = 64  # within each other, as flatc has it
_MAX_BRACKETS = 150  # Twice what flatc takes of tables, which may each stand in a list.

_VALUE_KINDS = {
    "integer": ValueKind.INTEGER,
    "float": ValueKind.FLOAT,
    "quantity": ValueKind.QUANTITY,
    "word": ValueKind.WORD,
    "signed_word": ValueKind.WORD,
    "string": ValueKind.STRING,
    "call": ValueKind.CALL,
    "list": ValueKind.LIST,
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def read_syntax(source: Source, sink: Sink) -> FileSyntax:
    """Parses `source`; what does not parse is reported and left out."""
    parsed = parse(source, sink)
    return _Reader(source, parsed, doc_comments(source, parsed.text, sink), sink).file()


@dataclass(frozen=True)
class _Reader:
    """Walks one tree. Methods are named for the grammar rule they read."""

    source: Source
    parsed: Parsed
    docs: Mapping[int, tuple[str, ...]]
    sink: Sink

    def file(self) -> FileSyntax:
        types: list[TypeDeclaration] = []
        channels: list[ChannelSyntax] = []
        services: list[ServiceSyntax] = []
        data: list[DataObject] = []
        root_types: list[RootType] = []
        named: dict[str, list[Name]] = {}
        for namespace, node in self._in_namespaces():
            match node.data:
                case "record":
                    types.append(self._record(node, namespace))
                case "enum":
                    types.append(self._enum(node, namespace))
                case "union":
                    types.append(self._union(node, namespace))
                case "rpc_service":
                    services.append(self._service(node, namespace))
                case "channel":
                    channels.append(self._channel(node, namespace))
                case "root_type":
                    root_types.append(RootType(self._type_name(_subtree(node, "dotted")), namespace))
                case "object":
                    data.append(self._object(node, 1))
                case _:  # A keyword and one name: include, native_include, attribute, file_identifier, file_extension.
                    named.setdefault(str(node.data), []).append(self._string_or_name(_token(node)))
        return FileSyntax(
            source=self.source,
            includes=tuple(named.get("include", ())),
            types=tuple(types),
            channels=tuple(channels),
            attributes=tuple(named.get("attribute_declaration", ())),
            services=tuple(services),
            native_includes=tuple(named.get("native_include", ())),
            data=tuple(data),
            data_namespace=self._data_namespace(),
            behind_data=self._behind_data(),
            root_types=tuple(root_types),
            file_identifiers=tuple(named.get("file_identifier", ())),
            file_extensions=tuple(named.get("file_extension", ())),
            unreadable=self.parsed.unreadable,
        )

    def _in_namespaces(self) -> Iterator[tuple[str, Node]]:
        namespace = ""
        for node in _subtrees(self.parsed.tree):
            if node.data == "namespace":
                dotted = _find(node, "dotted")
                namespace = _dotted_text(dotted) if dotted else ""
            else:
                yield namespace, node

    # ---- data ----

    def _behind_data(self) -> Span | None:
        statements = _subtrees(self.parsed.tree)
        first = next((index for index, node in enumerate(statements) if node.data == "object"), len(statements))
        behind = statements[first + 1 : first + 2]
        return self._first_word(behind[0]) if behind else None

    def _first_word(self, node: Node) -> Span:
        """A declaration is named by its keyword, or the bracket it begins with."""
        word = re.compile(r"\w+|.").match(self.source.text, node.meta.start_pos)
        return Span(self.source, node.meta.start_pos, word.end() if word else node.meta.end_pos)

    def _data_namespace(self) -> str:
        return next((namespace for namespace, node in self._in_namespaces() if node.data == "object"), "")

    def _object(self, node: Node, depth: int) -> DataObject:
        members = (
            DataMember(self._string_or_name(_token(one)), self._data(_subtrees(one)[0], depth))
            for one in _subtrees(node, "member")
        )
        return DataObject(tuple(members), self._bracket(node))

    def _data(self, node: Node, depth: int) -> DataValue:
        if node.data not in ("object", "list"):
            return self._value(node)
        if depth == _MAX_BRACKETS:
            return TooDeep(self._bracket(node))
        if node.data == "object":
            return self._object(node, depth + 1)
        return DataList(tuple(self._data(one, depth + 1) for one in _subtrees(node)), self._bracket(node))

    def _bracket(self, node: Node) -> Span:
        return Span(self.source, node.meta.start_pos, node.meta.start_pos + 1)

    # ---- types ----

    def _record(self, node: Node, namespace: str) -> RecordSyntax:
        keyword, name = _tokens(node)
        return RecordSyntax(
            name=self._name(name),
            namespace=namespace,
            is_struct=keyword == "struct",
            fields=tuple(self._field(child) for child in _subtrees(node, "field")),
            attributes=self._attributes(node),
            doc=self._doc(node),
        )

    def _field(self, node: Node) -> FieldSyntax:
        return FieldSyntax(
            name=self._name(_token(node)),
            type=self._type(_types(node)[0]),
            default=self._optional_value(node),
            attributes=self._attributes(node),
            doc=self._doc(node),
        )

    def _enum(self, node: Node, namespace: str) -> EnumSyntax:
        types = _types(node)
        return EnumSyntax(
            name=self._name(_token(node)),
            namespace=namespace,
            underlying=self._type(types[0]) if types else None,
            values=tuple(self._enum_value(child) for child in _subtrees(node, "enum_value")),
            attributes=self._attributes(node),
            doc=self._doc(node),
        )

    def _enum_value(self, node: Node) -> EnumValueSyntax:
        value = self._optional_value(node)
        return EnumValueSyntax(self._name(_token(node)), value, self._doc(node), self._attributes(node))

    def _union(self, node: Node, namespace: str) -> UnionSyntax:
        types = _types(node)
        return UnionSyntax(
            name=self._name(_token(node)),
            namespace=namespace,
            underlying=self._type(types[0]) if types else None,
            members=tuple(self._union_member(child) for child in _subtrees(node, "union_member")),
            attributes=self._attributes(node),
            doc=self._doc(node),
        )

    def _union_member(self, node: Node) -> UnionMemberSyntax:
        return UnionMemberSyntax(
            alias=self._name(_token(node)) if _tokens(node) else None,
            type=self._type(_types(node)[0]),
            value=self._optional_value(node),
            attributes=self._attributes(node),
            doc=self._doc(node),
        )

    def _service(self, node: Node, namespace: str) -> ServiceSyntax:
        return ServiceSyntax(
            name=self._name(_token(node)),
            namespace=namespace,
            calls=tuple(self._call(child) for child in _subtrees(node, "rpc_call")),
            attributes=self._attributes(node),
            doc=self._doc(node),
        )

    def _call(self, node: Node) -> CallSyntax:
        request, response = (self._type(child) for child in _types(node))
        return CallSyntax(self._name(_token(node)), request, response, self._attributes(node), self._doc(node))

    def _type(self, node: Node) -> TypeSyntax:
        if node.data == "dotted":
            return self._type_name(node)
        element = self._type(_subtrees(node)[0])
        if node.data == "vector":
            return VectorOf(element, self._span(node))
        length = _token(node)
        return ArrayOf(element, Value(ValueKind.INTEGER, str(length), self._token_span(length)), self._span(node))

    def _type_name(self, node: Node) -> TypeName:
        return TypeName(_dotted_text(node), self._span(node))

    def _attributes(self, node: Node) -> tuple[Attribute, ...]:
        group = _find(node, "attributes")
        if group is None:
            return ()
        return tuple(
            Attribute(self._string_or_name(_token(a)), self._optional_value(a)) for a in _subtrees(group, "attribute")
        )

    # ---- channels ----

    def _channel(self, node: Node, namespace: str) -> ChannelSyntax:
        name, pattern = _tokens(node)
        rename = _find(node, "channel_name")
        profiles = _find(node, "profiles")
        return ChannelSyntax(
            name=self._name(name),
            namespace=namespace,
            channel_name=self._string_or_name(_token(rename)) if rename else None,
            pattern=self._name(pattern),
            messages=tuple(self._type_name(child) for child in _subtrees(_subtree(node, "messages"))),
            profiles=tuple(self._name(token) for token in _tokens(profiles)) if profiles else (),
            options=tuple(self._option(child) for child in _subtrees(node, "option")),
            doc=self._doc(node),
        )

    def _option(self, node: Node) -> OptionSyntax:
        return OptionSyntax(self._name(_token(node)), self._value(_subtrees(node)[0]))

    # ---- small parts ----

    def _optional_value(self, node: Node) -> Value | None:
        values = [child for child in _subtrees(node) if child.data in _VALUE_KINDS]
        return self._value(values[0]) if values else None

    def _value(self, node: Node, functions: int = 0) -> Value:
        """`functions` says of how many functions it is the argument, one of the other."""
        span = self._span(node)
        kind = _VALUE_KINDS[str(node.data)]
        text = self.source.text[span.start : span.end]
        if kind is ValueKind.STRING:
            text = unquote(text)
        argument = self._value(_subtrees(node)[0], functions + 1) if kind is ValueKind.CALL else None
        if argument and functions == _MAX_FUNCTIONS:
            self.sink.error("S001", f"this is more than {_MAX_FUNCTIONS} functions within each other", span,
                            "write the number")  # fmt: skip
        return Value(kind, text, span, argument, is_empty=kind is ValueKind.LIST and not _subtrees(node))

    def _string_or_name(self, token: Token) -> Name:
        text = unquote(token) if token.type == "STRING" else str(token)
        return Name(text, self._token_span(token))

    def _name(self, token: Token) -> Name:
        return Name(str(token), self._token_span(token))

    def _doc(self, node: Node) -> tuple[str, ...]:
        return self.docs.get(node.meta.start_pos, ())

    def _span(self, node: Node) -> Span:
        return Span(self.source, node.meta.start_pos, node.meta.end_pos)

    def _token_span(self, token: Token) -> Span:
        start = token.start_pos or 0
        return Span(self.source, start, start + len(token))


def unquote(literal: str) -> str:
    """The text of a string literal."""

    def replace(match: re.Match[str]) -> str:
        escape = match.group(1)
        if escape[0] in "xu" and len(escape) > 1:
            return chr(int(escape[1:], 16))
        return _ESCAPES.get(escape, escape)

    text = re.sub(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", replace, literal[1:-1])
    # Two escapes may be the halves of one character; a half alone is none.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _dotted_text(node: Node) -> str:
    return ".".join(_tokens(node))


def _tokens(node: Node) -> list[Token]:
    return [child for child in node.children if isinstance(child, Token)]


def _token(node: Node) -> Token:
    return _tokens(node)[0]


def _subtrees(node: Node, rule: str = "") -> list[Node]:
    return [child for child in node.children if isinstance(child, Tree) and rule in ("", child.data)]


def _find(node: Node, rule: str) -> Node | None:
    found = _subtrees(node, rule)
    return found[0] if found else None


def _types(node: Node) -> list[Node]:
    return [child for child in _subtrees(node) if child.data in ("dotted", "vector", "array")]


def _subtree(node: Node, rule: str) -> Node:
    return _subtrees(node, rule)[0]
