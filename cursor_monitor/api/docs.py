"""The pages at /api/docs: the OpenAPI document as plain HTML, with no script and nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

_METHODS = ("get", "post", "put", "patch", "delete")
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, .method { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.method { font-weight: 700; }
section { border-top: 1px solid #8886; padding: .5rem 0 1rem; }
table { border-collapse: collapse; width: 100%; margin-bottom: 1rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8883; }
.scroll { overflow-x: auto; }
"""

Node = dict[str, Any]


def install(app: FastAPI) -> None:
    """Serve the page at /docs of the application."""

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(render_page(app.openapi()))


def render_page(document: Node) -> str:
    """The whole page for one OpenAPI document."""
    title = escape(document["info"]["title"])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} API</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{title} API</h1><p>{escape(document['info'].get('summary', ''))} "
        f'Version {escape(document["info"]["version"])}. For programs: <a href="openapi.json">openapi.json</a>.</p>'
        f"{''.join(_operations(document))}<h2>Shapes</h2>{''.join(_shapes(document))}</main></body></html>"
    )


def _operations(document: Node) -> Iterator[str]:
    base = document["servers"][0]["url"]
    group = None
    for path, item in document["paths"].items():
        for method in (m for m in _METHODS if m in item):
            operation = item[method]
            tag = operation.get("tags", ["other"])[0]
            if tag != group:
                yield f"<h2>{escape(tag.capitalize())}</h2>"
                group = tag
            yield _operation(method, base + path, operation)


def _operation(method: str, path: str, operation: Node) -> str:
    parts = [f'<h3><span class="method">{method.upper()}</span> <code>{escape(path)}</code></h3>']
    parts.append(f"<p>{_note(operation)}</p>")
    parameters = operation.get("parameters", [])
    if parameters:
        rows = ((escape(p["name"]), escape(p["in"]), _kind(p["schema"]), _note(p)) for p in parameters)
        parts.append(_table(("Parameter", "In", "Type", "Meaning"), rows))
    if "requestBody" in operation:
        parts.append(f"<p>Body: {_content(operation['requestBody'])}</p>")
    answers = ((escape(status), _content(a), _note(a)) for status, a in sorted(operation["responses"].items()))
    parts.append(_table(("Status", "Answer", "Meaning"), answers))
    return f"<section>{''.join(parts)}</section>"


def _shapes(document: Node) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        head = f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{_note(schema)}</p>'
        required = schema.get("required", ())
        rows = (
            (escape(field) + ("" if field in required else "?"), _kind(kind), _note(kind))
            for field, kind in schema.get("properties", {}).items()
        )
        body = _table(("Field", "Type", "Meaning"), rows) if "properties" in schema else f"<p>{_kind(schema)}</p>"
        yield f"<section>{head}{body}</section>"


def _note(node: Node) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(node.get("description", "")))


def _content(answer: Node) -> str:
    kinds = (
        _kind(content["schema"]) if media == "application/json" else f"<code>{escape(media)}</code>"
        for media, content in answer.get("content", {}).items()
    )
    return ", ".join(kinds)


def _kind(schema: Node) -> str:
    """The type in one line of HTML; names of shapes are links."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(choice) for choice in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    return escape(str(schema.get("type", "any")))


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of cells that are HTML already."""
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
