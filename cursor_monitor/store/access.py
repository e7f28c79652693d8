"""People, sessions, tokens and tries to sign in, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from cursor_monitor.store import tables

SESSION_IDLE_HOURS = 7 * 24
SESSION_HOURS = 30 * 24
ELSEWHERE_HOURS = 24  # whom another system shuts out is not told here: they have to show themselves again
AUDIT_DAYS = 400
# One writer of the first administrator and of the last one at a time.
_ADMINS = text("SELECT pg_advisory_xact_lock(7266202)")
_FIND_SESSION = text("""
SELECT s.id AS credential_id, s.seen_at < clock_timestamp() - interval '1 minute' AS is_stale,
       u.id AS user_id, u.email AS name, u.role, u.role AS least
FROM user_sessions s JOIN users u ON u.id = s.user_id
WHERE s.token_hash = :hash AND NOT u.is_disabled AND s.expires_at > clock_timestamp()
  AND s.seen_at > clock_timestamp() - make_interval(hours => :idle)
""")
_FIND_TOKEN = text("""
SELECT t.id AS credential_id, coalesce(t.used_at < clock_timestamp() - interval '1 minute', true) AS is_stale,
       u.id AS user_id, coalesce(u.email, t.created_by) AS name, t.role, coalesce(u.role, t.role) AS least
FROM api_tokens t LEFT JOIN users u ON u.id = t.user_id
WHERE t.token_hash = :hash AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp()
  AND u.is_disabled IS NOT TRUE
""")
_SEE_SESSION = text("UPDATE user_sessions SET seen_at = clock_timestamp() WHERE id = :id")
_SEE_TOKEN = text("UPDATE api_tokens SET used_at = clock_timestamp() WHERE id = :id")
_OPEN_SESSION = text("""
INSERT INTO user_sessions (id, token_hash, user_id, ip, user_agent, created_at, seen_at, expires_at)
VALUES (:id, :hash, :user_id, :ip, :user_agent, clock_timestamp(), clock_timestamp(),
        clock_timestamp() + make_interval(hours => :hours))
""")
_SIGNED_IN = text("UPDATE users SET signed_in_at = clock_timestamp() WHERE id = :id")
_END_SESSION = text("DELETE FROM user_sessions WHERE token_hash = :hash RETURNING user_id")
_END_ONE = text(
    "DELETE FROM user_sessions WHERE id = :id AND (CAST(:owner AS uuid) IS NULL OR user_id = CAST(:owner AS uuid))"
)
_END_ALL = text("DELETE FROM user_sessions WHERE user_id = :user_id")
_REVOKE = text("""
UPDATE api_tokens SET revoked_at = clock_timestamp()
WHERE id = :id AND revoked_at IS NULL AND (CAST(:owner AS uuid) IS NULL OR user_id = CAST(:owner AS uuid))
RETURNING name
""")
_TRY = text("""
INSERT INTO sign_in_limits AS l (key, tries, resets_at)
VALUES (:key, 1, clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (key) DO UPDATE SET
    tries = CASE WHEN l.resets_at <= clock_timestamp() THEN 1 ELSE least(l.tries + 1, 1000000) END,
    resets_at = CASE WHEN l.resets_at <= clock_timestamp() THEN excluded.resets_at ELSE l.resets_at END
RETURNING tries, greatest(1, ceil(extract(epoch FROM resets_at - clock_timestamp())))::integer AS seconds
""")
_FORGIVE = text("DELETE FROM sign_in_limits WHERE key = :key")
_PRUNE_SESSIONS = text("""
DELETE FROM user_sessions WHERE id IN (SELECT id FROM user_sessions WHERE expires_at < statement_timestamp()
    OR seen_at < statement_timestamp() - make_interval(hours => :idle) LIMIT 5000)
""")
_PRUNE_LIMITS = text("""
DELETE FROM sign_in_limits WHERE key IN (
    SELECT key FROM sign_in_limits WHERE resets_at < statement_timestamp() LIMIT 5000)
""")
_RETENTION = text("SET LOCAL cursor_monitor.retention = 'on'")
_PRUNE_AUDIT = text("""
DELETE FROM audit_log WHERE id IN (
    SELECT id FROM audit_log WHERE at < statement_timestamp() - make_interval(days => :days) ORDER BY id LIMIT 5000)
""")


@dataclass(frozen=True, slots=True)
class Credential:
    """Whose session or token it is; the lower of `role` and `least` is what it may do."""

    credential_id: UUID
    is_stale: bool
    user_id: UUID | None
    name: str
    role: str
    least: str


def find_session(session: Session, token_hash: str) -> Credential | None:
    """The living session with this hash; noted as seen, at most once a minute."""
    return _find(session, token_hash, is_token=False)


def find_token(session: Session, token_hash: str) -> Credential | None:
    """The valid API token with this hash; noted as used, at most once a minute."""
    return _find(session, token_hash, is_token=True)


def _find(session: Session, token_hash: str, *, is_token: bool) -> Credential | None:
    query, seen = (_FIND_TOKEN, _SEE_TOKEN) if is_token else (_FIND_SESSION, _SEE_SESSION)
    given = {"hash": token_hash} if is_token else {"hash": token_hash, "idle": SESSION_IDLE_HOURS}
    row = session.connection().execute(query, given).mappings().one_or_none()
    if row is None:
        return None
    if row["is_stale"]:
        session.connection().execute(seen, {"id": row["credential_id"]})
    return Credential(**row)


def open_session(session: Session, *, hours: int = SESSION_HOURS, **values: object) -> None:
    """Write a session and when its user signed in."""
    session.connection().execute(_OPEN_SESSION, {**values, "hours": hours})
    session.connection().execute(_SIGNED_IN, {"id": values["user_id"]})


def end_session(session: Session, token_hash: str) -> UUID | None:
    """Delete the session with this hash; whose it was."""
    return session.connection().execute(_END_SESSION, {"hash": token_hash}).scalar()


def end_one_session(session: Session, session_id: UUID, owner: str | None) -> bool:
    """Delete a session, of that owner alone where one is given; False where there is none."""
    return session.connection().execute(_END_ONE, {"id": session_id, "owner": owner}).rowcount > 0


def end_sessions_of(session: Session, user_id: UUID) -> int:
    """Delete every session of a user; how many."""
    return session.connection().execute(_END_ALL, {"user_id": user_id}).rowcount


def revoke_token(session: Session, token_id: UUID, owner: str | None) -> str | None:
    """End a token for good; its name, None where there is none to end."""
    return session.connection().execute(_REVOKE, {"id": token_id, "owner": owner}).scalar()


def try_again(session: Session, key: str, *, seconds: float) -> tuple[int, int]:
    """Count a try; how many there were in this window, and in how many seconds it ends."""
    row = session.connection().execute(_TRY, {"key": key, "seconds": seconds}).one()
    return row.tries, row.seconds


def forgive(session: Session, key: str) -> None:
    """Forget the tries."""
    session.connection().execute(_FORGIVE, {"key": key})


def lock_admins(session: Session) -> None:
    """Wait until nobody else makes, changes or ends an administrator; until the end of the transaction."""
    session.connection().execute(_ADMINS)


def count_users(session: Session) -> int:
    """How many people there are, disabled ones included."""
    return session.exec(select(func.count()).select_from(tables.User)).one()


def count_admins(session: Session) -> int:
    """How many administrators may come in."""
    wanted = select(func.count()).select_from(tables.User)
    return session.exec(wanted.where(tables.User.role == "admin", col(tables.User.is_disabled).is_(False))).one()


def find_user(session: Session, user_id: UUID) -> tables.User | None:
    """The user with that id, locked."""
    return session.exec(select(tables.User).where(tables.User.id == user_id).with_for_update()).one_or_none()


def find_by_email(session: Session, email: str) -> tables.User | None:
    """The user with that address."""
    return session.exec(select(tables.User).where(tables.User.email == email)).one_or_none()


def find_by_subject(session: Session, subject: str) -> tables.User | None:
    """The user whom another system calls that."""
    return session.exec(select(tables.User).where(tables.User.subject == subject)).one_or_none()


def list_users(session: Session) -> Sequence[tables.User]:
    """Everybody, by address."""
    return session.exec(select(tables.User).order_by(col(tables.User.email)).limit(1000)).all()


def list_sessions(session: Session, user_id: UUID | None) -> Sequence[tuple[tables.UserSession, str]]:
    """The newest sessions with the addresses of their users; of one user where one is given."""
    query = select(tables.UserSession, tables.User.email).join(tables.User)
    if user_id is not None:
        query = query.where(tables.UserSession.user_id == user_id)
    return session.exec(query.order_by(col(tables.UserSession.seen_at).desc()).limit(200)).all()


def list_tokens(session: Session, user_id: UUID | None) -> Sequence[tables.ApiToken]:
    """The newest tokens; of one user where one is given."""
    query = select(tables.ApiToken)
    if user_id is not None:
        query = query.where(tables.ApiToken.user_id == user_id)
    return session.exec(query.order_by(col(tables.ApiToken.created_at).desc()).limit(200)).all()


def prune(session: Session) -> int:
    """Delete sessions that ended, windows that are over and audit entries past their time; how many."""
    connection = session.connection()
    ended = connection.execute(_PRUNE_SESSIONS, {"idle": SESSION_IDLE_HOURS}).rowcount
    over = connection.execute(_PRUNE_LIMITS).rowcount
    connection.execute(_RETENTION)
    return ended + over + connection.execute(_PRUNE_AUDIT, {"days": AUDIT_DAYS}).rowcount
