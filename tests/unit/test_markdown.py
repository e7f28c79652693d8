"""Markdown of agents: what it may become, and what it may not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cursor_monitor.state.markdown import render_markdown

TAGS = {
    *("p", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "s", "a", "code", "pre", "blockquote", "hr", "br"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"href", "title", "target", "rel", "tabindex", "start", "style"}
TAG = re.compile(r"<(/?)([a-zA-Z0-9]+)((?:\s[^<>]*)?)>")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# Title", "<h3>Title</h3>\n"),
        ("a **b** `c<d`", "<p>a <strong>b</strong> <code>c&lt;d</code></p>\n"),
        ("```py\nx = '<b>'\n```", "<pre tabindex=\"0\"><code>x = '&lt;b&gt;'\n</code></pre>\n"),
        ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>\n"),
        ("![a](http://evil.test/a.png)", None),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        ("[a]() b", "<p>a b</p>\n"),
        ("[a](/orchestrations)", "<p>[a](/orchestrations)</p>\n"),
        ("[a]( JaVaScRiPt:alert(1))", "<p>[a]( JaVaScRiPt:alert(1))</p>\n"),
    ],
)
def test_what_becomes_of_it(text: str, html: str | None) -> None:
    found = render_markdown(text)
    assert "<img" not in found
    if html is not None:
        assert found == html


def test_links_lead_away_without_telling_from_where() -> None:
    assert render_markdown("[a](https://b.test)") == (
        '<p><a href="https://b.test" target="_blank" rel="noreferrer noopener nofollow">a</a></p>\n'
    )


HOSTILE = r"""<script> </p> ![x]( [y]( javascript: data:text/html, ) ` # - | &lt; " ' onload=x https://a.test
&#106;avascript: \ * _ ~~ > <!-- <a"""
PIECES = st.sampled_from(HOSTILE.split()) | st.sampled_from(["```\n", "\n", "\0", " "])


@given(st.lists(PIECES | st.text(max_size=4), max_size=40).map("".join))
def test_no_text_becomes_anything_but_our_own_tags(text: str) -> None:
    found = render_markdown(text)
    for _, tag, attributes in TAG.findall(found):
        assert tag in TAGS
        assert set(re.findall(r'([a-z-]+)="[^"]*"', attributes)) <= ATTRIBUTES
    assert "<" not in TAG.sub("", found)
    assert all(link.startswith(("http://", "https://", "mailto:")) for link in re.findall(r'href="([^"]*)"', found))
