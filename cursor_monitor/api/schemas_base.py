"""What all answers of the API share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

Time = Annotated[datetime, AfterValidator(lambda value: value.astimezone(UTC))]
"""ISO 8601 in UTC with a Z, whatever zone the database server keeps."""


class Answer(BaseModel):
    """Base of all answers: made from the rows that the queries return."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)
