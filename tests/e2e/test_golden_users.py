"""Golden cases 1 to 23 of the legacy contract (users, profile, resume), in their order, through the whole stack.

Every row is tried on the embedded default and on MariaDB with a real Redis. Path spellings vary on purpose.
"""

import re
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest
from tests.e2e.community import PASSWORD, T_MS, Community, check_problem

T_US = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
WORK = {"start_date": "2023-01-01", "company_name": "X", "work_content": "w"}
RESUME = {
    "name": "n",
    "age": 25,
    "graduation_date": "2024-06-01",
    "education_level": "本科",
    "expected_position": "p",
}


@pytest.fixture
async def community(stack_url: str) -> AsyncIterator[Community]:
    async with httpx.AsyncClient(base_url=stack_url, timeout=10) as http:
        community = Community(http)
        await community.sign_in(community.alice)
        await community.sign_in(community.bob)
        yield community


def check_answer(answer: httpx.Response, expected: dict[str, Any]) -> dict[str, Any]:
    """Check a success: status 200, JSON, and at least the expected members; returns it."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    body: dict[str, Any] = answer.json()
    assert {name: body[name] for name in expected} == expected
    return body


async def test_rows_1_to_5_register(community: Community) -> None:
    ask = community.ask
    name = f"dave_{uuid.uuid4().hex[:8]}"
    body = check_answer(
        await ask("", "POST", "/users/register/", {"username": name, "password": PASSWORD}), {"msg": "注册成功"}
    )
    assert isinstance(body["user_id"], int)
    plain = f'{{"username":"e{name}","password":"{PASSWORD}"}}'
    check_answer(await ask("", "POST", "/users/register", plain, Content_Type="text/plain"), {"msg": "注册成功"})
    taken = await ask("", "POST", "/users/register/", {"username": community.alice, "password": PASSWORD})
    check_problem(taken, 400, "USERNAME_TAKEN", "用户名已存在")
    empty = await ask("", "POST", "/users/register/", {"username": "", "password": "x"})
    check_problem(empty, 400, "CREDENTIALS_REQUIRED", "用户名和密码不能为空")
    check_problem(await ask("", "POST", "/users/register/", "{bad"), 400, "INVALID_JSON", "无效的JSON格式")
    wrong_method = await ask("", "GET", "/users/register/")
    check_problem(wrong_method, 405, "METHOD_NOT_ALLOWED", "仅支持POST请求")
    assert "POST" in wrong_method.headers["allow"]


async def test_rows_6_to_8_login(community: Community) -> None:
    ask = community.ask
    credentials = {"username": community.alice, "password": PASSWORD}
    body = check_answer(await ask("", "POST", "/users/login/", credentials), {"msg": "登录成功", "expires_in": 900})
    assert set(body) == {"token", "refresh_token", "expires_in", "user_id", "username", "msg"}
    claims = jwt.decode(body["token"], options={"verify_signature": False})
    assert {"user_id", "username", "exp"} <= set(claims)
    assert (claims["user_id"], claims["username"]) == (body["user_id"], community.alice)
    for wrong in ({**credentials, "password": "nope"}, {"username": "ghost_nobody", "password": PASSWORD}):
        check_problem(await ask("", "POST", "/users/login", wrong), 400, "INVALID_CREDENTIALS", "用户名或密码错误")
    english = await ask("", "POST", "/users/login", wrong, Accept_Language="en-US,en;q=0.9")
    check_problem(english, 400, "INVALID_CREDENTIALS", "Wrong username or password")
    assert english.headers["content-language"] == "en"


async def test_rows_9_to_12_profile(community: Community) -> None:
    ask, alice = community.ask, community.alice
    missing = await ask("", "POST", "/users/profile/")
    check_problem(missing, 401, "TOKEN_MISSING", "未提供有效的JWT令牌")
    check_problem(await ask(alice, "POST", "/users/profile/", {}), 405, "METHOD_NOT_ALLOWED", "仅支持GET请求")
    head, payload, signature = community.tokens[alice].split(".")
    changed = ".".join([head, payload, ("A" if signature[0] != "A" else "B") + signature[1:]])
    forged = await ask("", "GET", "/users/profile/", Authorization=f"Bearer {changed}")
    check_problem(forged, 401, "TOKEN_INVALID", "JWT无效或已过期")
    assert forged.headers["www-authenticate"].startswith("Bearer")
    profile = check_answer(await ask(alice, "GET", "/users/profile"), {"success": True})["profile"]
    assert {name: profile[name] for name in ("username", "email", "first_name", "last_name")} == {
        "username": alice,
        "email": "",
        "first_name": "",
        "last_name": "",
    }
    assert [profile[name] for name in ("phone", "avatar", "resume")] == [None, None, None]
    assert T_MS.fullmatch(profile["date_joined"])
    assert T_MS.fullmatch(profile["last_login"])
    check_answer(await ask(alice, "POST", "/users/profile/update/", {}), {"success": True, "msg": "个人信息更新成功"})
    refused = await ask(alice, "POST", "/users/profile/update/", {"email": None})
    assert check_problem(refused, 400, "INVALID_REQUEST")["errors"][0]["field"] == "email"


async def test_rows_13_to_16_resume(community: Community) -> None:
    ask, alice = community.ask, community.alice
    none = await ask(alice, "GET", "/users/resume/")
    check_answer(none, {"success": True, "resume": None, "msg": "简历不存在"})
    early = await ask(alice, "POST", "/users/resume/work/", WORK)
    check_problem(early, 404, "RESUME_NOT_FOUND", "简历不存在")
    few = await ask(alice, "POST", "/users/resume/create/", {"name": "n"})
    assert len(check_problem(few, 400, "RESUME_FIELDS_REQUIRED")["errors"]) == 4
    created = await ask(alice, "POST", "/users/resume/create/", RESUME)
    resume_id = check_answer(created, {"success": True, "msg": "简历创建成功"})["resume_id"]
    updated = await ask(alice, "POST", "/users/resume/create/", {"age": "26"})
    check_answer(updated, {"success": True, "msg": "简历更新成功", "resume_id": resume_id})
    profile = check_answer(await ask(alice, "GET", "/users/profile/"), {})["profile"]
    assert (profile["resume"]["age"], profile["resume"]["name"]) == (26, "n")


async def test_rows_17_to_23_resume_items(community: Community) -> None:
    ask, alice, bob = community.ask, community.alice, community.bob
    for user in (alice, bob):
        check_answer(await ask(user, "POST", "/users/resume/create/", RESUME), {"success": True})
    first = check_answer(
        await ask(alice, "POST", "/users/resume/work/", {"action": "create", **WORK}), {"msg": "工作经历创建成功"}
    )
    w = first["work_experience_id"]
    assert first["work_experience"] == {
        **WORK,
        "id": w,
        "end_date": None,
        "department": None,
        "position": None,
        "is_internship": False,
    }
    other = {"start_date": "2024-01-01", "company_name": "Y", "work_content": "v"}
    second = check_answer(await ask(alice, "POST", "/users/resume/work", other), {"msg": "工作经历创建成功"})
    v = second["work_experience_id"]
    for change in ({"work_id": w, "position": "dev"}, {"action": "update", "id": w, "department": "d"}):
        changed = check_answer(await ask(alice, "POST", "/users/resume/work/", change), {"msg": "工作经历更新成功"})
    assert (changed["work_experience"]["position"], changed["work_experience"]["department"]) == ("dev", "d")
    odd = await ask(alice, "POST", "/users/resume/work/", {"action": "zzz"})
    check_problem(odd, 400, "INVALID_ACTION", "无效的操作")
    few = await ask(alice, "POST", "/users/resume/work/", {"company_name": "Z"})
    errors = check_problem(few, 400, "MISSING_FIELDS", "缺少必要参数")["errors"]
    assert {error["field"] for error in errors} == {"start_date", "work_content"}
    stranger = await ask(bob, "POST", "/users/resume/work/", {"work_id": w})
    check_problem(stranger, 404, "WORK_EXPERIENCE_NOT_FOUND", "工作经历不存在")
    resume = check_answer(await ask(alice, "GET", "/users/resume/"), {"success": True})["resume"]
    assert [item["id"] for item in resume["work_experiences"]] == [v, w]
    assert [resume[name] for name in ("project_experiences", "education_experiences", "custom_sections")] == [[]] * 3
    assert T_US.fullmatch(resume["created_at"])
    gone = await ask(alice, "POST", "/users/resume/work/", {"action": "delete", "id": v})
    check_answer(gone, {"success": True, "msg": "工作经历删除成功"})
    gone = await ask(alice, "DELETE", "/users/resume/work/delete/", {"work_id": w})
    check_answer(gone, {"success": True, "msg": "工作经历删除成功"})
    nameless = await ask(alice, "DELETE", "/users/resume/custom/delete", {})
    check_problem(nameless, 400, "ITEM_ID_REQUIRED", "缺少custom_id参数")


@pytest.mark.parametrize(
    ("kind", "fields", "id_key", "object_key", "name"),
    [
        (
            "project",
            {"start_date": "2023-06-01", "project_name": "B", "project_role": "dev", "project_content": "c"},
            "project_experience_id",
            "project_experience",
            "项目经历",
        ),
        (
            "education",
            {"start_date": "2020-09-01", "school_name": "C", "education_level": "本科"},
            "education_experience_id",
            "education_experience",
            "教育经历",
        ),
        ("custom", {"title": "证书", "content": "..."}, "custom_section_id", "custom_section", "自定义部分"),
    ],
)
async def test_every_kind_of_item_is_kept_changed_and_deleted(
    community: Community, kind: str, fields: dict[str, str], id_key: str, object_key: str, name: str
) -> None:
    ask, alice = community.ask, community.alice
    check_answer(await ask(alice, "POST", "/users/resume/create/", RESUME), {"success": True})
    path = f"/users/resume/{kind}"
    created = check_answer(await ask(alice, "POST", path, fields), {"success": True, "msg": f"{name}创建成功"})
    item_id = created[id_key]
    assert {key: created[object_key][key] for key in fields} == fields
    for changed in fields:
        body = {f"{kind}_id": str(item_id), changed: fields[changed]}
        check_answer(await ask(alice, "POST", f"{path}/", body), {"msg": f"{name}更新成功", id_key: item_id})
    too_long = await ask(alice, "POST", path, {"id": item_id, list(fields)[-1]: "字" * 20_001})
    assert check_problem(too_long, 400, "INVALID_REQUEST")["errors"][0]["code"] == "TOO_LONG"
    query = await ask(alice, "DELETE", f"{path}/delete/?{kind}_id={item_id}")
    check_answer(query, {"success": True, "msg": f"{name}删除成功"})
    again = await ask(alice, "DELETE", f"{path}/delete", {"id": item_id})
    check_problem(again, 404, f"{object_key}_NOT_FOUND".upper(), f"{name}不存在")
