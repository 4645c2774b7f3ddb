# SPDX-License-Identifier: Apache-2.0
"""Syntax to model: every mention of a name becomes what it names."""

from __future__ import annotations

from shmcomm_gen.channels import ChannelResolver
from shmcomm_gen.diagnostics import Related, Sink, declared_at, first_at
from shmcomm_gen.enums import resolve_enum
from shmcomm_gen.load import Closure
from shmcomm_gen.model import Schema, SchemaFile, Service, qualify
from shmcomm_gen.names import Names
from shmcomm_gen.records import RecordResolver
from shmcomm_gen.services import resolve_service
from shmcomm_gen.syntax import Attribute, EnumSyntax, FileSyntax, Name, RecordSyntax, UnionSyntax
from shmcomm_gen.unions import resolve_union

_FILE_IDENTIFIER_BYTES = 4


def resolve(closure: Closure, sink: Sink) -> Schema:
    """The model of a closure. Where something is wrong it is reported and the part is missing from the model."""
    files = tuple(closure.files)
    names = Names(files, sink)
    user_attributes = frozenset(name.text for file in files for name in file.attributes)
    declared = [declaration for _, declaration in names]
    enums = {
        qualify(one.namespace, one.name.text): resolve_enum(one, user_attributes, sink)
        for one in declared
        if isinstance(one, EnumSyntax)
    }
    unions = {
        qualify(one.namespace, one.name.text): resolve_union(one, names, user_attributes, sink)
        for one in declared
        if isinstance(one, UnionSyntax)
    }
    resolver = RecordResolver(names, enums, unions, user_attributes, sink)
    for one in declared:
        if isinstance(one, RecordSyntax):
            resolver.resolve(one)
    channels = ChannelResolver(names, resolver.records, sink)
    return Schema(
        files=tuple(_file(file, closure, names, user_attributes, sink) for file in files),
        records=resolver.records,
        enums=enums,
        unions=unions,
        services=_services(files, names, user_attributes, sink),
        channels=tuple(c for one in files[0].channels if (c := channels.resolve(one))) if files else (),
    )


def _services(
    files: tuple[FileSyntax, ...], names: Names, user_attributes: frozenset[str], sink: Sink
) -> dict[str, Service]:
    services: dict[str, Service] = {}
    for file in files:
        for written in file.services:
            service = resolve_service(written, names, user_attributes, sink)
            earlier = services.setdefault(service.name, service)
            if earlier is not service:
                sink.error("S006", f"rpc_service '{service.name}' is declared twice", service.span, "",
                           first_at(earlier.span))  # fmt: skip
    return services


def _file(file: FileSyntax, closure: Closure, names: Names, user_attributes: frozenset[str], sink: Sink) -> SchemaFile:
    return SchemaFile(
        name=file.source.path.name,
        includes=tuple(other.source.path.name for other in closure.included_by(file)),
        types=tuple(qualify(one.namespace, one.name.text) for one in file.types if names.is_first(one)),
        attributes=_attributes(file, user_attributes),
        root_type=_root_type(file, names, sink),
        file_identifier=_file_identifier(file, sink),
        file_extension=_only("file_extension", file.file_extensions, sink),
        native_includes=tuple(name.text for name in file.native_includes),
        services=tuple(dict.fromkeys(qualify(one.namespace, one.name.text) for one in file.services)),
    )


def _attributes(file: FileSyntax, user_attributes: frozenset[str]) -> tuple[str, ...]:
    """A file may use what another declares, in either direction of the include; printed files repeat the declaration."""
    used = {name.text for name in file.attributes}
    groups: list[tuple[Attribute, ...]] = [one.attributes for one in (*file.types, *file.services)]
    for one in file.types:
        match one:
            case RecordSyntax():
                groups.extend(field.attributes for field in one.fields)
            case EnumSyntax():
                groups.extend(value.attributes for value in one.values)
            case UnionSyntax():
                groups.extend(member.attributes for member in one.members)
    groups.extend(call.attributes for service in file.services for call in service.calls)
    used |= {attribute.name.text for group in groups for attribute in group}
    return tuple(sorted(used & user_attributes))


def _root_type(file: FileSyntax, names: Names, sink: Sink) -> str:
    name = ""
    for root in file.root_types:
        found = names.find(root.type, root.namespace)
        if found is None:
            continue
        declaration = names.declaration(found)
        if not isinstance(declaration, RecordSyntax) or declaration.is_struct:
            sink.error("S035", f"a root type is a table, and '{root.type.name}' is not", root.type.span, "",
                       declared_at(declaration.name.text, declaration.name.span))  # fmt: skip
        name = found
    return name


def _file_identifier(file: FileSyntax, sink: Sink) -> str:
    text = _only("file_identifier", file.file_identifiers, sink)
    size = len(text.encode())
    if file.file_identifiers and size != _FILE_IDENTIFIER_BYTES:
        sink.error("S035", f"a file_identifier is {_FILE_IDENTIFIER_BYTES} bytes, not {size}",
                   file.file_identifiers[0].span)  # fmt: skip
    return text


def _only(what: str, names: tuple[Name, ...], sink: Sink) -> str:
    if len(names) > 1:
        sink.error("S035", f"{what} is given twice", names[1].span, "", Related(names[0].span, "first given here"))
    return names[0].text if names else ""
