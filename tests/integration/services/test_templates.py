"""Templates: kept, used for a launch, and told where they do not fit."""

from __future__ import annotations

from typing import Any

import pytest

from cursor_monitor.domain.errors import Invalid, NotFound
from cursor_monitor.queries import orchestrations as orchestration_queries
from cursor_monitor.queries import templates as queries
from cursor_monitor.services import orchestrations, templates
from cursor_monitor.services.dry_run import dry_run

UPGRADE: dict[str, Any] = {
    "name": "Upgrade",
    "prompt": "Upgrade {{library}} to {{version}}.",
    "variables": [{"name": "version", "default": "the newest", "label": "To which version"}],
}


def test_a_launch_from_a_template_and_its_dry_run(database: str) -> None:
    made = templates.create(UPGRADE, by="ada")
    for template in (made, "upgrade"):
        wanted = {"repository": "acme/web", "template": template, "variables": {"library": "<b>{{version}}</b>"}}
        launched = orchestrations.launch(wanted, by="ada", idempotency_key=template)
        assert orchestrations.launch(wanted, by="ada", idempotency_key=template) == launched
        prompt = orchestration_queries.get_orchestration(launched).prompt
        assert prompt == "Upgrade <b>{{version}}</b> to the newest."
        assert dry_run(wanted).tasks[0].prompt.endswith("to the newest.")
    for wrong, field in (
        ({"template": made}, "variables.library"),
        ({"template": made, "prompt": "x", "variables": {"library": "x"}}, "prompt"),
        ({"template": "gone"}, "template"),
        ({"variables": {}}, "template"),
        ({"template": made, "variables": ["x"]}, "variables"),
    ):
        with pytest.raises(Invalid) as caught:
            orchestrations.launch({"repository": "acme/web", **wrong}, by="ada")
        assert caught.value.field == field


def test_templates_are_replaced_and_deleted(database: str) -> None:
    made, other = templates.create(UPGRADE, by="ada"), templates.create({"name": "b", "prompt": "x"}, by="ada")
    templates.replace(made, {"name": "upgrade", "prompt": "Only {{library}}"}, by="bob")
    row = queries.get_template(made)
    assert ([v.name for v in row.variables], row.changed_by) == (["library"], "bob")
    with pytest.raises(Invalid, match="taken"):
        templates.replace(other, {"name": "UPGRADE", "prompt": "x"}, by="bob")
    templates.delete(made, by="bob")
    with pytest.raises(NotFound):
        templates.render(made, {})
    with pytest.raises(NotFound):
        templates.delete("nothing", by="bob")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "upgrade"}, "name"),
        ({"prompt": " "}, "prompt"),
        ({"prompt": "{{A}}"}, "prompt"),
        ({"variables": [{"name": "other"}]}, "variables[0].name"),
        ({"variables": [{"name": "version"}, {"name": "version"}]}, "variables[1].name"),
        ({"variables": [{"name": "version", "choices": ["a"], "default": "b"}]}, "variables[0].default"),
        ({"variables": [{"name": "version", "choices": ["x"] * 31}]}, "variables[0].choices"),
        ({"owner": "me"}, "owner"),
    ],
)
def test_a_template_that_cannot_be_is_refused(database: str, fields: dict[str, Any], field: str) -> None:
    templates.create(UPGRADE, by="ada")
    with pytest.raises(Invalid) as caught:
        templates.create({**UPGRADE, "name": "Other", **fields}, by="ada")
    assert caught.value.field == field
