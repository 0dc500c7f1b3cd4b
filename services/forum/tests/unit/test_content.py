"""What Markdown becomes, what is noted of it, and that no text takes long."""

import asyncio
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from forum.content import INLINE_MAX, Rendered, Renderer, content_hash
from forum.markdown import Markdown
from forum.threads import Threads
from forum.usernames import key_of

REL = 'rel="nofollow ugc noopener noreferrer"'
SECONDS_MAX = 4.0
"""Twice what the worst 100,000 code points take at most on a slow core."""


class Names:
    """Users by name, in the place of the repository."""

    def __init__(self, *names: str) -> None:
        self.known = {key_of(name): number for number, name in enumerate(names, start=1)}
        self.asked: list[list[bytes]] = []

    async def find_ids(self, connection: Any, keys: list[bytes]) -> dict[bytes, int]:
        self.asked.append(keys)
        return {key: self.known[key] for key in keys if key in self.known}


@pytest.fixture
def names() -> Names:
    return Names("alice", "小明", "bob.b")


@pytest.fixture
def renderer(names: Names) -> Iterator[Renderer]:
    threads = Threads(workers=1, queue_limit=1)
    yield Renderer(SimpleNamespace(repositories=SimpleNamespace(mentions=names)), threads)  # type: ignore[arg-type]
    threads.close()


async def rendered(renderer: Renderer, text: str) -> Rendered:
    return await renderer.render(None, text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("a", "<p>a</p>\n"),
        ("a\nb\n\nc", "<p>a<br>\nb</p>\n<p>c</p>\n"),
        ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <s>c</s> <code>d</code></p>\n"),
        ("# a\n## b", "<h1>a</h1>\n<h2>b</h2>\n"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>\n'),
        ("> a\n\n---", "<blockquote>\n<p>a</p>\n</blockquote>\n<hr>\n"),
        ("```c++ x\n<b>\n```", '<pre><code class="language-c++">&lt;b&gt;\n</code></pre>\n'),
        ('```a"b\nx\n```', "<pre><code>x\n</code></pre>\n"),
        ("<b>a</b>", "<p>&lt;b&gt;a&lt;/b&gt;</p>\n"),
        ('[a](/b "t")', f'<p><a href="/b" title="t" {REL}>a</a></p>\n'),
        ("![a](/b.png)", '<p><img src="/b.png" alt="a"></p>\n'),
        ("![a](mailto:b@c.d)", '<p><img alt="a"></p>\n'),
        ("[a](x.html)", "<p>[a](x.html)</p>\n"),
        ("[a](//b.example)", "<p>[a](//b.example)</p>\n"),
        ("<a@b.example>", f'<p><a href="mailto:a@b.example" {REL}>a@b.example</a></p>\n'),
    ],
)
async def test_markdown_becomes_html(renderer: Renderer, text: str, html: str) -> None:
    assert (await rendered(renderer, text)).html == html


async def test_cells_of_tables_are_aligned(renderer: Renderer) -> None:
    html = (await rendered(renderer, "|a|b|c|d|\n|-|:-|:-:|-:|\n|1|2|3|4|")).html

    assert '<th>a</th>\n<th align="left">b</th>\n<th align="center">c</th>\n<th align="right">d</th>' in html
    assert '<td>1</td>\n<td align="left">2</td>\n<td align="center">3</td>\n<td align="right">4</td>' in html


@pytest.mark.parametrize(
    ("text", "link", "rest"),
    [
        ("http://a.example", "http://a.example", ""),
        ("HTTPS://a.example/B", "HTTPS://a.example/B", ""),
        ("http://a.example.", "http://a.example", "."),
        ("http://a.example/?b=c_d_e*f*", "http://a.example/?b=c_d_e*f", "*"),
        ("http://a.example/(b))", "http://a.example/(b)", ")"),
        ("http://a.example，好", "http://a.example", "，好"),
        ("http://a.example。", "http://a.example", "。"),
        ("http://a.example/b]", "http://a.example/b", "]"),
        ("http://a.example/@alice", "http://a.example/@alice", ""),
    ],
)
async def test_bare_addresses_are_links(renderer: Renderer, text: str, link: str, rest: str) -> None:
    expected = f'<p>见<a href="{link}" {REL}>{link}</a>{rest}</p>\n'

    assert (await rendered(renderer, f"见{text}")) == Rendered(expected, f"见{text}", 1, ())


@pytest.mark.parametrize(
    "text",
    ["xhttp://a.example", "http://", "http:// a", "ftp://a.example", "www.a.example", "`http://a.example`", "main.py"],
)
async def test_what_is_no_address_is_no_link(renderer: Renderer, text: str) -> None:
    result = await rendered(renderer, text)

    assert "<a" not in result.html
    assert result.link_count == 0


async def test_a_bare_address_in_a_link_is_its_text(renderer: Renderer) -> None:
    html = (await rendered(renderer, "[a http://b.example](/c)")).html

    assert html == f'<p><a href="/c" {REL}>a http://b.example</a></p>\n'


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("[a](http://a.example) http://b.example <http://c.example> <d@e.example>", 4),
        ("![a](http://a.example/b.png) ![a](/b.png)", 1),
        ("[![a](http://a.example/b.png)](https://c.example)", 2),
        ("[a](/b) [c](#d) @alice `http://a.example`", 0),
        ("[a]\n\n[a]: http://a.example", 1),
        ("[a]: http://a.example", 0),
    ],
)
async def test_links_that_lead_elsewhere_are_counted(renderer: Renderer, text: str, count: int) -> None:
    assert (await rendered(renderer, text)).link_count == count


@pytest.mark.parametrize(
    ("text", "excerpt"),
    [
        ("# *a*\n\nb\nc  \n- d\n- e", "a b c d e"),
        ("[a](/b) ![c](/d) `e` @alice", "a c e @alice"),
        ("```\nx  =  1\n```", "x = 1"),
        ("|a|b|\n|-|-|\n|1|2|", "a b 1 2"),
        ("&lt;b&gt; <i>", "<b> <i>"),
        ("x" * 200, "x" * 200),
        ("字" * 201, "字" * 199 + "…"),
        ("  \n\n", ""),
    ],
)
async def test_the_excerpt_is_the_beginning_without_markup(renderer: Renderer, text: str, excerpt: str) -> None:
    assert (await rendered(renderer, text)).excerpt == excerpt


def link_to(user_id: int, name: str) -> str:
    return f'<a class="mention" href="/users/{user_id}">@{name}</a>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("@alice", link_to(1, "alice")),
        ("(@ALICE)", f"({link_to(1, 'ALICE')})"),
        ("谢谢@小明你好", f"谢谢{link_to(2, '小明')}你好"),
        ("*@alice*", f"<em>{link_to(1, 'alice')}</em>"),
        ("@bob.b.", f"{link_to(3, 'bob.b')}."),
        ("\\@alice", "@alice"),
        ("a@alice", "a@alice"),
        ("@alicex", "@alicex"),
        ("`@alice`", "<code>@alice</code>"),
        ("[@alice](/x)", f'<a href="/x" {REL}>@alice</a>'),
        ("![@alice](/x)", '<img src="/x" alt="@alice">'),
        ("<http://a.example/@alice>", f'<a href="http://a.example/@alice" {REL}>http://a.example/@alice</a>'),
    ],
)
async def test_mentions_are_links_outside_of_code_and_links(renderer: Renderer, text: str, html: str) -> None:
    result = await rendered(renderer, text)
    is_mention = 'class="mention"' in html

    assert result.html == f"<p>{html}</p>\n"
    assert len(result.mentions) == is_mention


async def test_each_user_is_mentioned_once_in_order(renderer: Renderer) -> None:
    result = await rendered(renderer, "@小明 @alice @小明 @nobody @ALICE")

    assert result.mentions == (2, 1)
    assert result.html.count("mention") == 4


async def test_a_text_mentions_at_most_twenty_users(renderer: Renderer, names: Names) -> None:
    users = [f"user{number}" for number in range(30)]
    names.known = {key_of(name): number for number, name in enumerate(users)}
    result = await rendered(renderer, " ".join(f"@{name}" for name in [*users, "user3"]))

    assert result.mentions == tuple(range(20))
    assert result.html.count("mention") == 21
    assert ">@user19</a> @user20 " in result.html


async def test_names_are_looked_up_once_and_only_behind_an_at(renderer: Renderer, names: Names) -> None:
    for text in ("a", "a@b.example", "*a* @ b"):
        await rendered(renderer, text)
    assert names.asked == []

    await rendered(renderer, "@alice @bob.b " * 500)
    assert names.asked == [[b"alice", b"bob", b"bob.b"]]


async def test_what_nests_too_deep_is_shown_as_written(renderer: Renderer) -> None:
    text = "> " * 30 + "<b> *a*\n"

    assert (await rendered(renderer, text)).html == f"<pre>{'&gt; ' * 30}&lt;b&gt; *a*\n</pre>\n"


async def test_a_fault_of_the_parser_shows_the_text_as_written(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise IndexError

    monkeypatch.setattr(Markdown, "render", fail)
    with capture_logs() as logs:
        result = await rendered(renderer, "*a secret*")

    assert result == Rendered("<pre>*a secret*</pre>\n", "*a secret*", 0, ())
    assert [entry["event"] for entry in logs] == ["content.not_rendered"]
    assert "secret" not in str(logs[0]["length"])


@pytest.mark.parametrize(
    "line",
    ["* [a](/b) `c` **d** http://e.example &amp;\n", "1. a\n   - b\n     > c\n", "|a|*b*|\n", "字*字*，字\n\n", "a\n"],
)
async def test_long_ordinary_texts_are_rendered(renderer: Renderer, line: str) -> None:
    head = "|x|y|\n|-|-|\n" if line.startswith("|") else ""

    assert not (await rendered(renderer, (head + line * 50_000)[:100_000])).html.startswith("<pre>")


HARD = {
    "brackets": "[",
    "pictures": "![[](",
    "quotes": ">",
    "lazy quotes": "> - \n't\n",
    "stars": "*a **b ",
    "signs": "*_~`[",
    "backticks": "`a``b```c",
    "destinations": "[a](<b",
    "addresses": "http://a/(",
    "names": "@" + "小明" * 9,
    "ats": "@",
    "cells": "a|b\n-|-\n",
    "lists": "  - a\n",
    "entities": "&amp;&#1;&x",
    "comments": "<!--<?<![CDATA[",
    "references": "[a]: <b> 'c\n",
}


@pytest.mark.parametrize("kind", HARD)
def test_no_text_takes_long_or_grows_without_bound(renderer: Renderer, names: Names, kind: str) -> None:
    text = (HARD[kind] * 100_000)[:100_000]
    begin = time.thread_time()
    result = renderer.render_with(text, names.known)

    assert time.thread_time() - begin < SECONDS_MAX
    assert len(result.html) <= 12 * len(text) + 4096


@pytest.mark.parametrize(
    "text",
    [
        "|" + "a|" * 200 + "\n|" + "-|" * 200 + "\n" + "|\n" * 40_000,
        "[a]: /" + "x" * 50_000 + "\n" + "[a]" * 16_000,
        "*a " * 16_000 + "b* " * 16_000,
        "\n".join("  " * depth + "- a" for depth in range(300)),
        "[" * 50_000 + "]" * 50_000,
    ],
)
def test_what_would_grow_too_far_is_shown_as_written(renderer: Renderer, text: str) -> None:
    begin = time.thread_time()
    result = renderer.render_with(text, {})

    assert time.thread_time() - begin < SECONDS_MAX
    assert result.html.startswith("<pre>")
    assert len(result.html) <= 6 * len(text) + 100


async def test_a_long_text_leaves_the_event_loop_free(renderer: Renderer) -> None:
    turns = 0
    task = asyncio.ensure_future(rendered(renderer, "*a* " * (INLINE_MAX // 2)))
    while not task.done():
        turns += 1
        await asyncio.sleep(0)

    assert (await task).html.startswith("<p><em>a</em>")
    assert turns > 10


def test_hashes_tell_texts_and_their_order_apart() -> None:
    texts = [(), ("",), ("", ""), ("a", "b"), ("b", "a"), ("ab",), ("ab", ""), ("a", "b", "")]

    assert len({content_hash(*parts) for parts in texts}) == len(texts)
    assert {len(content_hash(*parts)) for parts in texts} == {16}
    assert content_hash("a", "b") == content_hash("a", "b")
