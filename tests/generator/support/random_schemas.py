# SPDX-License-Identifier: Apache-2.0
"""Texts that are schemas: mostly right ones, made of every construct, with names that are words of the language."""

from __future__ import annotations

from hypothesis import strategies as st

SCALARS = ("bool", "byte", "ubyte", "short", "ushort", "int", "uint", "long", "ulong", "float", "double",
           "int8", "uint64", "float32")  # fmt: skip
INTEGERS = ("byte", "ubyte", "short", "ushort", "int", "uint", "long", "ulong")
FIELD_NAMES = ("a", "b", "c", "table", "struct", "enum", "union", "channel", "include", "x1", "_y", "null", "required")
NUMBERS = st.one_of(
    st.integers(0, 127).map(str),
    st.sampled_from(("0x1F", "-0", "007", "+3", "'5'", "null", "null", "300", "-1", "70000", "1.5")),
)  # fmt: skip
REALS = st.sampled_from(
    ("1.5", ".5", "1.", "1e3", "-2.5E-3", "0x1.8p3", "nan", "inf", "-inf", "+infinity", "deg(1.5)", "sin(rad(90))",
     "atan(-2)", "acos(2)", "null", "3", "'2.5'", "1.25", "0x10")
)  # fmt: skip


@st.composite
def schemas(draw: st.DrawFn) -> str:
    """Two enums, two structs, three tables, a union and sometimes a service, in one or two namespaces."""
    parts = ['attribute "mine";']
    if draw(st.booleans()):
        parts.append("namespace n.m;")
    parts += [_enum(draw, "E0"), _enum(draw, "E1")]
    parts += [_struct(draw, "S0", ()), _struct(draw, "S1", ("S0",))]
    if draw(st.booleans()):
        parts.append("namespace n;")
    tables = [_table(draw, f"T{i}") for i in range(3)]
    union = _union(draw)
    parts += [union, *draw(st.permutations(tables[1:]))]  # flatc wants a union before its use.
    parts.insert(parts.index(union) + 1 if "namespace" not in "".join(parts) else len(parts), tables[0])
    if draw(st.booleans()):
        streaming = draw(st.sampled_from(("idempotent", 'streaming: "server"', "mine")))
        parts.append(f"rpc_service R {{ call(T0):T1 ({streaming}); other(T1):T0; }}")
    if draw(st.booleans()):
        parts += ["root_type T0;", 'file_identifier "ABCD";', 'file_extension "abc";']
    return "\n".join(parts) + "\n"


def _enum(draw: st.DrawFn, name: str) -> str:
    flags = draw(st.sampled_from(("", " (bit_flags)")))
    underlying = draw(st.sampled_from(("ubyte", "ushort", "uint", "ulong") if flags else INTEGERS))
    values = draw(st.lists(st.sampled_from(("A", "B", "C", "class", "None")), max_size=4, unique=True))
    start = draw(st.sampled_from(("", " = 0", " = 2", " = 0x3")))
    mark = draw(st.sampled_from(("", "", "", " (mine)", " (deprecated)")))
    listed = [value + (start if i == 0 else mark if i == 1 else "") for i, value in enumerate(values)]
    return f"/// {name}.\nenum {name} : {underlying}{flags} {{ {', '.join(listed)} }}"


def _struct(draw: st.DrawFn, name: str, inner: tuple[str, ...]) -> str:
    types = st.sampled_from((*SCALARS, "E0", "E1", *inner))
    fields = []
    key = draw(st.sampled_from(("", "", "", " (key)")))
    for field in draw(st.lists(st.sampled_from(FIELD_NAMES), min_size=1, max_size=5, unique=True)):
        written = draw(types)
        # flatc 2.0.8 takes an array of an enum without 0, which 25 and the compiler refuse.
        if draw(st.booleans()) and not written.startswith("E"):
            written = f"[{written}:{draw(st.integers(1, 9))}]"
        fields.append(f"{field}:{written}{key};")
        key = ""
    align = draw(st.sampled_from(("", "", " (force_align: 8)", " (force_align: 32)")))
    return f"struct {name}{align} {{ {' '.join(fields)} }}"


def _table(draw: st.DrawFn, name: str) -> str:
    names = draw(st.lists(st.sampled_from(FIELD_NAMES), max_size=6, unique=True))
    ids = draw(st.permutations(range(len(names)))) if draw(st.integers(0, 3)) == 0 else []
    marks = [f"id: {number}" for number in ids] or [""] * len(names)
    attribute = draw(st.sampled_from(("", "", " (original_order)", " (mine: \"a\")")))
    fields = (_field(draw, field, mark) for field, mark in zip(names, marks, strict=True))
    return f"table {name}{attribute} {{\n" + "".join(fields) + "}"


def _field(draw: st.DrawFn, name: str, mark: str) -> str:
    """`mark` is the field's id, where its table has ids; a union, which takes two, is then left to the samples."""
    written = draw(st.sampled_from((*SCALARS, "string", "S0", "S1", "T0", "T1", "T2", "E0", *([] if mark else ["U"]))))
    is_vector = draw(st.integers(0, 3)) == 0
    default, attributes = "", ["mine", "mine: 0x10", "deprecated"]
    if written == "ubyte" and is_vector:
        attributes += ['nested_flatbuffer: "T0"', "flexbuffer", "force_align: 16"]
    if written in ("int", "uint") and not is_vector:
        attributes += ['hash: "fnv1_32"', "key"]
    if is_vector:
        attributes += ["required"]
        attributes += ["offset64", "vector64"] if written in (*SCALARS, "S0", "S1") else []
        default = draw(st.sampled_from(("", "", "", " = []")))
    elif written in ("float", "double", "float32"):
        default = draw(st.one_of(st.just(""), REALS.map(" = {}".format)))
    elif written == "bool":
        default = draw(st.sampled_from(("", " = true", " = 0", " = null", " = 'false'")))
    elif written in SCALARS:
        default = draw(st.one_of(st.just(""), NUMBERS.map(" = {}".format)))
    elif written == "E0":
        default = draw(st.sampled_from(("", "", " = null", " = null", " = A", " = 2", ' = "A B"')))
    elif written == "string":
        attributes += ["required", "shared", "key", "offset64"]
        default = draw(st.sampled_from(("", "", "", ' = "some"')))
    doc = draw(st.sampled_from(("", "  /// Told.\n")))
    chosen = [one for one in (mark, draw(st.sampled_from(("", "", *attributes)))) if one]
    given = f" ({', '.join(chosen)})" if chosen else ""
    return f"{doc}  {name}:{f'[{written}]' if is_vector else written}{default}{given};\n"


def _union(draw: st.DrawFn) -> str:
    members = draw(st.lists(st.sampled_from(("T0", "T1", "T2", "S0", "text:string", "again:T1", "late:T2 = 20", "marked:T0 (mine)")), max_size=5, unique=True))
    underlying = draw(st.sampled_from(("", "", "", " : int")))
    return f"union U{underlying} {{ {', '.join(members)} }}"
