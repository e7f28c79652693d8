"""What the code host knows of the agents' work: heads of branches, pull requests, files and checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cursor_monitor.simulator.agents import World
from cursor_monitor.simulator.chance import dice, hexdigits
from cursor_monitor.simulator.gitstate import MAIN_BRANCHES, branches_of, commit_of
from cursor_monitor.simulator.model import FINISHED, Agent, Run
from cursor_monitor.simulator.reports import work_of
from cursor_monitor.simulator.repos import parse_pull, repo_key

Json = dict[str, Any]
CHECK_SECONDS = 2.0
CHECKS = ("build", "test")
STATUSES = ("ci/lint",)
MERGEABLE_SHARE = 0.25  # of the time that checks take; until then the code host is still trying the merge

_ONLY_ALONE = ("merged", "mergeable", "mergeable_state", "commits", "changed_files", "additions", "deletions")


@dataclass(frozen=True, slots=True)
class Head:
    """A pushed branch and its newest commit; `pull_number` is 0 where there is no pull request."""

    agent: Agent
    run: Run
    repository: str
    branch: str
    sha: str
    pull_number: int
    base: str


def heads_of(world: World, key: str) -> list[Head]:
    """The branches agents have pushed to a repository, oldest agent first."""
    return [head for agent in world.by_repo.get(key, []) if (head := _head(world, agent, key))]


def main_commit(world: World, repository: str) -> str:
    """The commit at the head of the main branch."""
    return hexdigits(40, world.seed, repository.lower(), "main")


def pull_of(world: World, head: Head) -> Json:
    """A pull request in the code host's shape."""
    agent, run = head.agent, head.run
    merged = agent.scenario.merged
    files = files_of(world, head)
    red = any(check["conclusion"] == "failure" for check in check_runs(world, head))
    tried = world.clock.now() >= _checks_end(world, head, MERGEABLE_SHARE)
    return {
        "number": head.pull_number,
        "state": "closed" if merged else "open",
        "title": agent.name,
        "body": work_of(agent, run, world.seed).done[0],
        "draft": False,
        "merged": merged,
        "merged_at": moment(run.ends_ms or 0) if merged else None,
        "mergeable": None if merged or not tried else True,
        "mergeable_state": "unknown" if merged or not tried else "unstable" if red else "clean",
        "html_url": f"https://github.com/{head.repository}/pull/{head.pull_number}",
        "user": {"login": "cursor[bot]"},
        "head": {"ref": head.branch, "sha": head.sha, "repo": {"full_name": head.repository}},
        "base": {"ref": head.base, "sha": main_commit(world, head.repository)},
        "created_at": moment(agent.created_ms),
        "updated_at": moment(run.ends_ms or agent.created_ms),
        "commits": len(agent.runs),
        "changed_files": len(files),
        "additions": sum(item["additions"] for item in files),
        "deletions": sum(item["deletions"] for item in files),
    }


def listed(pull: Json) -> Json:
    """A pull request as a list shows it: without what the code host only works out for one alone."""
    return {name: value for name, value in pull.items() if name not in _ONLY_ALONE}


def files_of(world: World, head: Head) -> list[Json]:
    """The files the branch changes."""
    files = []
    for name in work_of(head.agent, head.run, world.seed).files:
        roll = dice(world.seed, head.sha, name)
        added, removed = roll.randint(3, 80), roll.randint(0, 12)
        counts = {"additions": added, "deletions": removed, "changes": added + removed}
        status = "modified" if name == "README.md" else "added"
        files.append({"filename": name, "status": status, "sha": hexdigits(40, head.sha, name), **counts})
    return files


def check_runs(world: World, head: Head) -> list[Json]:
    """The checks of the newest commit: in progress at first, then green, or red where a marker says so."""
    started = head.run.ends_ms or 0
    ended = _checks_end(world, head)
    done = world.clock.now() >= ended
    scenario = head.agent.scenario
    red = head.run.number < max(scenario.red_ci, scenario.failing_tests)
    return [
        {
            "id": int(hexdigits(12, world.seed, head.sha, name), 16),
            "name": name,
            "head_sha": head.sha,
            "status": "completed" if done else "in_progress",
            "conclusion": (("failure" if red and name == "test" else "success") if done else None),
            "started_at": moment(started),
            "completed_at": moment(ended) if done else None,
            "html_url": f"https://github.com/{head.repository}/commit/{head.sha}/checks",
        }
        for name in CHECKS
    ]


def combined_status(world: World, head: Head) -> Json:
    """The statuses of the newest commit, which older services report instead of checks, and their sum."""
    ended = _checks_end(world, head)
    state = "success" if world.clock.now() >= ended else "pending"
    statuses = [
        {
            "id": int(hexdigits(12, world.seed, head.sha, context), 16),
            "context": context,
            "state": state,
            "description": None,
            "target_url": f"https://ci.example.com/{head.sha[:12]}",
            "created_at": moment(head.run.ends_ms or 0),
            "updated_at": moment(ended if state == "success" else head.run.ends_ms or 0),
        }
        for context in STATUSES
    ]
    return {"state": state, "sha": head.sha, "total_count": len(statuses), "statuses": statuses}


def moment(milliseconds: int) -> str:
    """A time as the code host writes it, without fractions."""
    return f"{datetime.fromtimestamp(milliseconds // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _checks_end(world: World, head: Head, share: float = 1.0) -> int:
    return (head.run.ends_ms or 0) + round(CHECK_SECONDS * share * world.scale * 1000)


def _head(world: World, agent: Agent, key: str) -> Head | None:
    now = world.clock.now()
    finished = [run for run in agent.runs if run.mode == "agent" and run.status(now) == FINISHED]
    entry = next((b for b in branches_of(world, agent, now) if repo_key(b["repoUrl"]) == key), None)
    if entry is None or not finished:
        return None
    pull = parse_pull(entry.get("prUrl", ""))
    repo = next(repo for repo in agent.repos if repo_key(repo["url"]) == key)
    return Head(
        agent=agent,
        run=finished[-1],
        repository=entry["repoUrl"].partition("/")[2],
        branch=entry["branch"],
        sha=commit_of(world, agent, finished[-1]),
        pull_number=pull[1] if pull else 0,
        base=repo.get("startingRef", MAIN_BRANCHES[0]),
    )
