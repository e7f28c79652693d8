"""What Cursor offers this key, from the cache that the worker keeps within the vendor's limits."""

from __future__ import annotations

from fastapi import APIRouter

from cursor_monitor.api import schemas
from cursor_monitor.api.deps import AccountChoice, AccountFilter, Cursor, Limit, RepositoryFilter, errors
from cursor_monitor.queries import agents as agent_queries
from cursor_monitor.queries import catalogue as queries
from cursor_monitor.queries.page import Page

router = APIRouter(tags=["catalogue"])


@router.get("/me", response_model=schemas.Me, responses=errors())
def get_me(account: AccountChoice = None) -> queries.MeRow:
    """Whose key an account has."""
    return queries.get_me(account)


@router.get("/branches", response_model=schemas.Listing[schemas.Branch], responses=errors())
def list_branches(
    repository: RepositoryFilter = None, account: AccountFilter = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[agent_queries.BranchRow]:
    """The branches that agents pushed, those of the newest agents first."""
    return agent_queries.list_branches(repository=repository, account=account, cursor=cursor, limit=limit)


@router.get("/models", response_model=schemas.Listing[schemas.Model], responses=errors())
def list_models(account: AccountChoice = None) -> Page[queries.ModelRow]:
    """The models that agents can be launched with; empty until Cursor was asked once."""
    return Page(queries.list_models(account))


@router.get("/repositories", response_model=schemas.Listing[schemas.Repository], responses=errors())
def list_repositories(account: AccountChoice = None) -> Page[schemas.Repository]:
    """The repositories that the key can reach; empty until Cursor was asked once."""
    return Page(tuple(schemas.Repository(repository=name) for name in queries.list_repositories(account)))
