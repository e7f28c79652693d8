"""What can go wrong with a call to Cursor, sorted by what the caller may do next."""

from __future__ import annotations

from typing import Literal, cast

Kind = Literal["key", "plan", "money", "repository", "input", "gone", "conflict"]

KIND_BY_CODE: dict[str, Kind] = {
    "unauthorized": "key",
    "api_key_not_found": "key",
    "service_account_required": "key",
    "key_not_supported": "key",
    "user_required": "key",
    "plan_required": "plan",
    "role_forbidden": "plan",
    "feature_unavailable": "plan",
    "integration_not_connected": "plan",
    "team_admin_required": "plan",
    "team_membership_required": "plan",
    "usage_limit_exceeded": "money",
    "validation_error": "input",
    "missing_body": "input",
    "invalid_model": "input",
    "invalid_branch_name": "input",
    "repository_required": "input",
    "repository_access": "repository",
    "pr_resolution_failed": "input",
    "invalid_last_event_id": "input",
    "not_implemented": "input",
    "redirect_refused": "input",
    "agent_not_found": "gone",
    "run_not_found": "gone",
    "artifact_not_found": "gone",
    "stream_expired": "gone",
    "agent_busy": "conflict",
    "agent_archived": "conflict",
    "agent_id_conflict": "conflict",
    "run_not_cancellable": "conflict",
}

_KIND_BY_STATUS: dict[int, Kind] = {
    401: "key",
    402: "money",
    403: "plan",
    404: "gone",
    409: "conflict",
    410: "gone",
}


def kind_of(code: str, status: int | None = None) -> Kind:
    """What a person has to mend, by code first and by HTTP status only for a code never seen before."""
    return KIND_BY_CODE.get(code) or _KIND_BY_STATUS.get(status or 0, cast(Kind, "input"))


class CursorError(Exception):
    """A call that did not succeed; `retry_after` is in seconds, `status` is None where no answer came."""

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int | None = None,
        retry_after: float | None = None,
        help_url: str | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after = retry_after
        self.help_url = help_url

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


class Retryable(CursorError):
    """Nothing was done; the same call may be made again later."""


class Throttled(Retryable):
    """Not sent: the key's budget is spent for now; ask again after `retry_after` seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__("throttled", f"waiting {seconds:.1f} s for the rate limit", retry_after=seconds)
        self.seconds = seconds


class Permanent(CursorError):
    """The same call will be refused again; `kind` says what has to change first."""

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        kind: Kind | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        help_url: str | None = None,
    ) -> None:
        super().__init__(code, message, status=status, retry_after=retry_after, help_url=help_url)
        self.kind: Kind = kind or kind_of(code, status)


class OutcomeUnknown(CursorError):
    """A POST went out and no whole answer came back: look whether it happened before sending again."""


class StreamUnavailable(Retryable):
    """The run's stream is not open yet (or no longer); connect again after a pause, or read the run."""


class StreamExpired(Permanent):
    """The run's stream is past its retention; only the run itself can still be read."""
