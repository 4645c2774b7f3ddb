# SPDX-License-Identifier: Apache-2.0
"""A schema file as it was written: names are still words, numbers still text, and everything knows its place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from shmcomm_gen.source import Source, Span


@dataclass(frozen=True)
class Name:
    text: str
    span: Span


class ValueKind(Enum):
    """How a value is spelled. `text` of a STRING is unquoted, that of a CALL or LIST is the source text."""

    INTEGER = "an integer"
    FLOAT = "a number"
    QUANTITY = "a number with a unit"
    WORD = "a name"
    STRING = "a string"
    CALL = "a function call"
    LIST = "a list"


@dataclass(frozen=True)
class Value:
    """`argument` is what a CALL is made with; a LIST is empty where it `is_empty`."""

    kind: ValueKind
    text: str
    span: Span
    argument: Value | None = None
    is_empty: bool = False


@dataclass(frozen=True)
class DataMember:
    name: Name
    value: DataValue


@dataclass(frozen=True)
class DataObject:
    """An object in data. Like that of a list, its span is the opening bracket."""

    members: tuple[DataMember, ...]
    span: Span


@dataclass(frozen=True)
class DataList:
    items: tuple[DataValue, ...]
    span: Span


@dataclass(frozen=True)
class TooDeep:
    """What stands deeper in data than anybody may write: the bracket that opens it."""

    span: Span


DataValue = Value | DataObject | DataList | TooDeep


@dataclass(frozen=True)
class TypeName:
    """A type mentioned by name, built in or declared."""

    name: str
    span: Span


@dataclass(frozen=True)
class VectorOf:
    element: TypeSyntax
    span: Span


@dataclass(frozen=True)
class ArrayOf:
    element: TypeSyntax
    length: Value
    span: Span


TypeSyntax = TypeName | VectorOf | ArrayOf


@dataclass(frozen=True)
class Attribute:
    name: Name
    value: Value | None


@dataclass(frozen=True)
class FieldSyntax:
    name: Name
    type: TypeSyntax
    default: Value | None
    attributes: tuple[Attribute, ...]
    doc: tuple[str, ...]


@dataclass(frozen=True)
class RecordSyntax:
    """A table or a struct."""

    name: Name
    namespace: str
    is_struct: bool
    fields: tuple[FieldSyntax, ...]
    attributes: tuple[Attribute, ...]
    doc: tuple[str, ...]


@dataclass(frozen=True)
class EnumValueSyntax:
    name: Name
    value: Value | None
    doc: tuple[str, ...]
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True)
class EnumSyntax:
    name: Name
    namespace: str
    underlying: TypeSyntax | None
    values: tuple[EnumValueSyntax, ...]
    attributes: tuple[Attribute, ...]
    doc: tuple[str, ...]


@dataclass(frozen=True)
class UnionMemberSyntax:
    """`alias` is None where the member is named for its type."""

    alias: Name | None
    type: TypeSyntax
    value: Value | None
    attributes: tuple[Attribute, ...]
    doc: tuple[str, ...]


@dataclass(frozen=True)
class UnionSyntax:
    name: Name
    namespace: str
    underlying: TypeSyntax | None
    members: tuple[UnionMemberSyntax, ...]
    attributes: tuple[Attribute, ...]
    doc: tuple[str, ...]


@dataclass(frozen=True)
class CallSyntax:
    """One call of an rpc_service."""

    name: Name
    request: TypeSyntax
    response: TypeSyntax
    attributes: tuple[Attribute, ...]
    doc: tuple[str, ...]


@dataclass(frozen=True)
class ServiceSyntax:
    name: Name
    namespace: str
    calls: tuple[CallSyntax, ...]
    attributes: tuple[Attribute, ...]
    doc: tuple[str, ...]


@dataclass(frozen=True)
class OptionSyntax:
    name: Name
    value: Value


@dataclass(frozen=True)
class ChannelSyntax:
    name: Name
    namespace: str
    channel_name: Name | None
    pattern: Name
    messages: tuple[TypeName, ...]
    profiles: tuple[Name, ...]
    options: tuple[OptionSyntax, ...]
    doc: tuple[str, ...]


@dataclass(frozen=True)
class RootType:
    type: TypeName
    namespace: str


TypeDeclaration = RecordSyntax | EnumSyntax | UnionSyntax


@dataclass(frozen=True)
class FileSyntax:
    """One parsed file. `data` are the JSON objects at its end, read in `data_namespace`; `behind_data` is what wrongly
    follows the first. `unreadable` holds names declared in parts that did not parse: nobody is blamed for using them."""

    source: Source
    includes: tuple[Name, ...]
    types: tuple[TypeDeclaration, ...]
    channels: tuple[ChannelSyntax, ...]
    attributes: tuple[Name, ...]
    services: tuple[ServiceSyntax, ...]
    native_includes: tuple[Name, ...]
    data: tuple[DataObject, ...]
    data_namespace: str
    behind_data: Span | None
    root_types: tuple[RootType, ...]
    file_identifiers: tuple[Name, ...]
    file_extensions: tuple[Name, ...]
    unreadable: frozenset[str]
