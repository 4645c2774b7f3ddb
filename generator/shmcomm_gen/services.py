# SPDX-License-Identifier: Apache-2.0
"""rpc_service declarations: checked as FlatBuffers does, and carried into the binary schema."""

from __future__ import annotations

from shmcomm_gen.attributes import Place, read_attributes
from shmcomm_gen.diagnostics import Sink, declared_at, first_at
from shmcomm_gen.model import Call, Service, qualify
from shmcomm_gen.names import Names
from shmcomm_gen.scalars import SCALARS
from shmcomm_gen.source import Span
from shmcomm_gen.syntax import RecordSyntax, ServiceSyntax, TypeName, TypeSyntax


def resolve_service(written: ServiceSyntax, names: Names, user_attributes: frozenset[str], sink: Sink) -> Service:
    calls: list[Call] = []
    first: dict[str, Span] = {}
    for call in written.calls:
        name = call.name.text
        if name in first:
            sink.error("S007", f"rpc_service '{written.name.text}' has two calls '{name}'", call.name.span, "",
                       first_at(first[name]))  # fmt: skip
            continue
        first[name] = call.name.span
        request = _table(call.request, written.namespace, names, sink)
        response = _table(call.response, written.namespace, names, sink)
        attributes = read_attributes(call.attributes, Place.CALL, user_attributes, sink)
        if request and response:
            calls.append(Call(name, request, response, attributes, call.doc))
    return Service(
        name=qualify(written.namespace, written.name.text),
        calls=tuple(calls),
        attributes=read_attributes(written.attributes, Place.SERVICE, user_attributes, sink),
        doc=written.doc,
        span=written.name.span,
    )


def _table(written: TypeSyntax, namespace: str, names: Names, sink: Sink) -> str | None:
    if not isinstance(written, TypeName) or written.name in SCALARS or written.name == "string":
        sink.error("S041", "an rpc_service takes and returns tables", written.span, "wrap it in a table")
        return None
    found = names.find(written, namespace)
    if found is None:
        return None
    declaration = names.declaration(found)
    if not isinstance(declaration, RecordSyntax) or declaration.is_struct:
        sink.error("S041", f"an rpc_service takes and returns tables, and '{written.name}' is none", written.span,
                   "wrap it in a table", declared_at(declaration.name.text, declaration.name.span))  # fmt: skip
        return None
    return found
