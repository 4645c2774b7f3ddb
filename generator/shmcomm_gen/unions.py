# SPDX-License-Identifier: Apache-2.0
"""Unions: the type and number of every member."""

from __future__ import annotations

from shmcomm_gen.attributes import Place, read_attributes
from shmcomm_gen.diagnostics import Related, Sink, declared_at, first_at
from shmcomm_gen.enums import integer_type
from shmcomm_gen.literals import integer_of
from shmcomm_gen.model import RecordType, StringType, Union, UnionMember, qualify
from shmcomm_gen.names import Names
from shmcomm_gen.scalars import SCALARS, Scalar
from shmcomm_gen.source import Span
from shmcomm_gen.syntax import RecordSyntax, TypeName, UnionMemberSyntax, UnionSyntax

_NONE = UnionMember("NONE", 0, None, (), ())


def resolve_union(written: UnionSyntax, names: Names, user_attributes: frozenset[str], sink: Sink) -> Union:
    is_plain = written.underlying is None
    tag = Scalar.UBYTE if written.underlying is None else integer_type(written.underlying, "a union counts", sink)
    members = _members(written, tag, names, user_attributes, sink)
    return Union(
        name=qualify(written.namespace, written.name.text),
        tag=tag,
        is_plain=is_plain,
        members=tuple(sorted(members, key=lambda member: member.number)),
        attributes=read_attributes(written.attributes, Place.UNION, user_attributes, sink),
        doc=written.doc,
        span=written.name.span,
    )


def _members(
    written: UnionSyntax, tag: Scalar, names: Names, user_attributes: frozenset[str], sink: Sink
) -> list[UnionMember]:
    members = [_NONE]
    by_name: dict[str, Span] = {"NONE": written.name.span}
    by_number: dict[int, str] = {0: "NONE"}
    for one in written.members:
        name = _name(one)
        span = one.alias.span if one.alias else one.type.span
        if name in by_name:
            sink.error("S007", f"union '{written.name.text}' has two members '{name}'", span,
                       "give one another name: Other:Type", _first_member(name, by_name[name], written))  # fmt: skip
            continue
        by_name[name] = span
        number = _number(one, members[-1].number + 1, tag, sink)
        if number in by_number:
            sink.error("S018", f"'{name}' and '{by_number[number]}' are both {number}",
                       one.value.span if one.value else span)  # fmt: skip
        by_number.setdefault(number, name)
        attributes = read_attributes(one.attributes, Place.UNION_MEMBER, user_attributes, sink)
        members.append(UnionMember(name, number, _type(one, written, names, sink), attributes, one.doc))
    return members


def _first_member(name: str, span: Span, union: UnionSyntax) -> Related:
    if span is union.name.span:
        return Related(span, f"every union has a member '{name}'")
    return first_at(span)


def _name(written: UnionMemberSyntax) -> str:
    """The alias, else the type's name as it is written, dots as underscores."""
    if written.alias:
        return written.alias.text
    return written.type.name.replace(".", "_") if isinstance(written.type, TypeName) else ""


def _number(written: UnionMemberSyntax, following: int, tag: Scalar, sink: Sink) -> int:
    number = integer_of(written.value) if written.value else following
    span = written.value.span if written.value else written.type.span
    if number is None:
        sink.error("S018", f"'{_name(written)}' needs an integer", span)
        return following
    if not tag.holds(number):
        sink.error("S018", f"'{_name(written)}' is {number}, and {tag.spelling} holds {tag.range_text}", span,
                   "write a wider type after the union's name")  # fmt: skip
    return number


def _type(
    written: UnionMemberSyntax, union: UnionSyntax, names: Names, sink: Sink
) -> RecordType | StringType | None:
    mention = written.type
    hint = "a member is a table, a struct or a string"
    if not isinstance(mention, TypeName):
        sink.error("S040", "a union has no vectors or arrays", mention.span, "wrap it in a table")
        return None
    if mention.name == "string" and written.alias:
        return StringType()
    if mention.name in SCALARS or mention.name == "string":
        instead = f"give it a name: text:{mention.name}" if mention.name == "string" else "wrap it in a table"
        sink.error("S040", f"'{mention.name}' cannot be a member of a union", mention.span, instead)
        return None
    found = names.find(mention, union.namespace)
    if found is None:
        return None
    declaration = names.declaration(found)
    if not isinstance(declaration, RecordSyntax):
        sink.error("S040", f"'{mention.name}' cannot be a member of a union", mention.span, hint,
                   declared_at(mention.name, declaration.name.span))  # fmt: skip
        return None
    return RecordType(found, declaration.is_struct)
