"""The HTTP API: FastAPI, made to be mounted at /api."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from cursor_monitor.api import (
    access,
    accounts,
    agents,
    agents_bulk,
    agents_files,
    catalogue,
    conversation,
    docs,
    errors,
    events,
    health,
    jobs,
    notifications,
    orchestrations,
    profiles,
    proof,
    schedules,
    tasks,
    templates,
    uploads,
    views,
    webhook,
)
from cursor_monitor.settings import VERSION

PREFIX = "/cloud-agents"
_RESOURCES = (
    health,
    accounts,
    orchestrations,
    proof,
    tasks,
    events,
    agents_bulk,
    agents_files,
    agents,
    conversation,
    jobs,
    catalogue,
    profiles,
    templates,
    schedules,
    notifications,
    uploads,
    views,
    webhook,
    access,
)


def build_api() -> FastAPI:
    """The application with every route and the one shape of errors; it opens nothing by itself."""
    app = FastAPI(
        title="Cursor Monitor",
        version=VERSION,
        summary="The control room for fleets of Cursor cloud agents.",
        servers=[{"url": "/api"}],
        root_path_in_servers=False,
        openapi_url="/openapi.json",
        docs_url=None,  # these pages load scripts from other sites
        redoc_url=None,
        redirect_slashes=False,
    )
    errors.install(app)
    api = APIRouter(prefix=PREFIX)
    for resource in _RESOURCES:
        api.include_router(resource.router)
    app.include_router(api)
    docs.install(app)
    return app
