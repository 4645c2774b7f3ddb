# SPDX-License-Identifier: Apache-2.0
"""The values of the interop messages and their text: the same rules as fill.h and text.h, written a second time.

Messages are dicts, as `send(**fields)` takes them. `text_of` needs the type of each number, which EVERYTHING and PLAIN give.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MASK = (1 << 64) - 1
COLORS = (0, 5, 6)
LEVELS = (-300, 0, 300)
MODES = (0, 1, 513, 515)
SHAPES = ("", "Circle", "Note", "Word", "Spot", "Wheel", "Whole")
TEXTS = ("", "a", "Grüße", "温度 20 °C", "line\nbreak\ttab", "nul\0inside", "x" * 300)
F32_ENDS = (0, 0x80000001, 0x7FC00000, 0x7F800000)
F64_ENDS = (0, 0x8000000000000001, 0x7FF8000000000000, 0x7FF0000000000000)
INTEGERS = {"i8": (8, True), "u8": (8, False), "i16": (16, True), "u16": (16, False), "i32": (32, True), "u32": (32, False), "i64": (64, True), "u64": (64, False)}  # fmt: skip


class Draw:
    """Draws values one after the other, in the order in which the schema declares the fields."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._state = number

    def integer(self, kind: str) -> int:
        bits, is_signed = INTEGERS[kind]
        value = self._bits(bits) & ((1 << bits) - 1)
        return value - (1 << bits) if is_signed and value >> (bits - 1) else value

    def f32(self) -> float:
        bits = F32_ENDS[self._number] if self._number < 4 else self._next() & 0xBFFFFFFF
        value: float = struct.unpack("<f", struct.pack("<I", bits))[0]
        return value

    def f64(self) -> float:
        bits = F64_ENDS[self._number] if self._number < 4 else self._next() & 0xBFFFFFFFFFFFFFFF
        value: float = struct.unpack("<d", struct.pack("<Q", bits))[0]
        return value

    def flag(self) -> bool:
        return self._choose(2) == 1

    def color(self) -> int:
        return COLORS[self._choose(3)]

    def level(self) -> int:
        return LEVELS[self._choose(3)]

    def modes(self) -> int:
        return MODES[self._choose(4)]

    def shape(self) -> tuple[str, Any] | None:
        """A tag and its value."""
        tag = SHAPES[self._choose(len(SHAPES))]
        make: dict[str, Callable[[], Any]] = {
            "Circle": self.circle, "Wheel": self.circle, "Note": self.note, "Word": self.text, "Spot": self.point, "Whole": self.part,
        }  # fmt: skip
        return (tag, make[tag]()) if tag else None

    def circle(self) -> dict[str, Any]:
        return {"radius": self.f32(), "center": self.point()}

    def note(self) -> dict[str, Any]:
        return {"text": self.text(), "level": self.level()}

    def maybe(self, make: Callable[[], Any]) -> Any:
        return make() if self.flag() else None

    def choice(self, depth: int) -> dict[str, Any]:
        return {
            "shape": self.shape(), "shapes": self.many(self.shape),
            "maybe_i8": self.maybe(lambda: self.integer("i8")), "maybe_u64": self.maybe(lambda: self.integer("u64")),
            "maybe_f32": self.maybe(self.f32), "maybe_f64": self.maybe(self.f64), "maybe_flag": self.maybe(self.flag),
            "maybe_color": self.maybe(self.color), "inner": self.choice(depth - 1) if depth else None,
        }  # fmt: skip

    def text(self) -> str:
        return TEXTS[self._choose(len(TEXTS))]

    def many(self, make: Callable[[], Any]) -> list[Any]:
        return [make() for _ in range(self._choose(9))]

    def integers(self, kind: str) -> list[int]:
        return self.many(lambda: self.integer(kind))

    def point(self) -> dict[str, Any]:
        return {"x": self.f32(), "y": self.f32(), "z": self.f64()}

    def part(self) -> dict[str, Any]:
        return {"color": self.color(), "point": self.point(), "weights": [self.f32() for _ in range(3)], "ok": self.flag()}

    def lane(self) -> dict[str, Any]:
        return {"width": self.f32(), "number": self.integer("u8")}

    def rank(self) -> dict[str, Any]:
        return {"place": self.integer("u16"), "weight": self.f32()}

    def entry(self) -> dict[str, Any]:
        return {"id": self.integer("u32"), "label": self.text()}

    def leaf(self, depth: int) -> dict[str, Any]:
        leaf: dict[str, Any] = {"id": self.integer("i32"), "label": self.text(), "point": self.point(), "children": []}
        if depth > 0:
            leaf["children"] = self.many(lambda: self.leaf(depth - 1))
        return leaf

    def _bits(self, count: int) -> int:
        top = 1 << (count - 1)
        return {1: top, 2: MASK, 3: top - 1}[self._number] if 1 <= self._number <= 3 else self._next()

    def _choose(self, count: int) -> int:
        if self._number < 4:
            return {2: count - 1, 3: count // 2}.get(self._number, 0)
        return self._next() % count

    def _next(self) -> int:
        self._state = (self._state + 0x9E3779B97F4A7C15) & MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)


def everything(number: int) -> dict[str, Any]:
    if number == 0:
        return {"name": "least"}
    d = Draw(number)
    message: dict[str, Any] = {kind: d.integer(kind) for kind in INTEGERS}
    message |= {"f32": d.f32(), "f64": d.f64(), "flag": d.flag(), "color": d.color(), "level": d.level(), "modes": d.modes()}
    message |= {"text": d.text(), "name": d.text()}
    message |= {f"{kind}s": d.integers(kind) for kind in INTEGERS}
    message |= {"f32s": d.many(d.f32), "f64s": d.many(d.f64), "flags": d.many(d.flag)}
    message |= {"colors": d.many(d.color), "levels": d.many(d.level), "mode_sets": d.many(d.modes), "texts": d.many(d.text)}
    message |= {"points": d.many(d.point), "parts": d.many(d.part), "point": d.point(), "part": d.part()}
    message |= {"leaf": d.leaf(0), "leaves": d.many(lambda: d.leaf(1)), "after_old": d.integer("i16")}
    message |= {"lane": d.lane(), "lanes": d.many(d.lane), "entries": d.many(d.entry), "ranks": d.many(d.rank)}
    message |= {"hashed": d.integer("u64"), "flexible": d.integers("u8")}
    return message


def plain(number: int) -> dict[str, Any]:
    d = Draw(number)
    return {
        "u8": d.integer("u8"), "i64": d.integer("i64"), "flag": d.flag(), "f32": d.f32(), "color": d.color(), "f64": d.f64(),
        "i16": d.integer("i16"), "level": d.level(), "u64": d.integer("u64"), "i8": d.integer("i8"), "u32": d.integer("u32"),
        "u16": d.integer("u16"), "i32": d.integer("i32"), "point": d.point(), "part": d.part(),
        "u16s": [d.integer("u16") for _ in range(3)], "f64s": [d.f64() for _ in range(2)], "flags": [d.flag() for _ in range(5)],
        "colors": [d.color() for _ in range(4)], "points": [d.point() for _ in range(2)],
    }  # fmt: skip


def choice(number: int) -> dict[str, Any]:
    return Draw(number).choice(1) if number else {}


def tiny(number: int) -> dict[str, Any]:
    return {"value": number % 256}


def blob(size: int) -> dict[str, Any]:
    cycle = bytes(range(251)) * (size // 251 + 2)
    return {"data": cycle[size % 251 : size % 251 + size]}


MAKE: Mapping[str, Callable[[int], dict[str, Any]]] = {"everything": everything, "plain": plain, "choice": choice, "tiny": tiny, "blob": blob}
RANDOM_CASES = (4, 5, 6, 7, 1234, 987654321)
CASES: Mapping[str, tuple[int, ...]] = {
    "everything": (0, 1, 2, 3, *RANDOM_CASES),
    "plain": (1, 2, 3, *RANDOM_CASES),
    "choice": (0, 1, 2, 3, *RANDOM_CASES, 8, 9, 10, 11),
    "tiny": (0, 1, 127, 128, 255),
    "blob": (0, 1, 7, 250, 4096, 65_537, 1_000_003, 10_000_000),
}
REPLIES: Mapping[str, str] = {"everything": "plain", "plain": "choice", "choice": "everything", "tiny": "tiny", "blob": "blob"}

# ---- text

POINT = {"x": "f32", "y": "f32", "z": "f64"}
PART = {"color": "int", "point": POINT, "weights": ["f32"], "ok": "int"}
LANE = {"width": "f32", "number": "int"}
RANK = {"place": "int", "weight": "f32"}
ENTRY = {"id": "int", "label": "text"}
LEAF: dict[str, Any] = {"id": "int", "label": "text", "point": POINT}
LEAF["children"] = [LEAF]
SCALARS = {"f32": "f32", "f64": "f64", "flag": "int", "color": "int", "level": "int"} | dict.fromkeys(INTEGERS, "int")
EVERYTHING: Mapping[str, Any] = {
    **{name: SCALARS[name] for name in (*INTEGERS, "f32", "f64", "flag", "color", "level")},
    "modes": "int", "text": "text", "name": "text",
    **{f"{name}s": [SCALARS[name]] for name in (*INTEGERS, "f32", "f64", "flag", "color", "level")},
    "mode_sets": ["int"], "texts": ["text"], "points": [POINT], "parts": [PART], "point": POINT, "part": PART, "leaf": LEAF, "leaves": [LEAF],
    "default_i32": "int", "default_u64": "int", "default_f32": "f32", "default_f64": "f64", "default_flag": "int", "default_color": "int",
    "after_old": "int", "lane": LANE, "lanes": [LANE], "entries": [ENTRY], "ranks": [RANK], "hashed": "int", "flexible": ["int"],
}  # fmt: skip
PLAIN: Mapping[str, Any] = {
    **{name: SCALARS[name] for name in ("u8", "i64", "flag", "f32", "color", "f64", "i16", "level", "u64", "i8", "u32", "u16", "i32")},
    "point": POINT, "part": PART, "u16s": ["int"], "f64s": ["f64"], "flags": ["int"], "colors": ["int"], "points": [POINT],
}  # fmt: skip
DEFAULTS: Mapping[str, Any] = {
    **dict.fromkeys(SCALARS, 0), "color": 5, "modes": 0, "after_old": 0, "hashed": 0,
    "default_i32": -7, "default_u64": 9223372036854775807, "default_f32": 0.1, "default_f64": 2.5, "default_flag": True, "default_color": 6,
}  # fmt: skip
CIRCLE = {"radius": "f32", "center": POINT}
MEMBERS: Mapping[str, Any] = {
    "Circle": CIRCLE, "Wheel": CIRCLE, "Note": {"text": "text", "level": "int"}, "Word": "text", "Spot": POINT, "Whole": PART,
}  # fmt: skip
MAYBE = {"maybe_i8": "int", "maybe_u64": "int", "maybe_f32": "f32", "maybe_f64": "f64", "maybe_flag": "int", "maybe_color": "int"}


def text_of(kind: Any, value: Any) -> str:
    """`value`, of a type as EVERYTHING above describes its fields: a word, [of elements], or {of fields}. Reads dicts and messages."""
    if value is None:
        return "none"
    if isinstance(kind, list):
        return "[" + ",".join(text_of(kind[0], one) for one in value) + "]"
    if isinstance(kind, dict):
        return "(" + ",".join(text_of(inner, member(value, name)) for name, inner in kind.items()) + ")"
    if kind == "text":
        return f"'{value.encode().hex()}'"
    if kind == "int":
        return str(int(value))
    packed = struct.pack(">f" if kind == "f32" else ">d", value)
    return packed.hex()


def member(value: Any, name: str) -> Any:
    """A field of a dict, of an element of a structured array, or of a message."""
    return getattr(value, name) if hasattr(type(value), name) else value[name]


def fields_text(name: str, fields: Mapping[str, Any], get: Callable[[str], Any]) -> str:
    return " ".join([name, *(f"{field}={text_of(kind, get(field))}" for field, kind in fields.items())])


def shape_text(shape: tuple[str, Any] | None) -> str:
    return shape[0] + text_of(MEMBERS[shape[0]], shape[1]) if shape else "none"


def choice_text(choice: Mapping[str, Any]) -> str:
    """Of the fields as they are sent: unions are tuples of their tag and value."""
    shapes, inner = choice.get("shapes"), choice.get("inner")
    parts = [
        f"shape={shape_text(choice.get('shape'))}",
        "shapes=none" if shapes is None else f"shapes=[{','.join(map(shape_text, shapes))}]",
        *(f"{name}={text_of(kind, choice.get(name))}" for name, kind in MAYBE.items()),
        "inner=none" if inner is None else f"inner=<{choice_text(inner)}>",
    ]
    return " ".join(["choice", *parts])


def choice_fields(message: Any) -> dict[str, Any]:
    """The fields of a received message as they are sent."""
    tag, tags, shapes = message.shape_type, message.shapes_type, message.shapes
    return {
        "shape": (tag.name, message.shape) if tag else None,
        "shapes": shapes if shapes is None else [(SHAPES[t], s) if t else None for t, s in zip(tags, shapes, strict=True)],
        "inner": None if message.inner is None else choice_fields(message.inner),
    } | {name: getattr(message, name) for name in MAYBE}


def blob_text(data: Sequence[int] | memoryview | bytes) -> str:
    raw = bytes(data)
    return f"blob bytes={len(raw)} crc={zlib.crc32(raw):08x}"


def case_text(message: str, number: int) -> str:
    """Case `number` as whoever receives it says it."""
    values = MAKE[message](number)
    if message == "everything":
        return fields_text("everything", EVERYTHING, lambda field: values.get(field, DEFAULTS.get(field)))
    if message == "plain":
        return fields_text("plain", PLAIN, values.__getitem__)
    if message == "choice":
        return choice_text(values)
    return f"tiny value={values['value']}" if message == "tiny" else blob_text(values["data"])


def expected_text(message: str, number: int) -> str:
    """What a subscriber says of case `number` when nothing was lost."""
    return f"lost=0 {case_text(message, number)}"


def received_text(message: str, received: Any) -> str:
    """A received message of whichever kind."""
    if message == "tiny":
        return f"tiny value={received.value}"
    if message == "choice":
        return choice_text(choice_fields(received))
    if message == "blob":
        return blob_text(received.data)
    fields = EVERYTHING if message == "everything" else PLAIN
    return fields_text(message, fields, lambda field: getattr(received, field))
