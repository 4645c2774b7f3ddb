# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from lark import Lark
from lark.exceptions import GrammarError, LarkError
from shmcomm_gen.diagnostics import Sink
from shmcomm_gen.grammar import grammar_path, parse
from shmcomm_gen.source import Source
from shmcomm_gen.syntax import ValueKind
from shmcomm_gen.transform import read_syntax

GRAMMAR = grammar_path().read_text(encoding="utf-8")


def strict(grammar: str) -> Lark:
    return Lark(grammar, parser="lalr", lexer="contextual", strict=True)


def source(text: str) -> Source:
    return Source("case.channel", Path("case.channel"), text)


def default_of(text: str) -> tuple[ValueKind, str]:
    """Kind and text of the default in `table T { x:T = …; }`."""
    sink = Sink()
    file = read_syntax(source(f"table T {{ x:int = {text}; }}"), sink)
    assert not sink.has_errors
    [field] = file.types[0].fields  # type: ignore[union-attr]
    assert field.default is not None
    return field.default.kind, field.default.text


def test_the_grammar_has_no_conflict_that_lalr_would_resolve_silently() -> None:
    strict(GRAMMAR)


def test_strict_mode_would_catch_a_call_that_looks_like_attributes() -> None:
    loose = GRAMMAR.replace('call: FUNCTION "(" _value ")"', 'call: IDENT "(" _value ")"')

    with pytest.raises((GrammarError, LarkError)):
        strict(loose)


def test_strict_mode_would_catch_terminals_that_overlap() -> None:
    loose = GRAMMAR.replace("QUANTITY.2:", "QUANTITY.3:").replace("(?![0-9A-Za-z_.])/\n\n", "/\n\n", 1)
    loose = loose.replace("[0-9]+(\\.[0-9]+)?[A-Za-z]+", "[0-9]+[0-9A-Za-z]*")

    with pytest.raises((GrammarError, LarkError)):
        strict(loose)


def test_a_bracket_after_a_space_opens_attributes_and_not_a_call() -> None:
    file = read_syntax(source("table T { color:C = Blue (id: 6); angle:float = sin (id: 7); }"), Sink())

    fields = file.types[0].fields  # type: ignore[union-attr]

    assert [(f.default.kind, f.default.text) for f in fields if f.default] == [
        (ValueKind.WORD, "Blue"),
        (ValueKind.WORD, "sin"),
    ]
    assert [f.attributes[0].name.text for f in fields] == ["id", "id"]


@pytest.mark.parametrize("function", ["deg", "rad", "sin", "cos", "tan", "asin", "acos", "atan"])
def test_a_bracket_that_touches_a_function_makes_a_call(function: str) -> None:
    assert default_of(f"{function}(1.5)") == (ValueKind.CALL, f"{function}(1.5)")


@pytest.mark.parametrize("text", ["0", "12", "-3", "+7", "0x2", "0XfF", "-0x10", "007"])
def test_an_integer_is_one_token(text: str) -> None:
    assert default_of(text) == (ValueKind.INTEGER, text)


@pytest.mark.parametrize("text", ["1.5", "-1.5", ".5", "1.", "1e3", "2.5e-3", "0x1p3", "0x1.8p-1", "+0.0"])
def test_a_float_is_one_token(text: str) -> None:
    assert default_of(text) == (ValueKind.FLOAT, text)


@pytest.mark.parametrize("text", ["nan", "-inf", "+infinity", "Color.Red"])
def test_a_word_may_have_a_sign_or_dots(text: str) -> None:
    assert default_of(text) == (ValueKind.WORD, text)


@pytest.mark.parametrize("text", ["8MiB", "50ms", "1.5s", "0B", "2e", "16x"])
def test_a_number_with_a_unit_is_one_token(text: str) -> None:
    file = read_syntax(source(f"channel c : pubsub<A> {{ size: {text}; }}"), Sink())

    value = file.channels[0].options[0].value

    assert (value.kind, value.text) == (ValueKind.QUANTITY, text)


@pytest.mark.parametrize("text", ["0x2", "1e3", "0x1p3"])
def test_letters_of_a_number_are_no_unit(text: str) -> None:
    file = read_syntax(source(f"channel c : pubsub<A> {{ size: {text}; }}"), Sink())

    assert file.channels[0].options[0].value.kind in (ValueKind.INTEGER, ValueKind.FLOAT)


def test_no_word_is_reserved() -> None:
    text = """
        namespace channel.table;
        table table { struct:int; include:channel; channel:[enum]; namespace:string (required); }
        struct channel { table:float; }
        enum enum : ubyte { union, root_type, table }
        channel channel : pubsub<table> { capacity: 8; }
    """
    sink = Sink()

    file = read_syntax(source(text), sink)

    assert not sink.has_errors
    assert [one.name.text for one in file.types] == ["table", "channel", "enum"]
    assert file.channels[0].name.text == "channel"


def test_commas_may_trail_where_flatc_lets_them() -> None:
    sink = Sink()

    read_syntax(source("enum E : byte { A, B, }  union U { A, }  table T { x:[int] = [1, 2,]; }"), sink)

    assert not sink.has_errors


def test_comments_may_stand_anywhere() -> None:
    sink = Sink()

    read_syntax(source("/* a */ table /* * / ** */ T // b\n { x /**/ : int; } // end"), sink)

    assert not sink.has_errors


def test_strings_keep_what_looks_like_comments_and_quotes() -> None:
    file = read_syntax(source(r"""channel c = "a//b/*\"\x41é\n'" : pubsub<A>;"""), Sink())

    assert file.channels[0].channel_name is not None
    assert file.channels[0].channel_name.text == "a//b/*\"Aé\n'"


def test_names_lost_in_broken_declarations_are_remembered() -> None:
    parsed = parse(source("table A { x int; }\nstruct B { }\n"), Sink())

    assert "A" in parsed.unreadable
    assert "B" not in parsed.unreadable


def test_a_file_of_nothing_but_errors_ends() -> None:
    sink = Sink()

    parsed = parse(source("table A ;\n" * 100), sink)

    assert len(sink.diagnostics) == 50
    assert parsed.text == ""
