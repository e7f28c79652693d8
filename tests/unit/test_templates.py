"""Prompts with blanks: found, filled in once, never read twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.templates import VALUE_LIMIT, Variable, fill_in, names_in

ANY = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1, max_size=200)


def test_variables_are_found_in_their_order_and_once() -> None:
    assert names_in("Move {{b}} to {{ a_1 }}, then {{b}}. \\{{ not }} {one}") == ["b", "a_1"]


@pytest.mark.parametrize("blank", ["{{}}", "{{A}}", "{{a b}}", "{{1a}}", "{{a-b}}", "{{" + "a" * 41 + "}}"])
def test_a_blank_that_is_no_variable_is_refused(blank: str) -> None:
    with pytest.raises(Invalid, match="no variable"):
        names_in(f"Do {blank}.")


def test_too_many_are_refused() -> None:
    with pytest.raises(Invalid, match="31 variables"):
        names_in(" ".join(f"{{{{v{n}}}}}" for n in range(31)))


def test_defaults_choices_and_escapes() -> None:
    variables = (Variable("a", default="x"), Variable("b", choices=("one", "two")), Variable("c", is_long=True))
    made = fill_in("{{a}} {{b}} {{ c }} \\{{a}}", variables, {"b": "two", "c": "1\n2"})
    assert made == "x two 1\n2 {{a}}"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "variables.b"),
        ({"b": "three"}, "variables.b"),
        ({"b": "one", "a": "x\ny"}, "variables.a"),
        ({"b": "one", "a": "x" * (VALUE_LIMIT + 1)}, "variables.a"),
        ({"b": "one", "a": "x\x00"}, "variables.a"),
        ({"b": "one", "a": 7}, "variables.a"),
        ({"b": "one", "other": "x"}, "variables.other"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(values: dict[str, object], field: str) -> None:
    variables = (Variable("a", default="x"), Variable("b", choices=("one", "two")))
    with pytest.raises(Invalid) as caught:
        fill_in("{{a}} {{b}}", variables, values)
    assert caught.value.field == field


@given(ANY)
def test_a_value_goes_in_as_it_is_and_is_no_template_itself(value: str) -> None:
    variables = (Variable("a", is_long=True), Variable("b", is_long=True))
    if not value.strip():
        return
    made = fill_in("<{{a}}|{{b}}>", variables, {"a": value, "b": "{{a}}"})
    assert made == f"<{value.strip()}|{{{{a}}}}>"
