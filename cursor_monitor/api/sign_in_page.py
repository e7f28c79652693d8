"""How the sign-in page looks: HTML and one style, nothing that runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape

from cursor_monitor.domain.access import PASSWORD_LEAST

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_STYLE = """
:root { color-scheme: light dark; --text: #1c2024; --faint: #60646c; --back: #fcfcfd; --card: #fff; --line: #d9d9e0;
  --accent: #5753c6; --bad: #b42318; --bad-back: #feebe7; }
@media (prefers-color-scheme: dark) { :root { --text: #edeef0; --faint: #b0b4ba; --back: #111113; --card: #18191b;
  --line: #43484e; --accent: #6e6ade; --bad: #ffb4a8; --bad-back: #3b1219; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px 16px; color: var(--text);
  background: var(--back); font: 14px/20px "Inter Variable", system-ui, sans-serif; }
main { width: 100%; max-width: 360px; }
.brand { display: flex; gap: 8px; align-items: center; font-weight: 600; margin: 0 0 24px; }
h1 { font-size: 20px; line-height: 28px; margin: 0 0 4px; letter-spacing: -.01em; }
p { margin: 0 0 16px; color: var(--faint); }
form { display: grid; gap: 14px; padding: 20px; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card); margin: 0 0 16px; }
label { display: grid; gap: 6px; font-weight: 500; }
input { width: 100%; height: 36px; padding: 0 10px; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: 6px; }
button { height: 36px; padding: 0 14px; font: inherit; font-weight: 500; border-radius: 6px; cursor: pointer;
  border: 1px solid transparent; background: #5753c6; color: #fff; }
.notice { padding: 10px 12px; border-radius: 6px; border: 1px solid var(--line); color: var(--text); }
details > summary { cursor: pointer; color: var(--faint); margin: 0 0 12px; }
button.second { background: transparent; color: inherit; border-color: var(--line); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.hint { font-weight: 400; color: var(--faint); font-size: 13px; }
.problem { padding: 10px 12px; border-radius: 6px; color: var(--bad); background: var(--bad-back); margin: 0 0 16px; }
"""


@dataclass(frozen=True, slots=True)
class Form:
    """What the page shows: the fields as they were sent, without the password, and what is wrong."""

    target: str = "/"
    email: str = ""
    name: str = ""
    problem: str = ""
    notice: str = ""
    is_first: bool = False
    has_supabase: bool = False
    has_links: bool = False
    is_second: bool = False  # beside another form, which has the focus

    def of(self, **changes: bool) -> Form:
        """The same with other facts about the server."""
        return replace(self, **changes)


def render(form: Form) -> str:
    """The whole page."""
    title = "Create the administrator" if form.is_first else "Sign in"
    body = _first(form) if form.is_first else _elsewhere(form) if form.has_supabase else _known(form)
    notice = f'<p class="notice" role="status">{escape(form.notice)}</p>' if form.notice else ""
    problem = f'<p class="problem" role="alert">{escape(form.problem)}</p>' if form.problem else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} · Cursor Monitor</title>"
        f'<link rel="icon" href="/favicon.svg" type="image/svg+xml"><style>{_STYLE}</style></head><body><main>'
        '<div class="brand"><img src="/favicon.svg" alt="" width="20" height="20">Cursor Monitor</div>'
        f"<h1>{title}</h1>{problem}{notice}{body}</main></body></html>"
    )


def _known(form: Form) -> str:
    return (
        f'<form method="post" action="/api/session">{_target(form)}{_email(form)}'
        '<label>Password<input name="password" type="password" autocomplete="current-password" required '
        f'maxlength="200"{_focus(bool(form.email) and not form.is_second)}></label>'
        '<button type="submit">Sign in</button></form>'
    )


def _elsewhere(form: Form) -> str:
    """Supabase before the passwords of this server, each with a form of its own."""
    link = (
        '<button type="submit" class="second" formaction="/api/session/link" formnovalidate>E-mail me a link</button>'
        if form.has_links
        else ""
    )
    return (
        f'<form method="post" action="/api/session/supabase">{_target(form)}{_email(form)}'
        '<label>Password<input name="password" type="password" autocomplete="current-password" required '
        f'maxlength="200"{_focus(bool(form.email))}></label>'
        f'<button type="submit">Sign in with Supabase</button>{link}</form>'
        f"<details><summary>Use a password of this server</summary>{_known(form.of(is_second=True))}</details>"
    )


def _first(form: Form) -> str:
    return (
        "<p>Nobody uses this server yet. Whoever comes first manages it, and lets the others in.</p>"
        f'<form method="post" action="/api/session/first">{_target(form)}{_email(form)}'
        f'<label>Name<input name="name" value="{escape(form.name)}" autocomplete="name" maxlength="80"></label>'
        '<label>Password<input name="password" type="password" autocomplete="new-password" required '
        f'minlength="{PASSWORD_LEAST}" maxlength="200" aria-describedby="password-hint">'
        f'<span class="hint" id="password-hint">At least {PASSWORD_LEAST} characters; a few words make a good one.'
        '</span></label><button type="submit">Create the administrator</button></form>'
    )


def _target(form: Form) -> str:
    return f'<input type="hidden" name="next" value="{escape(form.target)}">'


def _email(form: Form) -> str:
    return (
        f'<label>E-mail<input name="email" type="email" value="{escape(form.email)}" autocomplete="username" required '
        f'maxlength="254"{_focus(not form.email and not form.is_second)}></label>'
    )


def _focus(wanted: bool) -> str:
    return " autofocus" if wanted else ""
