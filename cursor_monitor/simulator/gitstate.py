"""Branches and pull requests an agent has made; state of the agent, shared by all its runs."""

from __future__ import annotations

from typing import Any

from cursor_monitor.simulator.agents import World
from cursor_monitor.simulator.chance import hexdigits
from cursor_monitor.simulator.model import Agent, Run
from cursor_monitor.simulator.reports import slug
from cursor_monitor.simulator.repos import parse_pull, parse_repo, repo_key

MAIN_BRANCHES = ("main", "master", "develop")


def branches_of(world: World, agent: Agent, now: int) -> list[dict[str, Any]]:
    """One entry per repository once the agent has pushed; none before that or where a marker forbids it."""
    if agent.scenario.no_branch or not agent.pushed(now):
        return []
    entries = []
    for position, repo in enumerate(agent.repos):
        parsed = parse_repo(repo["url"])
        entry = {
            "repoUrl": parsed.bare if parsed else repo["url"],
            "branch": branch_of(world, agent, position),
        }
        pull = pull_url(agent, position)
        entries.append(entry | ({"prUrl": pull} if pull else {}))
    return entries


def branch_of(world: World, agent: Agent, position: int = 0) -> str:
    """The branch the agent pushes to in its n-th repository."""
    repo = agent.repos[position]
    if agent.spec.get("workOnCurrentBranch"):
        return _head_of_pull(world, repo.get("prUrl")) or repo.get("startingRef") or MAIN_BRANCHES[0]
    if agent.spec.get("branchName"):
        return agent.spec["branchName"]
    return f"cursor/{slug(agent.name)}-{hexdigits(4, world.seed, agent.id, 'branch')}"


def pull_url(agent: Agent, position: int = 0) -> str | None:
    """The pull request of the n-th repository: the one worked on, or a new one where asked for."""
    repo = agent.repos[position]
    if agent.spec.get("workOnCurrentBranch") and repo.get("prUrl"):
        return repo["prUrl"]
    if not agent.spec.get("autoCreatePR"):
        return None
    parsed = parse_repo(repo["url"])
    base = parsed.url if parsed else repo["url"]
    middle = "-/merge_requests" if "gitlab" in base else "pull"
    return f"{base}/{middle}/{agent.pr_numbers[position]}"


def branch_exists(world: World, repo_url: str, ref: str) -> bool:
    """False for names that begin with `missing`, and for `cursor/` branches nobody has pushed."""
    if not ref.startswith("cursor/"):
        return not ref.startswith("missing")
    now = world.clock.now()
    pushed = (
        entry["branch"]
        for agent in world.by_repo.get(repo_key(repo_url), [])
        for entry in branches_of(world, agent, now)
    )
    return ref in pushed


def commit_of(world: World, agent: Agent, run: Run) -> str:
    """The commit a finished run leaves at the head of its branch."""
    return hexdigits(40, world.seed, agent.id, run.number, "commit")


def _head_of_pull(world: World, url: str | None) -> str | None:
    key = parse_pull(url) if url else None
    found = world.pulls.get(key) if key else None
    # An agent that works on someone's branch opened no pull request of its own, least of all this one.
    if key is None or found is None or found.spec.get("workOnCurrentBranch"):
        return None
    position = [repo_key(repo["url"]) for repo in found.repos].index(key[0])
    return branch_of(world, found, position)
