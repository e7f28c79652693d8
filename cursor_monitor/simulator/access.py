"""What the simulated GitHub App can see; the service reports a lack of access as a missing branch."""

from __future__ import annotations

from typing import Any

from cursor_monitor.simulator.agents import World
from cursor_monitor.simulator.errors import invalid
from cursor_monitor.simulator.gitstate import MAIN_BRANCHES, branch_exists
from cursor_monitor.simulator.repos import parse_repo, repo_key


def check_access(world: World, spec: dict[str, Any]) -> None:
    """400 for a repository that is hidden or named `missing...`, and for a branch that does not exist."""
    for entry in spec.get("repos", []):
        repo, ref = parse_repo(entry["url"]), entry.get("startingRef", MAIN_BRANCHES[0])
        hidden = (
            repo is None
            or repo_key(entry["url"]) in world.hidden
            or any(name.startswith("missing") for name in repo.path.split("/"))
        )
        if hidden or ("prUrl" not in entry and not branch_exists(world, entry["url"], ref)):
            name = repo.path if repo else entry["url"]
            raise invalid(
                f"Failed to verify existence of branch '{ref}' in repository {name}. "
                "Please ensure the branch name is correct."
            )
