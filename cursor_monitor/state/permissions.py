"""Which role each event handler asks for; the one place that says so.

Every handler is a remote procedure: whoever has a socket may call it with anything. What is not named here is for
operators, so that a new handler that changes something is not open to viewers by oversight.
"""

from __future__ import annotations

from cursor_monitor.domain.access import Role

# Reading, and what one does to one's own view: filters, drafts, what is open.
_EVERYWHERE = frozenset({"watch", "set_q", "set_filter", "next_page", "first_page", "clear_filters"})
_FRAMEWORK = frozenset(
    {
        "state.hydrate",
        "state.hydrate_and_load",
        "state.set_is_hydrated",
        "on_load_internal_state.on_load_internal",
        "on_load_internal_state.set_is_hydrated",
        "update_vars_internal_state.update_vars_internal",
        "frontend_event_exception_state.handle_frontend_exception",
    }
)
_VIEWING = frozenset(
    {
        "access_state.open_form",
        "access_state.make_token",
        "access_state.forget_token",
        "access_state.revoke_token",
        "access_state.end_session",
        "access_state.change_password",
        "agent_acts_state.open",
        "agent_state.ask_code_host",
        "agents_state.sort_by",
        "agents_state.toggle_column",
        "agents_state.toggle_page",
        "agents_state.toggle",
        "agents_state.select_filter",
        "agents_state.clear_selection",
        "agents_state.close_bulk",
        "attention_state.see",
        "conversation_state.earlier",
        "notifications_state.forget_secret",
        "fleet_views_state.save",
        "fleet_views_state.remove",
        "orchestration_state.close_budget",
        "overview_state.hold_feed",
        "overview_state.release_feed",
        "orchestration_state.follow",
        "timeline_state.load_older",
        "timeline_state.open_event",
        "timeline_state.go_beyond",
        "orchestration_state.travel",
        "palette_state.search",
        "plan_edit_state.close",
        "queue_state.toggle",
        "queue_state.toggle_page",
        "queue_state.select_filter",
        "queue_state.clear_selection",
        "queue_state.close_bulk",
        "schedules_state.show_times",
        "schedules_state.touch",
        "search_state.load",
        "templates_state.look",
    }
)
_ADMIN = frozenset(
    {
        "audit_state.watch",
        "access_state.add_user",
        "access_state.set_role",
        "access_state.set_disabled",
        "access_state.reset_password",
    }
)
# Whole parts of the product that hold keys or say who may come in.
_ADMIN_STATES = frozenset({"accounts_state", "notifications_state"})


def short_name(event: str) -> str:
    """The state and the handler of an event's full name, as in `queue_state.act`."""
    path, _, handler = event.rpartition(".")
    return f"{path.rpartition('.')[2].rpartition('____')[2]}.{handler}"


def role_for_event(event: str) -> Role:
    """The role that an event's handler needs."""
    name = short_name(event)
    state, _, handler = name.partition(".")
    if handler == "setvar" or name in _ADMIN:
        return Role.ADMIN
    is_viewing = handler in _EVERYWHERE or name in _VIEWING or name in _FRAMEWORK
    if state in _ADMIN_STATES and not is_viewing:
        return Role.ADMIN
    return Role.VIEWER if is_viewing else Role.OPERATOR
