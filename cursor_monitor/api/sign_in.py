"""Signing in and out with a browser: plain pages and forms, without scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from cursor_monitor.api.cookies import give_session, session_key, take_session
from cursor_monitor.api.errors import problem
from cursor_monitor.api.sign_in_page import POLICY, Form, render
from cursor_monitor.domain.errors import AppError, Conflict, TooMany, Unauthorized, Unavailable
from cursor_monitor.services import auth
from cursor_monitor.services.auth import Visitor
from cursor_monitor.services.first_admin import ensure_first_admin
from cursor_monitor.settings import Settings

FIELD_MOST = 400
_STATUS: dict[type[AppError], int] = {Unauthorized: 401, TooMany: 429, Unavailable: 503, Conflict: 409}


@dataclass(frozen=True, slots=True)
class _Fields:
    """What was sent in a form; a field that is too long is empty."""

    values: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")


def sign_in_routes(settings: Settings) -> list[Route]:
    """The page and what its forms are sent to."""
    handlers = _Handlers(settings)
    return [
        Route("/sign-in", handlers.page),
        Route("/api/session", handlers.sign_in, methods=["POST"]),
        Route("/api/session/first", handlers.set_up, methods=["POST"]),
        Route("/api/session/end", handlers.sign_out, methods=["POST"]),
    ]


class _Handlers:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._is_secure = (settings.public_url or "").startswith("https://")

    async def page(self, request: Request) -> Response:
        """The form to sign in, or to make the first administrator."""
        target = local_target(request.query_params.get("next", ""))
        if not self._settings.requires_sign_in:
            return RedirectResponse(target, 303)
        try:
            return await self._form(Form(target=target))
        except Unavailable as error:
            return _html(Form(target=target, problem=error.message), 503)

    async def sign_in(self, request: Request) -> Response:
        """Start a session with an address and a password."""
        fields = await _fields_of(request)
        work = partial(auth.sign_in, fields["email"], fields["password"], _visitor(request))
        return await self._begin(work, fields)

    async def set_up(self, request: Request) -> Response:
        """Make the first administrator."""
        fields = await _fields_of(request)
        if self._settings.admin_email is not None:
            return problem(409, "already_set_up", "The first administrator of this server is set by ADMIN_EMAIL.")
        work = partial(auth.set_up, fields["email"], fields["name"], fields["password"], _visitor(request))
        return await self._begin(work, fields)

    async def sign_out(self, request: Request) -> Response:
        """End this browser's session; what its tabs kept is dropped when somebody else signs in."""
        key = session_key(request.headers)
        try:
            if key:
                await run_in_threadpool(auth.sign_out, key)
        except Unavailable as error:
            return _html(Form(problem=error.message), 503)
        response = RedirectResponse("/sign-in", 303)
        take_session(response, is_secure=self._is_secure)
        return response

    async def _begin(self, work: Callable[[], str], fields: _Fields) -> Response:
        target = local_target(fields["next"])
        if not self._settings.requires_sign_in:
            return problem(409, "no_sign_in", "This server is open on this machine alone; nobody signs in.")
        try:
            key = await run_in_threadpool(work)
        except AppError as error:
            status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 422)
            form = Form(target=target, email=fields["email"], name=fields["name"], problem=error.message)
            return await self._form(form, status, retry_after=error.details.get("retry_after"))
        response = RedirectResponse(target, 303)
        give_session(response, key, is_secure=self._is_secure)
        return response

    async def _form(self, form: Form, status: int = 200, retry_after: object = None) -> Response:
        if status != 503:
            await run_in_threadpool(ensure_first_admin, self._settings)
            form = form.of(is_first=not await run_in_threadpool(auth.is_set_up))
        return _html(form, status, retry_after)


def local_target(target: str) -> str:
    """Where to go after signing in: a page of ours, whatever the address said."""
    parts = urlsplit(target) if target.isprintable() and "\\" not in target else None
    if parts is None or parts.scheme or parts.netloc or not target.startswith("/") or target.startswith("//"):
        return "/"
    return "/" if target.startswith(("/sign-in", "/api")) else target


def _html(form: Form, status: int, retry_after: object = None) -> HTMLResponse:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return HTMLResponse(render(form), status, headers)


async def _fields_of(request: Request) -> _Fields:
    text = (await request.body()).decode("utf-8", "replace")
    try:
        sent = parse_qs(text, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        sent = {}
    return _Fields({name: values[0] for name, values in sent.items() if len(values[0]) <= FIELD_MOST})


def _visitor(request: Request) -> Visitor:
    return Visitor(request.scope.get("visitor_ip"), request.headers.get("user-agent"))
