"""Structured prompts: where they are split, what waits for what, and that no character is lost on the way."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.orchestration import LaunchRequest, Options, PlanTask
from cursor_monitor.domain.status import Mode
from cursor_monitor.engine import plan
from cursor_monitor.engine.plan_lines import scan
from cursor_monitor.engine.plan_split import Split, split_prompt
from tests.builders import request_fields


def split(text: str, *, bullets: bool = False) -> Split:
    found = split_prompt(text, bullets=bullets)
    assert found is not None
    return found


def own_texts(text: str) -> list[str]:
    found = split(text)
    return [found.own(part) for part in found.parts]


def planned(prompt: str, mode: Mode = Mode.AUTO) -> dict[str, tuple[str, ...]]:
    request = plan.parse_request(request_fields(prompt=prompt, mode=str(mode)), Options())
    return {task.key: task.depends_on for task in plan.make_plan(request) or ()}


def refusal(prompt: str, mode: Mode = Mode.AUTO) -> str:
    with pytest.raises(Invalid) as caught:
        planned(prompt, mode)
    return caught.value.message


NUMBERED = "Build a shop.\n\n1. Model\n   - orders\n   - users\n2. Pages\n\nNever break main.\n"


def test_a_numbered_list_makes_tasks_and_nested_items_stay_with_their_parent() -> None:
    found = split(NUMBERED)
    assert [found.own(part) for part in found.parts] == ["1. Model\n   - orders\n   - users\n", "2. Pages\n\n"]
    assert found.shared == "Build a shop.\n\nNever break main.\n", "what surrounds the list goes to every task"
    assert planned(NUMBERED) == {"model": (), "pages": ()}


def test_headings_make_tasks_and_those_about_context_are_shared() -> None:
    text = (
        "# Shop\nIntro.\n## Context\nOld.\n## Model\n1. a\n2. b\n### Details\nx\n## Pages\ny\n## Constraints\nNone.\n"
    )
    found = split(text)
    assert [part.title for part in found.parts] == ["Model", "Pages"]
    assert found.own(found.parts[0]) == "## Model\n1. a\n2. b\n### Details\nx\n"
    assert found.shared == "# Shop\nIntro.\n## Context\nOld.\n## Constraints\nNone.\n"


def test_the_list_under_a_heading_of_tasks_wins_over_the_headings_around_it() -> None:
    found = split("# Why\nBecause.\n# Tasks\n- Model\n- Pages\n  - home\n# How\nWell.\n")
    assert [part.title for part in found.parts] == ["Model", "Pages"]
    assert found.shared == "# Why\nBecause.\n# Tasks\n# How\nWell.\n"


def test_what_is_checked_off_is_no_task_but_everyone_sees_it() -> None:
    text = "- [x] Model\n- [ ] Pages\n  depends on: 1\n- [ ] Docs\n  depends on: Pages, model\n"
    assert planned(text.replace(", model", "")) == {"pages": (), "docs": ("pages",)}
    assert split(text).shared == "- [x] Model\n"


@pytest.mark.parametrize("fence", ["```", "~~~", "`````"])
def test_a_fence_is_never_torn(fence: str) -> None:
    inside = f"{fence}sh\n1. not a task\n## no heading\n```` \n2. nor this\n{fence}\n"
    inside = inside if fence != "```" else inside.replace("```` \n", "")
    text = f"1. First\n\n{inside}2. Second\n   {fence}\n3. inside\n   {fence}\n"
    assert own_texts(text) == [f"1. First\n\n{inside}", f"2. Second\n   {fence}\n3. inside\n   {fence}\n"]


def test_a_fence_that_opens_on_an_item_or_never_closes_is_whole_too() -> None:
    assert own_texts("1. ```\n2. x\n```\n2. b\n") == ["1. ```\n2. x\n```\n", "2. b\n"]
    assert own_texts("1. a\n2. b\n   ```\n3. c\n# d\n") == ["1. a\n", "2. b\n   ```\n3. c\n# d\n"]


def test_a_table_is_text() -> None:
    text = "1. a\n\n| n | what |\n|---|------|\n| 1 | x |\n2. | y\n\n2. b\n"
    assert own_texts(text) == [text.partition("\n2. b")[0] + "\n", "2. b\n"]


def test_windows_lines_and_underlined_headings() -> None:
    assert own_texts("1. a\r\n   x\r\n2. b\r\n") == ["1. a\r\n   x\r\n", "2. b\r\n"]
    assert own_texts("Model\n=====\na\n\nPages\n=====\nb\n") == ["Model\n=====\na\n\n", "Pages\n=====\nb\n"]


def test_other_scripts_and_emoji() -> None:
    text = "\u200f1. أضف النموذج\n\u200f2. أضف الصفحات\n   depends on: أضف النموذج\n3. 🎉🎉\n"
    assert planned(text) == {"task-1": (), "task-2": ("task-1",), "task-3": ()}
    one, two = "\u0661", "\u0662"  # Arabic-Indic digits
    assert planned(f"{one}. أ\n{two}. ب\n   depends on: {one}\n") == {"task-1": (), "task-2": ("task-1",)}


@pytest.mark.parametrize(
    "text",
    [
        "Add a health check.",
        "1. Only one\n",
        "- a\n- b\n",
        "Fix the crash. Steps to reproduce:\n1. open\n2. click\n",
        "```\n1. a\n2. b\n```\n",
        "import os\n\n# Load\ncfg = load()\n\n# Run\nrun(cfg)\n",
        "## Context\n1. a\n2. b\n## Notes\nc\n",
        "- Backend\n  1. a\n  2. b\n- Frontend\n",
    ],
)
def test_what_is_no_list_of_tasks_is_left_whole(text: str) -> None:
    assert split_prompt(text) is None
    request = plan.parse_request(request_fields(prompt=text, mode="AUTO"), Options())
    assert plan.make_plan(request) is None


def test_dependencies_by_number_key_and_title() -> None:
    text = "## 10. Add API\nx\n## 20. Pages, and docs\n**Depends on:** Add API\n"
    text += "## 30. End\n- depends on: #10 and pages-and-docs\n"
    assert planned(text) == {"add-api": (), "pages-and-docs": ("add-api",), "end": ("pages-and-docs",)}
    assert planned("1. A (depends on: 2)\n2. B\n3. C\n   depends on: none\n") == {"a": ("b",), "b": (), "c": ()}


def test_words_of_order() -> None:
    assert planned("Do these in this order:\n\n1. A\n2. B\n3. C\n") == {"a": (), "b": ("a",), "c": ("b",)}
    assert planned("## Step 1: A\nx\n## Step 2: B\ny\n") == {"a": (), "b": ("a",)}
    assert planned("1. A\n2. Then B\n3. C\n") == {"a": (), "then-b": ("a",), "c": ()}
    made = planned("1. A\n2. B\n3. Finally, join\n")
    assert made == {"a": (), "b": (), "merge-finally-join": ("a", "b"), "finally-join": ("merge-finally-join",)}


def test_the_modes_say_what_waits() -> None:
    assert planned("- A\n- B\n- C\n", Mode.PIPELINE) == {"a": (), "b": ("a",), "c": ("b",)}
    assert planned("In this order:\n\n- A\n- B\n", Mode.BATCH) == {"a": (), "b": ()}
    assert len(planned("1. A\n2. B\n", Mode.SINGLE_AGENT)) == 1
    assert "line 2: tasks of a BATCH are independent" in refusal("1. A\n2. B (depends on: 1)\n", Mode.BATCH)


def test_refusals_name_the_line_as_it_was_sent() -> None:
    assert "line 5: depends on 'C', which is no task; use a number, or a, b" in refusal(
        "\n\n1. A\n2. B\n   depends on: C"
    )
    assert "line 1: these wait for each other" in refusal("1. A (depends on: 2)\n2. B (depends on: 1)\n")
    assert "line 1: these wait for each other: a -> a" in refusal("1. A (depends on: 1)\n2. B\n")
    many = "".join(f"{n}. Do {n}\n" for n in range(1, 7_001))
    assert "line 201: at most 200 tasks are allowed, these are 7000" in refusal(many)


def test_what_waits_for_several_gets_a_step_that_merges_and_no_more_than_needed() -> None:
    text = "1. A\n2. B\n   depends on: 1\n3. C\n   depends on: 1\n4. D\n   depends on: 1, 2, 3\n"
    assert planned(text)["merge-d"] == ("b", "c"), "b and c already build on a"
    assert planned(text)["d"] == ("merge-d",)


pieces = st.sampled_from(
    [
        *("\n", "\r\n", "\r", " ", "    ", "\t", "1. ", "2) ", "- ", "* ", "- [ ] ", "- [x] ", "# ", "## Tasks", "## "),
        *("```", "~~~", "````", "---", "===", "| a | b |", "|---|---|", "depends on: ", "depends on: 1", "> ", "Then "),
        *("(depends on: a)", "Steps to reproduce:", "In this order:", "🎉", "\u200f", "أ", "\u2028", "\x0b", "a", "1"),
        "## Context",
    ]
)
prompts = st.lists(pieces | st.text(max_size=4), max_size=60).map("".join)


@given(text=prompts, bullets=st.booleans())
@settings(max_examples=600, deadline=None)
@example(text=NUMBERED, bullets=False)
@example(text="1. a\r2. b\r", bullets=False)
@pytest.mark.earlier("R-07")
def test_no_character_is_lost_and_none_is_told_twice(text: str, bullets: bool) -> None:
    assert "".join(text[line.start : line.end] for line in scan(text)) == text
    found = split_prompt(text, bullets=bullets)
    if found is None:
        return
    spans = sorted([*found.shared_spans, *((part.start, part.end) for part in found.parts)])
    assert "".join(text[a:b] for a, b in spans) == text
    assert len(found.parts) > 1
    fenced = [line for line in scan(text) if line.opens_fence]
    assert all(line.start >= part.end or line.end <= part.end for line in fenced for part in found.parts)


@given(text=prompts, mode=st.sampled_from(list(Mode)))
@settings(max_examples=300, deadline=None)
def test_any_prompt_is_planned_or_refused_in_words(text: str, mode: Mode) -> None:
    try:
        request = plan.parse_request(request_fields(prompt=text, mode=str(mode)), Options())
    except Invalid:
        return
    tasks = plan.make_plan(request)
    if tasks is not None:
        plan.check_dependencies(tasks)
        assert all(plan.KEY_PATTERN.fullmatch(task.key) and task.title for task in tasks)
        assert all(len(task.depends_on) < 2 or task.is_merge for task in tasks)
    else:
        assert mode is Mode.AUTO


def chain(count: int) -> list[PlanTask]:
    return [PlanTask(f"t{n}", "T", "Do.", (f"t{n - 1}",) if n else ()) for n in range(count)]


def test_ten_thousand_tasks_are_checked_in_no_time() -> None:
    tasks = chain(10_000)
    plan.check_dependencies(tasks)
    with pytest.raises(Invalid, match="these wait for each other"):
        plan.check_dependencies([PlanTask("t0", "T", "Do.", ("t9999",)), *tasks[1:]])
    with pytest.raises(Invalid, match="'t5' is used twice"):
        plan.check_dependencies([*tasks, tasks[5]])
    with pytest.raises(Invalid, match=r"tasks\[10000\].depends_on: there is no task 'nowhere'.* and 9981 more"):
        plan.check_dependencies([*tasks, PlanTask("x", "T", "Do.", ("nowhere",))])


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "hostile",
    [
        "1. a\n2. b" + " " * 50_000 + "x (depends on" + " " * 40_000 + "\n",
        "# " + " " * 90_000 + "x\n# b",
        "-" * 50_000 + "|x\n" * 2 + "1. a\n2. b",
        "- " * 45_000 + "x",
        "1. a\n" * 20_000,
        "> " * 49_000,
        "`" * 99_000,
    ],
    ids=range(7),
)
def test_hostile_text_takes_no_longer_than_its_length_allows(hostile: str) -> None:
    request = LaunchRequest(prompt=hostile[:100_000], repository="https://github.com/acme/app", mode=Mode.AUTO)
    with suppress(Invalid):
        plan.make_plan(request)
