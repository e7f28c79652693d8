"""Prompt templates: prompts with {{variables}}, kept to be used again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import Field

from cursor_monitor import routes
from cursor_monitor.api import schemas
from cursor_monitor.api.bodies import Body, Text
from cursor_monitor.api.deps import errors, require_json, writing_errors
from cursor_monitor.api.schemas_base import Answer, Time
from cursor_monitor.domain.templates import VARIABLES_LIMIT
from cursor_monitor.engine.plan import PROMPT_LIMIT
from cursor_monitor.queries import templates as queries
from cursor_monitor.queries.page import Page
from cursor_monitor.services import templates as services
from cursor_monitor.services.caller import caller_name

router = APIRouter(prefix="/templates", tags=["templates"])
TemplateId = Annotated[Text, Path(description="The id of a template.")]


class VariableBody(Body):
    """How the form shows one of the {{variables}}."""

    name: Text = Field(description="As it is in the prompt.", json_schema_extra={"pattern": "^[a-z][a-z0-9_]{0,39}$"})
    label: Text | None = Field(default=None, description="What people call it.", json_schema_extra={"maxLength": 100})
    default: Text | None = Field(
        default=None, description="Where nothing is given.", json_schema_extra={"maxLength": 2000}
    )
    choices: list[Text] | None = Field(
        default=None, description="Only one of these.", json_schema_extra={"maxItems": 30}
    )
    is_long: bool | None = Field(default=None, description="It may have several lines.")


class TemplateBody(Body):
    """A prompt to keep."""

    name: Text = Field(description="What people call it.", json_schema_extra={"minLength": 1, "maxLength": 100})
    prompt: Text = Field(
        description="The prompt, with {{variables}} where it differs; \\{{ stands for two braces.",
        json_schema_extra={"minLength": 1, "maxLength": PROMPT_LIMIT},
    )
    description: Text | None = Field(default=None, description="What it is for.", json_schema_extra={"maxLength": 500})
    variables: list[VariableBody] | None = Field(
        default=None,
        description="Those that need more than their name.",
        json_schema_extra={"maxItems": VARIABLES_LIMIT},
    )


class RenderBody(Body):
    """What goes into the variables."""

    variables: dict[Text, Text] | None = Field(default=None, description="A text for each; its default where absent.")


class Variable(Answer):
    """One of the {{variables}}."""

    name: str
    label: str
    default: str
    choices: list[str]
    is_long: bool


class Template(Answer):
    """A prompt that is kept; all its variables, in the order of the prompt."""

    id: str
    name: str
    description: str
    prompt: str
    variables: list[Variable]
    changed_by: str
    created_at: Time
    updated_at: Time


class Rendered(Answer):
    """A prompt with its variables filled in."""

    prompt: str


@router.get("", response_model=schemas.Listing[Template], responses=errors())
def list_templates() -> Page[queries.TemplateRow]:
    """Every template, by name."""
    return Page(queries.list_templates())


@router.post(
    "",
    status_code=201,
    response_model=Template,
    responses=writing_errors(409, 415),
    dependencies=[Depends(require_json)],
)
def create(body: TemplateBody, response: Response) -> queries.TemplateRow:
    """Keep a prompt."""
    made = services.create(body.given(), by=caller_name())
    response.headers["Location"] = f"{routes.API}/templates/{made}"
    return queries.get_template(made)


@router.get("/{template_id}", response_model=Template, responses=errors(404))
def get_template(template_id: TemplateId) -> queries.TemplateRow:
    """One template."""
    return queries.get_template(template_id)


@router.put(
    "/{template_id}", response_model=Template, responses=writing_errors(404, 415), dependencies=[Depends(require_json)]
)
def replace(template_id: TemplateId, body: TemplateBody) -> queries.TemplateRow:
    """Put another in its place; what was launched from it stays as it was."""
    services.replace(template_id, body.given(), by=caller_name())
    return queries.get_template(template_id)


@router.delete("/{template_id}", status_code=204, responses=writing_errors(404))
def delete(template_id: TemplateId) -> None:
    """Forget it; a schedule that uses it says so at its next firing."""
    services.delete(template_id, by=caller_name())


@router.post(
    "/{template_id}/render",
    response_model=Rendered,
    responses=writing_errors(404, 409, 415),
    dependencies=[Depends(require_json)],
)
def render(template_id: TemplateId, body: RenderBody) -> dict[str, Any]:
    """The prompt with these values; nothing is launched."""
    return {"prompt": services.render(template_id, body.variables)}
