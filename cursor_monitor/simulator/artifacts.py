"""Files an agent leaves beside the code, and the presigned addresses they are fetched from."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass

from cursor_monitor.simulator.agents import World
from cursor_monitor.simulator.chance import digest
from cursor_monitor.simulator.errors import ApiError, invalid
from cursor_monitor.simulator.model import FINISHED, Agent
from cursor_monitor.simulator.reports import result_text

LIFETIME_MS = 15 * 60 * 1000
BUCKET = "/_s3/cloud-agent-artifacts"
_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file; `path` begins with artifacts/."""

    path: str
    content: bytes
    updated_ms: int


def artifacts_of(world: World, agent: Agent) -> list[Artifact]:
    """A summary for each finished run that writes code, and one screenshot; at most 100."""
    now, found = world.clock.now(), []
    for run in agent.runs:
        if run.mode == "agent" and run.status(now) == FINISHED and run.ends_ms is not None:
            content = result_text(agent, run, world.seed).encode("utf-8", "replace")
            found.append(Artifact(f"artifacts/summary-{run.number + 1}.md", content, run.ends_ms))
    if found:
        found.append(Artifact("artifacts/screenshot.png", _PIXEL, found[0].updated_ms))
    return found[-100:]


def find_artifact(world: World, agent: Agent, path: str) -> Artifact:
    """The file at a relative path; 400 for a path outside artifacts/, 404 artifact_not_found."""
    if not path.startswith("artifacts/") or ".." in path.split("/"):
        raise invalid("path: Must be a relative path under artifacts/")
    for artifact in artifacts_of(world, agent):
        if artifact.path == path:
            return artifact
    raise ApiError(404, "artifact_not_found", f"Artifact {path} not found")


def presign(world: World, agent: Agent, path: str) -> tuple[str, int]:
    """Path and query of a temporary address, and when it expires in milliseconds."""
    expires = world.clock.now() + LIFETIME_MS
    signature = _signature(world, agent.id, path, expires)
    query = f"X-Amz-Expires=900&X-Amz-Date={expires}&X-Amz-Signature={signature}"
    return f"{BUCKET}/{agent.id}/{path}?{query}", expires


def signed(world: World, agent_id: str, path: str, expires: str, signature: str) -> bool:
    """True where the signature is ours and the address has not expired."""
    if not expires.isascii() or not expires.isdigit() or int(expires) < world.clock.now():
        return False
    wanted = _signature(world, agent_id, path, int(expires))
    return hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace"))


def _signature(world: World, agent_id: str, path: str, expires: int) -> str:
    return digest(world.seed, "presigned", agent_id, path, expires).hex()
