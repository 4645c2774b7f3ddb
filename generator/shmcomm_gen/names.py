# SPDX-License-Identifier: Apache-2.0
"""All declared type names of a closure, and how a mention of one is resolved."""

from __future__ import annotations

from collections.abc import Iterator

from shmcomm_gen.diagnostics import Related, Sink, closest, first_at
from shmcomm_gen.model import qualify, short_name
from shmcomm_gen.scalars import SCALARS
from shmcomm_gen.source import Span
from shmcomm_gen.syntax import FileSyntax, RecordSyntax, TypeDeclaration, TypeName

# What people of other languages write, and what it is here.
_FOREIGN = {
    "boolean": "bool", "char": "byte", "str": "string", "bytes": "[ubyte]", "float64_t": "double",
    "int8_t": "int8", "uint8_t": "uint8", "int16_t": "int16", "uint16_t": "uint16",
    "int32_t": "int32", "uint32_t": "uint32", "int64_t": "int64", "uint64_t": "uint64",
}  # fmt: skip


class Names:
    """Looks up types. A name that was declared but could not be read resolves to nothing and is not reported again."""

    def __init__(self, files: tuple[FileSyntax, ...], sink: Sink) -> None:
        self._declared: dict[str, TypeDeclaration] = {}
        self._excused_names: set[str] = set()
        self._sink = sink
        for file in files:
            self._excused_names |= {short_name(name) for name in file.unreadable}
            for declaration in file.types:
                self._declare(declaration)
        self._has_lost_files = sink.has_errors and any(d.code in ("S002", "S003") for d in sink.diagnostics)

    def _declare(self, declaration: TypeDeclaration) -> None:
        name = qualify(declaration.namespace, declaration.name.text)
        earlier = self._declared.get(name)
        if earlier is None:
            self._declared[name] = declaration
            return
        self._sink.error("S006", f"type '{name}' is declared twice", declaration.name.span,
                         "", first_at(earlier.name.span))  # fmt: skip

    def __iter__(self) -> Iterator[tuple[str, TypeDeclaration]]:
        return iter(self._declared.items())

    def is_first(self, declaration: TypeDeclaration) -> bool:
        return self._declared.get(qualify(declaration.namespace, declaration.name.text)) is declaration

    def find(self, mention: TypeName, namespace: str) -> str | None:
        """The qualified name `mention` means in `namespace`: the innermost scope that has it. Reports where none has."""
        found = self._search(mention.name, namespace)
        if found is None and not self._is_excused(mention.name):
            hint, related = self._suggest(mention.name, namespace)
            self._sink.error("S014", f"unknown type '{mention.name}'", mention.span, hint, related)
        return found

    def before(self, name: str, record: RecordSyntax) -> Span | None:
        """Where the table or struct `name` is declared, if in sight of `record` and not after it."""
        found = self._search(name, record.namespace)
        declaration = self._declared[found] if found else None
        if not isinstance(declaration, RecordSyntax):
            return None
        span = declaration.name.span
        is_later = span.source is record.name.span.source and span.start > record.name.span.start
        return None if is_later else span

    def declaration(self, qualified: str) -> TypeDeclaration:
        return self._declared[qualified]

    def _search(self, name: str, namespace: str) -> str | None:
        scopes = namespace.split(".") if namespace else []
        for depth in range(len(scopes), -1, -1):
            candidate = ".".join([*scopes[:depth], name])
            if candidate in self._declared:
                return candidate
        return None

    def _is_excused(self, name: str) -> bool:
        """After a file that could not be read, any unknown name may have been in it."""
        return short_name(name) in self._excused_names or self._has_lost_files

    def _suggest(self, name: str, namespace: str) -> tuple[str, Related | None]:
        if name in _FOREIGN:
            return f"did you mean '{_FOREIGN[name]}'?", None
        elsewhere = [q for q in self._declared if short_name(q) == short_name(name)]
        spelled = {self._spelling(q, namespace): q for q in self._declared}
        close = elsewhere[0] if elsewhere else closest(name, [*spelled, *SCALARS, "string"])
        qualified = spelled.get(close, close)
        if not close:
            return "declare it, or include the file that does", None
        declared = self._declared.get(qualified)
        place = Related(declared.name.span, f"'{close}' is declared here", beside_hint=True) if declared else None
        return f"did you mean '{close}'?", place

    def _spelling(self, qualified: str, namespace: str) -> str:
        short = short_name(qualified)
        return short if self._search(short, namespace) == qualified else qualified
