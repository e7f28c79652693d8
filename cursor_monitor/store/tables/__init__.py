"""The tables of schema.sql as SQLModel classes; a test holds the two to each other."""

from __future__ import annotations

from cursor_monitor.store.tables.access import ApiToken, AuditEntry, SignInLimit, User, UserSession
from cursor_monitor.store.tables.accounts import CursorAccount
from cursor_monitor.store.tables.code_host import CodeHostLimit, CodeHostState
from cursor_monitor.store.tables.conversation import AgentMessage, RunStream, ToolEvent
from cursor_monitor.store.tables.cursor import CacheEntry, CursorBudget
from cursor_monitor.store.tables.fleet import (
    Agent,
    Batch,
    FleetView,
    Followup,
    NeedSeen,
    Pin,
    Run,
    Tag,
    Upload,
    WebhookDelivery,
)
from cursor_monitor.store.tables.notifications import NotificationChannel, NotificationDelivery
from cursor_monitor.store.tables.orchestrations import Attempt, Event, Orchestration, Task
from cursor_monitor.store.tables.outbox import HealthEvent, IdempotencyKey, Job, JobLimit
from cursor_monitor.store.tables.profiles import RepositoryProfile
from cursor_monitor.store.tables.schedules import Firing, Schedule
from cursor_monitor.store.tables.spending import SlotWait, SpendDay
from cursor_monitor.store.tables.templates import PromptTemplate

__all__ = [
    "Agent",
    "AgentMessage",
    "ApiToken",
    "Attempt",
    "AuditEntry",
    "Batch",
    "CacheEntry",
    "CodeHostLimit",
    "CodeHostState",
    "CursorAccount",
    "CursorBudget",
    "Event",
    "Firing",
    "FleetView",
    "Followup",
    "HealthEvent",
    "IdempotencyKey",
    "Job",
    "JobLimit",
    "NeedSeen",
    "NotificationChannel",
    "NotificationDelivery",
    "Orchestration",
    "Pin",
    "PromptTemplate",
    "RepositoryProfile",
    "Run",
    "RunStream",
    "Schedule",
    "SignInLimit",
    "SlotWait",
    "SpendDay",
    "Tag",
    "Task",
    "ToolEvent",
    "Upload",
    "User",
    "UserSession",
    "WebhookDelivery",
]
