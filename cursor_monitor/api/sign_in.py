"""Signing in and out with a browser: plain pages and forms, without scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs, urlsplit

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from cursor_monitor.api.cookies import give_session, session_key, take_session
from cursor_monitor.api.errors import problem
from cursor_monitor.api.sign_in_link import LinkCookie
from cursor_monitor.api.sign_in_page import POLICY, Form, render
from cursor_monitor.domain.errors import AppError, Conflict, Forbidden, TooMany, Unauthorized, Unavailable
from cursor_monitor.services import auth
from cursor_monitor.services.auth import Visitor
from cursor_monitor.services.first_admin import ensure_first_admin
from cursor_monitor.services.supabase_sign_in import (
    LINK_PATH,
    STALE_LINK,
    SupabaseSignIn,
    build_supabase,
    new_verifier,
)
from cursor_monitor.settings import Settings

FIELD_MOST = 400
_STATUS: dict[type[AppError], int] = {
    Unauthorized: 401,
    Forbidden: 403,
    Conflict: 409,
    TooMany: 429,
    Unavailable: 503,
}
LINK_SENT = "If this address may come in here, a link is on its way to it. Open it in this browser within the hour."


@dataclass(frozen=True, slots=True)
class Fields:
    """What was sent in a form; a field that is too long is empty."""

    values: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")


def sign_in_routes(settings: Settings) -> list[Route]:
    """The page and what its forms are sent to."""
    handlers = _Handlers(settings)
    supabase = build_supabase(settings) if settings.requires_sign_in else None
    others = _SupabaseHandlers(handlers, supabase).routes() if supabase is not None else []
    return [
        *others,
        Route("/sign-in", handlers.page),
        Route("/api/session", handlers.sign_in, methods=["POST"]),
        Route("/api/session/first", handlers.set_up, methods=["POST"]),
        Route("/api/session/end", handlers.sign_out, methods=["POST"]),
    ]


class _Handlers:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.is_secure = (settings.public_url or "").startswith("https://")

    async def page(self, request: Request) -> Response:
        """The form to sign in, or to make the first administrator."""
        target = local_target(request.query_params.get("next", ""))
        if not self._settings.requires_sign_in:
            return RedirectResponse(target, 303)
        stale = STALE_LINK if request.query_params.get("link") == "stale" else ""
        try:
            return await self.form(Form(target=target, problem=stale))
        except Unavailable as error:
            return await self.form(Form(target=target, problem=error.message), 503)

    async def sign_in(self, request: Request) -> Response:
        """Start a session with an address and a password."""
        fields = await fields_of(request)
        return await self.begin(partial(auth.sign_in, fields["email"], fields["password"], visitor_of(request)), fields)

    async def set_up(self, request: Request) -> Response:
        """Make the first administrator."""
        fields = await fields_of(request)
        if self._settings.names_admins:
            return problem(409, "already_set_up", "The first administrator of this server is set by its configuration.")
        work = partial(auth.set_up, fields["email"], fields["name"], fields["password"], visitor_of(request))
        return await self.begin(work, fields)

    async def sign_out(self, request: Request) -> Response:
        """End this browser's session; what its tabs kept is dropped when somebody else signs in."""
        key = session_key(request.headers)
        try:
            if key:
                await run_in_threadpool(auth.sign_out, key)
        except Unavailable as error:
            return await self.form(Form(problem=error.message), 503)
        response = RedirectResponse("/sign-in", 303)
        take_session(response, is_secure=self.is_secure)
        return response

    async def begin(self, work: Callable[[], str], fields: Fields) -> Response:
        """Start a session by `work`, or show the form again with what it says."""
        target = local_target(fields["next"])
        if not self._settings.requires_sign_in:
            return problem(409, "no_sign_in", "This server is open on this machine alone; nobody signs in.")
        try:
            key = await run_in_threadpool(work)
        except AppError as error:
            return await self.refuse(error, fields)
        response = RedirectResponse(target, 303)
        give_session(response, key, is_secure=self.is_secure)
        return response

    async def refuse(self, error: AppError, fields: Fields) -> Response:
        """The form again, with what is wrong."""
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 422)
        shown = Form(local_target(fields["next"]), fields["email"], fields["name"], problem=error.message)
        return await self.form(shown, status, retry_after=error.details.get("retry_after"))

    async def form(self, form: Form, status: int = 200, retry_after: object = None) -> Response:
        """The page with this form, as it is for this server at this moment."""
        if status != 503:
            await run_in_threadpool(ensure_first_admin, self._settings)
            is_first = not self._settings.names_admins and not await run_in_threadpool(auth.is_set_up)
            form = form.of(is_first=is_first)
        return _html(form.of(has_supabase=self._settings.has_supabase, has_links=self._has_links), status, retry_after)

    @property
    def _has_links(self) -> bool:
        return self._settings.own_url is not None


class _SupabaseHandlers:
    """The same with Supabase; nothing that it gives ever reaches the browser."""

    def __init__(self, forms: _Handlers, supabase: SupabaseSignIn) -> None:
        self._forms = forms
        self._supabase = supabase
        self._cookie = LinkCookie(is_secure=forms.is_secure)

    def routes(self) -> list[Route]:
        """What the forms are sent to, and where the link in the mail leads."""
        return [
            Route("/api/session/supabase", self.sign_in, methods=["POST"]),
            Route("/api/session/link", self.ask_link, methods=["POST"]),
            Route(LINK_PATH, self.follow_link),
        ]

    async def sign_in(self, request: Request) -> Response:
        """Start a session with an address and the password that Supabase has of it."""
        fields = await fields_of(request)
        work = partial(self._supabase.sign_in, fields["email"], fields["password"], visitor_of(request))
        return await self._forms.begin(work, fields)

    async def ask_link(self, request: Request) -> Response:
        """Have a link sent; the answer is the same for everybody, and comes before anything is sent."""
        fields = await fields_of(request)
        verifier = new_verifier()
        try:
            send = await run_in_threadpool(self._supabase.ask_link, fields["email"], verifier, visitor_of(request))
        except AppError as error:
            return await self._forms.refuse(error, fields)
        form = Form(target=local_target(fields["next"]), email=fields["email"], notice=LINK_SENT)
        response = await self._forms.form(form)
        self._cookie.give(response, verifier, form.target)
        response.background = BackgroundTask(send)
        return response

    async def follow_link(self, request: Request) -> Response:
        """Start a session with the code of a link, in the browser that asked for the link."""
        code, kept = request.query_params.get("code", ""), self._cookie.read(request.headers)
        if not code or kept is None:
            # A fragment of our own, as a browser would else carry on the one that a link of another kind has.
            return RedirectResponse("/sign-in?link=stale#again", 303)
        verifier, target = kept
        work = partial(self._supabase.follow_link, code, verifier, visitor_of(request))
        response = await self._forms.begin(work, Fields({"next": target}))
        self._cookie.take(response)
        return response


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


async def fields_of(request: Request) -> Fields:
    text = (await request.body()).decode("utf-8", "replace")
    try:
        sent = parse_qs(text, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        sent = {}
    return Fields({name: values[0] for name, values in sent.items() if len(values[0]) <= FIELD_MOST})


def visitor_of(request: Request) -> Visitor:
    return Visitor(request.scope.get("visitor_ip"), request.headers.get("user-agent"))
