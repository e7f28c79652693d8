"""Markdown of agents as HTML that can do nothing: no raw HTML, no images, links to the web only."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

_SCHEMES = ("http://", "https://", "mailto:")
_LEVELS_DOWN = 2  # the page's own headings stand above those of a text


class _Renderer(RendererHTML):
    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return _code(tokens[idx].content)

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        return _code(tokens[idx].content)


@lru_cache(maxsize=1024)
def render_markdown(text: str) -> str:
    """The text as HTML made of our own tags alone."""
    return _MARKDOWN.renderer.render(_tamed(_MARKDOWN.parse(text)), _MARKDOWN.options, {})


def _tamed(tokens: list[Token]) -> list[Token]:
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) + _LEVELS_DOWN, 6)}"
        elif token.type == "table_open":
            token.attrSet("tabindex", "0")  # a wide one scrolls, by keyboard too
        elif token.type == "link_open":
            token.attrSet("target", "_blank")
            token.attrSet("rel", "noreferrer noopener nofollow")
        if token.children:
            token.children = _tamed(_with_real_links(token.children))
    return tokens


def _with_real_links(tokens: list[Token]) -> list[Token]:
    """The same without links that lead nowhere, which are not asked about when they are read; their text stays."""
    kept: list[Token] = []
    is_real = True
    for token in tokens:
        if token.type == "link_open":  # links do not nest
            is_real = str(token.attrGet("href") or "").lower().startswith(_SCHEMES)
        if is_real or token.type not in ("link_open", "link_close"):
            kept.append(token)
    return kept


def _code(text: str) -> str:
    return f'<pre tabindex="0"><code>{escapeHtml(text)}</code></pre>\n'


def _build() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    made.enable(["table", "strikethrough"])
    made.disable(["image", "html_block", "html_inline"])
    made.validateLink = lambda url: url.lower().startswith(_SCHEMES)
    return made


_MARKDOWN = _build()
