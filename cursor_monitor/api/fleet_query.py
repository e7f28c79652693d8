"""The parameters by which the fleet is looked through."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from cursor_monitor.api.bodies import Text
from cursor_monitor.api.deps import AccountFilter, Filter, StatusFilter
from cursor_monitor.domain.fleet import GROUPS, ORIGINS, SHELVES, SORTS, FleetFilter
from cursor_monitor.services.caller import personal

FleetCursor = Annotated[
    Text | None, Query(max_length=2000, description="`next_cursor` of the page before, in the same order.")
]
Sort = Annotated[
    Text | None, Query(max_length=20, description=f"One of {', '.join(SORTS)}; with `-` before it downwards.")
]
GroupBy = Annotated[Text, Query(max_length=20, description=f"One of {', '.join(GROUPS)}.")]


def _fleet_filter(
    status: StatusFilter = None,
    repository: Annotated[
        Filter, Query(description="`owner/name` or a URL: that one; other text: those that contain it.")
    ] = None,
    origin: Annotated[Filter, Query(description=f"One of {', '.join(ORIGINS)}.")] = None,
    tag: Annotated[Filter, Query(description="Only those with this tag.")] = None,
    shelf: Annotated[Filter, Query(description=f"One of {', '.join(SHELVES)}; absent: all.")] = None,
    pinned: Annotated[bool | None, Query(description="Only those that you pinned, or that you did not.")] = None,
    q: Annotated[
        Filter, Query(description="Words, or their beginnings, of name, id, repository, branch, prompt.")
    ] = None,
    account: AccountFilter = None,
) -> FleetFilter:
    return FleetFilter(status, repository, origin, tag, shelf, pinned, q, account, personal())


FleetQuery = Annotated[FleetFilter, Depends(_fleet_filter)]
