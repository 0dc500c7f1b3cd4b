"""Golden cases 24 to 39 of the legacy contract (posts and replies), in their order, through the whole stack.

A forum of its own, empty at first, on the embedded default and on MariaDB. Path spellings vary on purpose.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest
from tests.e2e.community import T_MS, Community, check_problem


class Fixture(Community):
    """The contract's: P1 and P2 of alice, P3 of bob; on P1 the reply R1 of alice with the child R2 of bob."""

    async def fill(self) -> None:
        for name in (self.alice, self.bob):
            await self.sign_in(name)
        self.p1 = await self.post(self.alice, "first")
        self.p2 = await self.post(self.alice, "second")
        self.p3 = await self.post(self.bob, "third")
        self.r1 = await self.reply(self.alice, self.p1, content="r1")
        self.r2 = await self.reply(self.bob, self.p1, content="r2", parent_reply_id=self.r1)

    async def post(self, user: str, title: str) -> int:
        answer = await self.ask(user, "POST", "/posts/create/", {"title": title, "content": f"content of {title}"})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["post_id"])

    async def reply(self, user: str, post_id: int, **body: Any) -> int:
        answer = await self.ask(user, "POST", f"/posts/reply/create/{post_id}/", body)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["reply"]["id"])

    async def listed(self, path: str) -> dict[str, Any]:
        answer = await self.ask("", "GET", path)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    async def detail(self, post_id: int) -> dict[str, Any]:
        answer = await self.ask("", "GET", f"/posts/detail/{post_id}/")
        assert answer.status_code == 200, answer.text
        post: dict[str, Any] = answer.json()["post"]
        return post


@pytest.fixture
async def forum(new_url: str) -> AsyncIterator[Fixture]:
    async with httpx.AsyncClient(base_url=new_url, timeout=10) as http:
        yield Fixture(http)


async def test_rows_24_to_39(forum: Fixture) -> None:
    empty = {"results": [], "total": 0, "num_pages": 1, "current_page": 1}
    assert await forum.listed("/posts/list/") == empty  # row 27
    await forum.fill()
    await rows_24_to_26(forum)
    await rows_28_and_29(forum)
    await rows_30_to_33(forum)
    await rows_34_to_37(forum)
    await rows_38_and_39(forum)


async def rows_24_to_26(forum: Fixture) -> None:
    page = await forum.listed("/posts/list?page_size=2")
    assert [post["id"] for post in page["results"]] == [forum.p3, forum.p2]
    assert (page["total"], page["num_pages"], page["current_page"]) == (3, 2, 1)
    for path in ("/posts/list/?page=99&page_size=2", "/posts/list/?page=0&page_size=2"):
        page = await forum.listed(path)
        assert [post["id"] for post in page["results"]] == [forum.p1]
        assert page["current_page"] == 2
        post = page["results"][0]
        assert set(post) >= {"id", "title", "content", "author", "created_at", "updated_at", "reply_count"}
        assert (post["reply_count"], post["author"], post["content"]) == (2, forum.alice, "content of first")
        assert T_MS.fullmatch(post["created_at"])
        assert T_MS.fullmatch(post["updated_at"])
    for query in ("?page=a", "?page_size=0", "?page="):
        check_problem(await forum.ask("", "GET", f"/posts/list/{query}"), 400, "INVALID_REQUEST")


async def rows_28_and_29(forum: Fixture) -> None:
    claims = jwt.decode(forum.tokens[forum.alice], options={"verify_signature": False})
    expired = jwt.encode({**claims, "exp": 1}, "x" * 32, algorithm="HS256")
    answer = await forum.ask("", "GET", f"/posts/detail/{forum.p1}", Authorization=f"Bearer {expired}")
    assert answer.status_code == 200
    detail = answer.json()
    assert detail["success"] is True
    (first,) = detail["post"]["replies"]
    keys = {"id", "content", "author", "created_at", "updated_at", "parent_reply_id", "child_replies"}
    assert (first["id"], first["parent_reply_id"], set(first)) == (forum.r1, None, keys)
    (child,) = first["child_replies"]
    assert (child["id"], child["parent_reply_id"], child["child_replies"]) == (forum.r2, forum.r1, [])
    assert set(child) == keys
    check_problem(await forum.ask("", "GET", "/posts/detail/999999/"), 404, "POST_NOT_FOUND", "帖子不存在")
    check_problem(await forum.ask("", "POST", "/posts/update/abc/", {}), 404, "ROUTE_NOT_FOUND")


async def rows_30_to_33(forum: Fixture) -> None:
    alice = forum.alice
    answer = await forum.ask(alice, "POST", "/posts/create/", {"title": "t", "content": "c"})
    assert answer.json() == {"msg": "发帖成功", "post_id": answer.json()["post_id"]}
    assert isinstance(answer.json()["post_id"], int)
    answer = await forum.ask(alice, "POST", "/posts/create/", {"title": "t"})
    check_problem(answer, 400, "TITLE_AND_CONTENT_REQUIRED", "标题和内容不能为空")
    answer = await forum.ask(alice, "POST", "/posts/create/", {"title": "t" * 201, "content": "c"})
    problem = check_problem(answer, 400, "INVALID_REQUEST")
    assert (problem["errors"][0]["field"], problem["errors"][0]["code"]) == ("title", "TOO_LONG")

    before = (await forum.detail(forum.p1))["updated_at"]
    answer = await forum.ask(alice, "POST", f"/posts/update/{forum.p1}/", {})
    assert (answer.status_code, answer.json()) == (200, {"msg": "修改成功"})
    after = await forum.detail(forum.p1)
    assert after["updated_at"] > before
    assert after["content"] == "content of first"
    answer = await forum.ask(alice, "POST", f"/posts/update/{forum.p3}/", {"title": "x"})
    check_problem(answer, 403, "NOT_POST_AUTHOR", "无权限修改他人帖子")


async def rows_34_to_37(forum: Fixture) -> None:
    alice, bob = forum.alice, forum.bob
    answer = await forum.ask(alice, "POST", f"/posts/reply/create/{forum.p3}", {"content": "r"})
    assert (answer.json()["success"], answer.json()["msg"]) == (True, "回复成功")
    reply = answer.json()["reply"]
    assert set(reply) >= {"id", "content", "author", "created_at", "parent_reply_id"}
    assert reply["parent_reply_id"] is None
    assert T_MS.fullmatch(reply["created_at"])
    body = {"content": "another", "parent_reply_id": forum.r1}
    answer = await forum.ask(alice, "POST", f"/posts/reply/create/{forum.p3}/", body)
    check_problem(answer, 404, "PARENT_REPLY_NOT_FOUND", "父回复不存在")
    answer = await forum.ask(alice, "POST", "/posts/reply/create/999999/", {"content": ""})
    check_problem(answer, 404, "POST_NOT_FOUND", "帖子不存在")
    answer = await forum.ask(alice, "POST", f"/posts/reply/create/{forum.p3}/", {"content": ""})
    check_problem(answer, 400, "REPLY_CONTENT_REQUIRED", "回复内容不能为空")
    answer = await forum.ask(bob, "POST", f"/posts/reply/update/{forum.r1}/", {"content": "x"})
    check_problem(answer, 403, "NOT_REPLY_AUTHOR", "无权限修改他人回复")
    answer = await forum.ask(bob, "POST", "/posts/reply/update/999999/", {"content": "x"})
    check_problem(answer, 404, "REPLY_NOT_FOUND", "回复不存在")
    answer = await forum.ask(alice, "POST", f"/posts/reply/update/{forum.r1}", {"content": "changed"})
    assert (answer.json()["success"], answer.json()["msg"]) == (True, "回复修改成功")
    assert set(answer.json()["reply"]) >= {"id", "content", "author", "updated_at"}


async def rows_38_and_39(forum: Fixture) -> None:
    alice, bob = forum.alice, forum.bob
    answer = await forum.ask(alice, "POST", f"/posts/reply/delete/{forum.r1}/")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "msg": "回复删除成功"})
    detail = await forum.detail(forum.p1)
    assert (detail["reply_count"], detail["replies"]) == (0, [])
    path = f"/posts/delete/{forum.p1}"
    answer = await forum.ask(alice, "PUT", f"{path}/")
    check_problem(answer, 405, "METHOD_NOT_ALLOWED", "仅支持POST或DELETE请求")
    check_problem(await forum.ask(bob, "DELETE", f"{path}/"), 403, "NOT_POST_AUTHOR", "无权限删除他人帖子")
    answer = await forum.ask(alice, "DELETE", path)
    assert (answer.status_code, answer.json()) == (200, {"msg": "删除成功"})
    check_problem(await forum.ask(alice, "DELETE", path), 404, "POST_NOT_FOUND", "帖子不存在")
