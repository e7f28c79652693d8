"""From what was asked to a checked request and its plan; every refusal names the field and the mend."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cursor_monitor.domain.budgets import CODES
from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.orchestration import LaunchRequest, Options, PlanTask
from cursor_monitor.domain.status import Mode
from cursor_monitor.domain.text import storable
from cursor_monitor.engine.plan_candidates import parse_tries, with_candidates
from cursor_monitor.engine.plan_check import check_dependencies
from cursor_monitor.engine.plan_merge import with_merge_steps
from cursor_monitor.engine.plan_order import order_parts
from cursor_monitor.engine.plan_split import split_prompt

PROMPT_LIMIT = 100_000  # characters; Cursor publishes none, clients in the field use this
NAME_LIMIT = 100  # Cursor's own limit for an agent's name
REF_LIMIT = 255
TASKS_LIMIT = 200
NAMES_LIMIT = 100
TIMEOUT_LIMIT = 168  # hours of one run
WALL_LIMIT = 24 * 90  # hours of an orchestration
KEY_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SEGMENT = r"(?!\.+(?:/|$))[A-Za-z0-9_.-]+"  # not . or .., which would climb
_OWNER_REPO = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]*/{_SEGMENT}")
_PATH = re.compile(rf"/[A-Za-z0-9][A-Za-z0-9_.-]*(?:/{_SEGMENT})+")  # owner/repo, or a group within groups
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?")
_REF = re.compile(r"[^\s~^:?*\[\\\x00-\x1f\x7f]+")
_NO_REF = re.compile(r"\.\.|//|@\{|/\.|\.lock/|^[-/.]|(?:\.lock|[/.])$|^@$")  # see git-check-ref-format
_EMPTY = {
    "prompt": "is empty; say what is to be done",
    "repository": "is missing; give owner/repo or an https URL such as https://github.com/owner/repo",
}
_FIELDS = frozenset({"prompt", "repository", "ref", "model", "mode", "name", "tasks", "options"})
_TASK_FIELDS = frozenset({"key", "title", "prompt", "depends_on", "model", "ref", "best_of", "models"})


def parse_request(fields: Mapping[str, Any], defaults: Options, models: Sequence[str] = ()) -> LaunchRequest:
    """Check what a form or a program sent; raises Invalid for the first thing that cannot be used.

    `models` are the ids Cursor offers; where none are known, any name is let through for Cursor to judge.
    """
    if not isinstance(fields, Mapping):
        raise Invalid("request", "must be an object with a prompt and a repository")
    refuse_unknown(fields, _FIELDS)
    mode = _mode(fields.get("mode"))
    prompt = _text(fields, "prompt", PROMPT_LIMIT, required=True)
    request = LaunchRequest(
        prompt=prompt or "",
        repository=parse_repository(_text(fields, "repository", 500, required=True) or ""),
        mode=mode,
        name=_text(fields, "name", NAME_LIMIT),
        ref=parse_ref(_text(fields, "ref", REF_LIMIT), "ref"),
        model=_model(_text(fields, "model", 100), "model", models),
        tasks=_tasks(fields.get("tasks"), mode, models),
        options=parse_options(fields.get("options"), defaults, models),
    )
    check_dependencies(request.tasks)
    check_size(make_plan(request, first_line_number(fields.get("prompt"))) or ())
    return request


def parse_repository(value: str) -> str:
    """`owner/repo` or an https URL as `https://host/owner/repo`; raises Invalid for anything else."""
    text = value.strip().removesuffix("/").removesuffix(".git")
    if _OWNER_REPO.fullmatch(text):
        return f"https://github.com/{text}"
    if re.match(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+/", text):
        text = f"https://{text}"
    scheme, _, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    path = slash + path
    deep = host.lower() == "github.com" and path.count("/") > 2  # an address within a repository
    if scheme.lower() != "https" or not _HOST.fullmatch(host) or not _PATH.fullmatch(path) or deep:
        raise Invalid("repository", "must be owner/repo or an https URL such as https://github.com/owner/repo")
    return f"https://{host.lower()}{path}"


def parse_ref(value: str | None, field: str) -> str | None:
    """A branch or commit; raises Invalid for what git would never accept."""
    if value is not None and (not _REF.fullmatch(value) or _NO_REF.search(value)):
        raise Invalid(field, "must be a branch or a commit, such as main")
    return value


def make_plan(request: LaunchRequest, first_line: int = 1) -> tuple[PlanTask, ...] | None:
    """The tasks of a checked request, merge steps and candidates included; None where a planner is to be asked.

    Raises Invalid where the prompt's own structure makes no plan; `first_line` is the number of its first line.
    """
    if request.tasks:
        return whole_plan(request.tasks, request.options)
    if request.mode is Mode.SINGLE_AGENT:
        return one_task(request.prompt, request.name, request.options)
    split = split_prompt(request.prompt, bullets=request.mode is not Mode.AUTO)
    if split is not None:
        if len(split.parts) > TASKS_LIMIT:
            line = first_line + split.parts[TASKS_LIMIT].line - 1
            count = len(split.parts)
            message = f"line {line}: at most {TASKS_LIMIT} tasks are allowed, these are {count}; split the job"
            raise Invalid("prompt", message)
        return whole_plan(order_parts(split, request.mode, first_line), request.options)
    if request.mode is Mode.AUTO:
        return None
    raise Invalid(
        "tasks",
        f"{request.mode} needs tasks; give at least one, or choose SINGLE_AGENT, or write the prompt as a list "
        "or under headings, two at the least",
    )


def whole_plan(tasks: Sequence[PlanTask], options: Options) -> tuple[PlanTask, ...]:
    """The plan that comes of these tasks: with the steps that merge, and the candidates to choose from."""
    return with_candidates(with_merge_steps(tasks), options)


def one_task(prompt: str, name: str | None, options: Options) -> tuple[PlanTask, ...]:
    """The whole prompt as one task."""
    return with_candidates((PlanTask(key="task-1", title=name or first_line(prompt), prompt=prompt),), options)


def check_size(tasks: Sequence[PlanTask]) -> None:
    """Raise Invalid where merge steps and candidates make a plan too long."""
    if len(tasks) > TASKS_LIMIT:
        steps, tries = sum(task.is_merge for task in tasks), sum(task.candidate_of is not None for task in tasks)
        count = f"with {steps} merge steps{f' and {tries} candidates' if tries else ''} these are {len(tasks)}"
        raise Invalid("tasks", f"at most {TASKS_LIMIT} are allowed, {count}; split the job")


def first_line_number(prompt: object) -> int:
    """The number of the first line that is kept, once the blank lines before it are gone."""
    text = prompt if isinstance(prompt, str) else ""
    return 1 + text[: len(text) - len(text.lstrip())].count("\n")


def first_line(text: str) -> str:
    """A short title from a longer text."""
    line = next((part.strip(" #*-\t") for part in text.splitlines() if part.strip(" #*-\t")), "Task")
    return line if len(line) <= 80 else line[:79].rstrip() + "…"


def _tasks(value: object, mode: Mode, models: Sequence[str]) -> tuple[PlanTask, ...]:
    if value is None or value == []:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise Invalid("tasks", "must be a list of tasks, each with a prompt")
    if mode is Mode.SINGLE_AGENT:
        raise Invalid("tasks", "SINGLE_AGENT takes none; choose BATCH, PIPELINE or AUTO to give tasks")
    if len(value) > TASKS_LIMIT:
        raise Invalid("tasks", f"at most {TASKS_LIMIT} are allowed, {len(value)} were given; split the job")
    tasks = [parse_task(item, index, mode, models) for index, item in enumerate(value)]
    if mode is Mode.PIPELINE:
        return tuple(
            replace(task, depends_on=(tasks[index - 1].key,) if index else ()) for index, task in enumerate(tasks)
        )
    return tuple(tasks)


def parse_task(item: object, index: int, mode: Mode, models: Sequence[str]) -> PlanTask:
    """One task of a list, checked by itself; raises Invalid."""
    where = f"tasks[{index}]"
    if not isinstance(item, Mapping):
        raise Invalid(where, "must be an object with a prompt")
    refuse_unknown(item, _TASK_FIELDS, f"{where}.")
    prompt = _text(item, "prompt", PROMPT_LIMIT, required=True, prefix=f"{where}.") or ""
    key = _text(item, "key", 64, prefix=f"{where}.") or f"task-{index + 1}"
    if not KEY_PATTERN.fullmatch(key):
        raise Invalid(f"{where}.key", "may hold letters, digits, dot, dash and underscore, such as task-1")
    best_of, several = parse_tries(item, f"{where}.", models, (None, ()))
    return PlanTask(
        key=key,
        title=_text(item, "title", 200, prefix=f"{where}.") or first_line(prompt),
        prompt=prompt,
        depends_on=_depends_on(item.get("depends_on"), f"{where}.depends_on", mode),
        model=_model(_text(item, "model", 100, prefix=f"{where}."), f"{where}.model", models),
        ref=parse_ref(_text(item, "ref", REF_LIMIT, prefix=f"{where}."), f"{where}.ref"),
        best_of=best_of,
        models=several,
    )


def _depends_on(value: object, field: str, mode: Mode) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(d, str) for d in value):
        raise Invalid(field, "must be a list of task keys")
    if value and mode is Mode.BATCH:
        raise Invalid(field, "tasks of a BATCH are independent; choose AUTO to give dependencies")
    if value and mode is Mode.PIPELINE:
        raise Invalid(field, "tasks of a PIPELINE each wait for the one before; choose AUTO to give dependencies")
    return tuple(dict.fromkeys(value))


def parse_options(value: object, defaults: Options, models: Sequence[str] = ()) -> Options:
    """Options as given, the defaults where they are not; raises Invalid naming the one that cannot be."""
    if value is None:
        return defaults
    if not isinstance(value, Mapping):
        raise Invalid("options", "must be an object")
    refuse_unknown(value, frozenset(Options.__slots__), "options.")
    best_of, several = parse_tries(value, "options.", models, (defaults.best_of, defaults.models))
    return Options(
        max_parallel_agents=_whole(value, "max_parallel_agents", 1, 50, defaults.max_parallel_agents),
        max_iterations=_whole(value, "max_iterations", 1, 100, defaults.max_iterations),
        quality_threshold=_whole(value, "quality_threshold", 0, 100, defaults.quality_threshold),
        max_attempts=_whole(value, "max_attempts", 1, 10, defaults.max_attempts),
        best_of=best_of or 1,
        models=several,
        choose_by_hand=_flag(value, "choose_by_hand", defaults.choose_by_hand),
        max_agents=_whole(value, "max_agents", 1, 10_000, 0) or defaults.max_agents,
        max_followups=_whole(value, "max_followups", 1, 100_000, 0) or defaults.max_followups,
        budget_cents=_whole(value, "budget_cents", 1, 100_000_000, 0) or defaults.budget_cents,
        wall_hours=_hours(value, "wall_hours", WALL_LIMIT, defaults.wall_hours),
        reviewer=_reviewer(value.get("reviewer"), defaults.reviewer, models),
        require_checks=_flag(value, "require_checks", defaults.require_checks),
        required_checks=_names(value, "required_checks", defaults.required_checks),
        protected_paths=_names(value, "protected_paths", defaults.protected_paths),
        stop_loops=_flag(value, "stop_loops", defaults.stop_loops),
        max_nudges=_whole(value, "max_nudges", 0, 10, defaults.max_nudges),
        priority=_whole(value, "priority", 0, 9, defaults.priority),
        timeout_hours=_hours(value, "timeout_hours", TIMEOUT_LIMIT, defaults.timeout_hours) or defaults.timeout_hours,
        auto_create_pr=_flag(value, "auto_create_pr", defaults.auto_create_pr),
        require_approval=_flag(value, "require_approval", defaults.require_approval),
    )


def _mode(value: object) -> Mode:
    if value in (None, ""):
        return Mode.SINGLE_AGENT
    try:
        return Mode(str(value))
    except ValueError:
        raise Invalid("mode", f"must be one of {', '.join(Mode)}") from None


def _model(value: str | None, field: str, models: Sequence[str]) -> str | None:
    if value is not None and models and value not in models:
        some = ", ".join(models[:8])
        raise Invalid(field, f"{value[:60]!r} is not a model that Cursor offers; use one of {some}, or leave it out")
    return value


def _text(fields: Mapping[Any, Any], name: str, limit: int, *, required: bool = False, prefix: str = "") -> str | None:
    value = fields.get(name)
    field = f"{prefix}{name}"
    if value is not None and not isinstance(value, str):
        raise Invalid(field, "must be text")
    text = (value or "").strip()
    if required and not text:
        raise Invalid(field, _EMPTY.get(name, "is missing; fill it in"))
    if len(text) > limit:
        raise Invalid(field, f"has {len(text):,} characters, at most {limit:,} are allowed; shorten or split it")
    if "\x00" in text:
        raise Invalid(field, "holds a NUL character, which Postgres cannot keep; remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Invalid(field, "holds half of a surrogate pair, which is no character; remove it") from None
    return text or None


def _whole(fields: Mapping[Any, Any], name: str, low: int, high: int, default: int) -> int:
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Invalid(f"options.{name}", f"must be a whole number from {low} to {high}")
    return value


def _hours(fields: Mapping[Any, Any], name: str, limit: int, default: float | None) -> float | None:
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= limit:
        raise Invalid(f"options.{name}", f"must be a number above 0, at most {limit}")
    return float(value)


def _reviewer(value: object, default: bool | str, models: Sequence[str]) -> bool | str:
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise Invalid("options.reviewer", "must be true, false or the name of a model")
    if len(value) > 100 or "\x00" in value:
        raise Invalid("options.reviewer", "is no name of a model")
    return _model(value.strip() or None, "options.reviewer", models) or False


def _names(fields: Mapping[Any, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(v, str) for v in value):
        raise Invalid(f"options.{name}", "must be a list of text")
    names = tuple(dict.fromkeys(v.strip() for v in value if v.strip()))
    if len(names) > NAMES_LIMIT or any(len(v) > REF_LIMIT or "\x00" in v for v in names):
        raise Invalid(f"options.{name}", f"may hold {NAMES_LIMIT} names of at most {REF_LIMIT} characters")
    return names


def parse_budget(fields: Mapping[str, Any]) -> dict[str, float]:
    """New limits of a running orchestration, by the names of its budgets; raises Invalid for what cannot be one."""
    if not isinstance(fields, Mapping):
        raise Invalid("budget", f"must be an object with any of {', '.join(CODES)}")
    refuse_unknown(fields, frozenset(CODES))
    try:
        options = parse_options(fields, Options())
    except Invalid as error:
        raise Invalid(error.field.removeprefix("options."), error.message.partition(": ")[2]) from None
    given = {name: getattr(options, name) for name in CODES if fields.get(name) is not None}
    if not given:
        raise Invalid("budget", f"names no limit; give any of {', '.join(CODES)}")
    return given


def _flag(fields: Mapping[Any, Any], name: str, default: bool) -> bool:
    value = fields.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise Invalid(f"options.{name}", "must be true or false")
    return value


def refuse_unknown(fields: Mapping[Any, Any], known: frozenset[str], prefix: str = "") -> None:
    """Raise Invalid for the first field that is not known, naming those that are."""
    for name in fields:
        if name not in known:
            shown = storable(str(name))[:60] or "''"
            raise Invalid(f"{prefix}{shown}", f"is not known here; use {', '.join(sorted(known))}")
