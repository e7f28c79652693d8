"""Requests: what is refused, where and how to mend it; what is accepted, and as what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.orchestration import LaunchRequest, Options, PlanTask
from cursor_monitor.domain.status import Mode
from cursor_monitor.engine import plan
from tests.builders import a_planned_task, request_fields

HALF_A_PAIR = "\ud83d"
TASK = {"key": "a", "prompt": "Do a."}


def parse(*, models: tuple[str, ...] = (), **fields: Any) -> LaunchRequest:
    return plan.parse_request(request_fields(**fields), Options(), models)


def the_plan(request: LaunchRequest) -> tuple[PlanTask, ...]:
    made = plan.make_plan(request)
    assert made is not None
    return made


def refusal(*, models: tuple[str, ...] = (), **fields: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        parse(models=models, **fields)
    assert caught.value.message == f"{caught.value.field}: {caught.value.message.partition(': ')[2]}"
    return caught.value


def many(count: int) -> list[dict[str, str]]:
    return [{"prompt": f"Do {n}."} for n in range(count)]


def circle(*links: str) -> list[dict[str, Any]]:
    return [{"key": link[0], "prompt": "Do it.", "depends_on": list(link[1:])} for link in links]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"prompt": None}, "prompt", "say what is to be done"),
    ({"prompt": ""}, "prompt", "say what is to be done"),
    ({"prompt": " \n\t\u2003"}, "prompt", "say what is to be done"),
    ({"prompt": "x" * 100_001}, "prompt", "has 100,001 characters, at most 100,000 are allowed; shorten or split it"),
    ({"prompt": "a\x00b"}, "prompt", "remove it"),
    ({"prompt": HALF_A_PAIR}, "prompt", "remove it"),
    ({"prompt": ["Do it"]}, "prompt", "must be text"),
    ({"prompt": True}, "prompt", "must be text"),
    ({"repository": None}, "repository", "give owner/repo"),
    ({"repository": 5}, "repository", "must be text"),
    ({"repository": "a/" + "b" * 500}, "repository", "at most 500"),
    ({"mode": "SWARM"}, "mode", "must be one of SINGLE_AGENT, PIPELINE, BATCH, AUTO"),
    ({"mode": "batch"}, "mode", "must be one of"),
    ({"mode": True}, "mode", "must be one of"),
    ({"mode": ["BATCH"]}, "mode", "must be one of"),
    ({"name": "n" * 101}, "name", "at most 100"),
    ({"ref": "r" * 256}, "ref", "at most 255"),
    ({"colour": "red"}, "colour", "use mode, model, name"),
    ({HALF_A_PAIR: 1}, "?", "is not known here"),
    ({"options": []}, "options", "must be an object"),
    ({"options": {"speed": 1}}, "options.speed", "use auto_create_pr"),
    ({"options": {"budget_cents": 0}}, "options.budget_cents", "from 1 to 100000000"),
    ({"options": {"budget_cents": 1.5}}, "options.budget_cents", "from 1 to 100000000"),
    ({"options": {"max_followups": True}}, "options.max_followups", "from 1 to 100000"),
    ({"options": {"wall_hours": 0}}, "options.wall_hours", "above 0, at most 2160"),
    ({"options": {"wall_hours": float("nan")}}, "options.wall_hours", "above 0, at most 2160"),
    ({"options": {"reviewer": 3}}, "options.reviewer", "true, false or the name of a model"),
    ({"options": {"protected_paths": "infra"}}, "options.protected_paths", "must be a list"),
    (
        {"options": {"required_checks": ["x"] * 3 + [str(n) for n in range(101)]}},
        "options.required_checks",
        "may hold 100",
    ),
    ({"options": {"max_iterations": True}}, "options.max_iterations", "whole number from 1 to 100"),
    ({"options": {"max_iterations": 0}}, "options.max_iterations", "whole number from 1 to 100"),
    ({"options": {"max_iterations": 101}}, "options.max_iterations", "whole number from 1 to 100"),
    ({"options": {"max_iterations": "3"}}, "options.max_iterations", "whole number from 1 to 100"),
    ({"options": {"max_iterations": 3.0}}, "options.max_iterations", "whole number from 1 to 100"),
    ({"options": {"max_parallel_agents": 51}}, "options.max_parallel_agents", "from 1 to 50"),
    ({"options": {"quality_threshold": -1}}, "options.quality_threshold", "from 0 to 100"),
    ({"options": {"max_attempts": 11}}, "options.max_attempts", "from 1 to 10"),
    ({"options": {"max_agents": 0}}, "options.max_agents", "from 1 to 10000"),
    ({"options": {"timeout_hours": True}}, "options.timeout_hours", "above 0, at most 168"),
    ({"options": {"timeout_hours": 0}}, "options.timeout_hours", "above 0, at most 168"),
    ({"options": {"timeout_hours": 168.1}}, "options.timeout_hours", "above 0, at most 168"),
    ({"options": {"timeout_hours": float("nan")}}, "options.timeout_hours", "above 0, at most 168"),
    ({"options": {"timeout_hours": float("inf")}}, "options.timeout_hours", "above 0, at most 168"),
    ({"options": {"auto_create_pr": 1}}, "options.auto_create_pr", "true or false"),
    ({"options": {"require_approval": "yes"}}, "options.require_approval", "true or false"),
    ({"mode": "BATCH"}, "tasks", "give at least one, or choose SINGLE_AGENT"),
    ({"mode": "PIPELINE", "tasks": []}, "tasks", "or write the prompt as a list or under headings"),
    ({"tasks": [TASK]}, "tasks", "choose BATCH, PIPELINE or AUTO"),
    ({"mode": "BATCH", "tasks": "a, b"}, "tasks", "must be a list"),
    ({"mode": "BATCH", "tasks": {"a": "b"}}, "tasks", "must be a list"),
    ({"mode": "BATCH", "tasks": False}, "tasks", "must be a list"),
    ({"mode": "BATCH", "tasks": many(201)}, "tasks", "at most 200 are allowed, 201 were given; split the job"),
    ({"mode": "BATCH", "tasks": [TASK, "b"]}, "tasks[1]", "must be an object with a prompt"),
    ({"mode": "BATCH", "tasks": [{"key": "a"}]}, "tasks[0].prompt", "say what is to be done"),
    ({"mode": "BATCH", "tasks": [{**TASK, "prompt": "a\x00"}]}, "tasks[0].prompt", "remove it"),
    ({"mode": "BATCH", "tasks": [{**TASK, "agent": 1}]}, "tasks[0].agent", "use best_of, depends_on, key"),
    ({"mode": "BATCH", "tasks": [{**TASK, "key": "a b"}]}, "tasks[0].key", "such as task-1"),
    ({"mode": "BATCH", "tasks": [{**TASK, "key": "-a"}]}, "tasks[0].key", "such as task-1"),
    ({"mode": "BATCH", "tasks": [{**TASK, "key": "é"}]}, "tasks[0].key", "such as task-1"),
    ({"mode": "BATCH", "tasks": [{**TASK, "key": 1}]}, "tasks[0].key", "must be text"),
    ({"mode": "BATCH", "tasks": [{**TASK, "title": "t" * 201}]}, "tasks[0].title", "at most 200"),
    ({"mode": "BATCH", "tasks": [{**TASK, "ref": "a..b"}]}, "tasks[0].ref", "a branch or a commit"),
    ({"mode": "BATCH", "tasks": [TASK, TASK]}, "tasks[1].key", "'a' is used twice; give each task a key of its own"),
    ({"mode": "BATCH", "tasks": circle("ab", "b")}, "tasks[0].depends_on", "choose AUTO to give dependencies"),
    ({"mode": "PIPELINE", "tasks": circle("a", "ba")}, "tasks[1].depends_on", "choose AUTO to give dependencies"),
    ({"mode": "AUTO", "tasks": [{**TASK, "depends_on": "b"}]}, "tasks[0].depends_on", "must be a list of task keys"),
    ({"mode": "AUTO", "tasks": [{**TASK, "depends_on": [1]}]}, "tasks[0].depends_on", "must be a list of task keys"),
    ({"mode": "AUTO", "tasks": [{**TASK, "depends_on": False}]}, "tasks[0].depends_on", "must be a list of task keys"),
    ({"mode": "AUTO", "tasks": [{**TASK, "depends_on": {}}]}, "tasks[0].depends_on", "must be a list of task keys"),
    ({"mode": "AUTO", "tasks": circle("a", "bz")}, "tasks[1].depends_on", "there is no task 'z'; use one of a, b"),
    ({"mode": "AUTO", "tasks": circle("aa")}, "tasks[0].depends_on", "'a' is the task itself; remove it"),
    ({"mode": "AUTO", "tasks": circle("ab", "ba")}, "tasks[0].depends_on", "break the circle"),
    ({"mode": "AUTO", "tasks": circle("a", "bd", "cb", "dc")}, "tasks[1].depends_on", "break the circle"),
]


@pytest.mark.parametrize(("fields", "field", "mend"), REFUSED, ids=range(len(REFUSED)))
def test_a_refusal_names_the_field_and_the_mend(fields: dict[str, Any], field: str, mend: str) -> None:
    error = refusal(**fields)
    assert (error.field, mend in error.message) == (field, True), error.message


@pytest.mark.earlier("R-16")
def test_an_unknown_or_cyclic_dependency_is_refused_at_the_door_instead_of_waiting_for_ever() -> None:
    message = refusal(mode="AUTO", tasks=circle("ac", "ba", "cb")).message
    named = message.partition("each other: ")[2].partition(";")[0].split(" -> ")
    assert named[0] == named[-1]
    assert sorted(named[1:]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("acme/app", "https://github.com/acme/app"),
        (" acme/app ", "https://github.com/acme/app"),
        ("acme/app/", "https://github.com/acme/app"),
        ("acme/app.git", "https://github.com/acme/app"),
        ("acme/.github", "https://github.com/acme/.github"),
        ("github.com/acme/app", "https://github.com/acme/app"),
        ("GitHub.com/Acme/App", "https://github.com/Acme/App"),
        ("HTTPS://GITHUB.COM/Acme/App.git/", "https://github.com/Acme/App"),
        ("https://gitlab.example.com:8443/group/sub/app", "https://gitlab.example.com:8443/group/sub/app"),
    ],
)
def test_a_repository_is_kept_in_one_form(given: str, kept: str) -> None:
    assert parse(repository=given).repository == kept
    assert plan.parse_repository(kept) == kept


NOT_A_REPOSITORY = """app
github.com
github.com/acme
https://github.com/acme
https://github.com/acme/app/tree/main
http://github.com/acme/app
javascript:alert(1)
javascript://github.com/acme/app
file:///etc/passwd
file://github.com/acme/app
data:text/html,x/y
ssh://git@github.com/acme/app
git@github.com:acme/app.git
//github.com/acme/app
https:///acme/app
https://user:secret@github.com/acme/app
https://user@github.com/acme/app
https://@github.com/acme/app
https://:@github.com/acme/app
https://github.com:port/acme/app
https://evil.com\\.github.com/acme/app
https://-x.com/acme/app
https://https://github.com/acme/app
https://github.com/acme/app?x=1
https://github.com/acme/app#readme
https://github.com/acme/%2e%2e
https://github.com/../app
https://github.com/acme/..
https://github.com//acme/app
acme/..
acme/.
acme/app;rm
acme/a pp
ac me/app
https://git hub.com/acme/app
https://\uff47ithub.com/acme/app
https://\u212aub.com/acme/app
https://github\u3002com/acme/app
a\u0441me/app
acme\u200b/app
acme\u2215app
<script>/x""".splitlines()


@pytest.mark.parametrize("given", [*NOT_A_REPOSITORY, "acme\t/app", "https://github.com/ac\nme/app"])
def test_what_is_no_repository_is_refused(given: str) -> None:
    error = refusal(repository=given)
    assert error.field == "repository"
    assert "must be owner/repo or an https URL" in error.message
    assert "secret" not in error.message


@pytest.mark.parametrize("given", ["main", "feature/x", "v1.0", "a@b", "deadbeef" * 5, "grün"])
def test_a_ref_is_kept_as_it_is(given: str) -> None:
    assert parse(ref=given).ref == given


REFS = "a b,a..b,-x,/a,a/,a//b,.a,a/.b,a.,a.lock,a.lock/b,a~1,a^,a:b,a?,a*,a[b,a\\b,@,a@{1},a\x7fb,a\x01b,a\u00a0b"


@pytest.mark.parametrize("given", REFS.split(","))
def test_what_git_would_never_accept_is_no_ref(given: str) -> None:
    assert refusal(ref=given).field == "ref"


def test_the_least_that_can_be_asked_for() -> None:
    request = parse(prompt="  Fix the build.  ", name="", ref=" ", model=None, options=None, tasks=[])
    wanted = LaunchRequest(prompt="Fix the build.", repository="https://github.com/acme/app")
    assert request == wanted
    assert the_plan(request) == (PlanTask(key="task-1", title="Fix the build.", prompt="Fix the build."),)


@pytest.mark.earlier("R-18")
def test_the_longest_prompt_is_kept_whole() -> None:
    prompt = "é" * 100_000
    assert the_plan(parse(prompt=prompt))[0].prompt == prompt


@pytest.mark.earlier("R-17")
def test_every_option_reaches_the_orchestration() -> None:
    """The model, iterations and flags that a person chose are not lost on the way."""
    chosen = {
        "max_parallel_agents": 50,
        "max_iterations": 1,
        "quality_threshold": 0,
        "max_attempts": 10,
        "max_agents": 7,
        "max_followups": 9,
        "budget_cents": 500,
        "wall_hours": 2.5,
        "reviewer": "m-1",
        "require_checks": True,
        "required_checks": ("test",),
        "protected_paths": ("infra/",),
        "priority": 3,
        "timeout_hours": 168,
        "auto_create_pr": False,
        "require_approval": True,
    }
    request = parse(options=chosen, model="m-2", models=("m-1", "m-2"))
    assert request.options == Options(**chosen)
    assert request.model == "m-2"


def test_the_defaults_fill_what_was_not_given() -> None:
    defaults = Options(max_iterations=9, max_agents=4, auto_create_pr=False)
    request = plan.parse_request(request_fields(options={"max_attempts": None}), defaults)
    assert request.options == defaults


def test_an_unknown_model_is_refused_and_never_replaced_by_another() -> None:
    error = refusal(model="gpt-x", models=("m-1", "m-2"))
    assert error.field == "model"
    assert "use one of m-1, m-2, or leave it out" in error.message
    task = {**TASK, "model": "gpt-x"}
    assert refusal(mode="BATCH", tasks=[task], models=("m-1",)).field == "tasks[0].model"
    assert parse(model="gpt-x").model == "gpt-x", "where no model is known, Cursor judges"


def test_a_pipeline_runs_every_task_after_the_one_before() -> None:
    """Not only the first two."""
    made = the_plan(parse(mode="PIPELINE", tasks=many(4)))
    assert [(t.key, t.depends_on) for t in made] == [
        ("task-1", ()),
        ("task-2", ("task-1",)),
        ("task-3", ("task-2",)),
        ("task-4", ("task-3",)),
    ]


@pytest.mark.earlier("R-07")
def test_the_tasks_of_a_batch_wait_for_nothing() -> None:
    made = the_plan(parse(mode="BATCH", tasks=[*many(2), {**TASK, "depends_on": []}]))
    assert [t.depends_on for t in made] == [(), (), ()]


def test_the_tasks_of_a_plan_keep_every_character() -> None:
    long = "line one\n\n" + "word " * 9_999 + "end"
    tasks = [{"key": "b", "prompt": long, "depends_on": ["a", "a"], "ref": "dev", "title": "Second"}, TASK]
    made = the_plan(parse(mode="AUTO", tasks=tasks))
    assert made == (
        a_planned_task("b", ("a",), prompt=long, ref="dev", title="Second"),
        a_planned_task("a", title="Do a.", prompt="Do a."),
    )


def test_two_hundred_tasks_are_accepted() -> None:
    assert len(parse(mode="BATCH", tasks=many(200)).tasks) == 200


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "Task"),
        ("  \n## Add tests\nmore", "Add tests"),
        ("---\n* one", "one"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
    ],
)
def test_a_title_is_the_first_line_that_says_something(text: str, line: str) -> None:
    assert plan.first_line(text) == line


texts = st.text(st.characters(), max_size=12) | st.sampled_from(
    ["\x00", HALF_A_PAIR, "acme/app", "a", "b", "main", " "]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
likely_tasks = st.lists(
    st.fixed_dictionaries(
        {"prompt": texts | json_values},
        optional={
            "key": st.sampled_from("abc") | json_values,
            "depends_on": st.lists(st.sampled_from("abc"), max_size=3) | json_values,
            "model": texts,
            "ref": texts,
            "title": json_values,
        },
    )
    | json_values,
    max_size=4,
)
likely_requests = st.fixed_dictionaries(
    {},
    optional={
        "prompt": st.just("Do it.") | json_values,
        "repository": st.just("acme/app") | texts | json_values,
        "mode": st.sampled_from([str(mode) for mode in Mode]) | json_values,
        "tasks": likely_tasks | json_values,
        "options": st.dictionaries(st.sampled_from(list(Options.__slots__)), json_values, max_size=3) | json_values,
        "name": texts | json_values,
        "ref": texts | json_values,
        "model": texts | json_values,
        "extra": json_values,
    },
)


@given(fields=likely_requests | json_values)
@example(fields=[1])
@example(fields="prompt")
@example(fields={HALF_A_PAIR: 1})
@settings(max_examples=300, deadline=None)
def test_any_json_is_accepted_or_refused_in_words_that_can_be_sent(fields: Any) -> None:
    request = _parsed(fields)
    if isinstance(request, Invalid):
        assert request.field
        assert request.message.encode()
        assert len(request.message) < 2_000
        return
    plan.check_dependencies(plan.make_plan(request) or ())
    assert request.repository.startswith("https://")
    again = {"prompt": request.prompt, "repository": request.repository, "mode": str(request.mode)}
    assert plan.parse_request({**again, "tasks": fields.get("tasks")}, Options(), ("a", "b")).tasks == request.tasks


def _parsed(fields: Any) -> LaunchRequest | Invalid:
    try:
        return plan.parse_request(fields, Options(), ("a", "b"))
    except Invalid as error:
        return error
