"""Golden rows 1 to 12 of the legacy contract, against fake services."""

import re

import pytest
from gateway_support.checks import assert_problem
from gateway_support.deployment import Deployment
from gateway_support.fake_state import reason

from plaza_kit.errors import AlreadyExists, InvalidArgument, Violation

T_MS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_register_answers_message_and_id(edge: Deployment) -> None:
    with edge.client(None) as client:
        response = client.post("/users/register/", json={"username": "dave", "password": "password123"})
    assert response.status_code == 200
    assert response.json() == {"msg": "注册成功", "user_id": 1}
    assert response.headers["content-language"] == "zh"
    request = edge.fakes.last("Register")
    assert (request.username, request.password) == ("dave", "password123")


def test_register_takes_any_content_type_and_no_slash(edge: Deployment) -> None:
    with edge.client(None) as client:
        response = client.post(
            "/users/register",
            content=b'{"username":"erin","password":"password123"}',
            headers={"Content-Type": "text/plain"},
        )
    assert response.status_code == 200
    assert response.history == []


def test_register_refuses_taken_names_and_empty_fields(edge: Deployment) -> None:
    with edge.client(None) as client:
        empty = client.post("/users/register/", json={"username": None})

        def taken(_: str) -> None:
            raise reason(AlreadyExists, "USERNAME_TAKEN")

        edge.fakes.fail = taken
        again = client.post("/users/register/", json={"username": "alice", "password": "password123"})
    assert_problem(empty, 400, "CREDENTIALS_REQUIRED", "用户名和密码不能为空")
    assert_problem(again, 400, "USERNAME_TAKEN", "用户名已存在")


def test_short_password_names_the_minimum(edge: Deployment) -> None:
    def short(_: str) -> None:
        raise reason(InvalidArgument, "PASSWORD_TOO_SHORT")(violations=[Violation("password", "TOO_SHORT", 8)])

    edge.fakes.fail = short
    with edge.client(None) as client:
        response = client.post("/users/register/", json={"username": "dave", "password": "x"})
    document = assert_problem(response, 400, "PASSWORD_TOO_SHORT", "密码长度不足")
    assert document["errors"] == [{"field": "password", "code": "TOO_SHORT", "message": "至少8个字符"}]


def test_broken_json_is_refused(edge: Deployment) -> None:
    with edge.client(None) as client:
        response = client.post("/users/register/", content=b"{bad")
    assert_problem(response, 400, "INVALID_JSON", "无效的JSON格式")


def test_register_by_get_is_405(edge: Deployment) -> None:
    with edge.client(None) as client:
        response = client.get("/users/register/")
    assert_problem(response, 405, "METHOD_NOT_ALLOWED", "仅支持POST请求")
    assert "POST" in response.headers["allow"]


def test_login_answers_tokens_and_sets_the_cookie(edge: Deployment) -> None:
    with edge.client(None) as client:
        response = client.post("/users/login/", json={"username": "alice", "password": "password123"})
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"token", "refresh_token", "expires_in", "user_id", "username", "msg"}
    assert answer["expires_in"] == 900
    assert answer["msg"] == "登录成功"
    cookie = response.headers["set-cookie"]
    assert cookie == f"plaza_session={answer['token']}; Path=/; Max-Age=900; HttpOnly; SameSite=Lax"


def test_cookie_is_secure_beyond_loopback(edge: Deployment) -> None:
    with edge.client(None, Host="plaza.example.com") as client:
        response = client.post("/users/login/", json={"username": "alice", "password": "password123"})
    assert response.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize(
    ("language", "error"),
    [("", "用户名或密码错误"), ("en-US,en;q=0.9", "Wrong username or password"), ("fr", "用户名或密码错误")],
)
def test_wrong_password_is_400_in_the_clients_language(edge: Deployment, language: str, error: str) -> None:
    def wrong(_: str) -> None:
        raise reason(InvalidArgument, "INVALID_CREDENTIALS")

    edge.fakes.fail = wrong
    with edge.client(None, **({"Accept-Language": language} if language else {})) as client:
        response = client.post("/users/login", json={"username": "alice", "password": "nope"})
    assert_problem(response, 400, "INVALID_CREDENTIALS", error)
    assert response.headers["content-language"] == ("en" if language.startswith("en") else "zh")


def test_401_wins_over_405(edge: Deployment) -> None:
    with edge.client(None) as client:
        missing = client.post("/users/profile/")
    with edge.client() as client:
        wrong_method = client.post("/users/profile/", json={})
    assert_problem(missing, 401, "TOKEN_MISSING", "未提供有效的JWT令牌")
    assert missing.headers["www-authenticate"] == "Bearer"
    assert_problem(wrong_method, 405, "METHOD_NOT_ALLOWED", "仅支持GET请求")


def test_changed_signature_is_refused(edge: Deployment) -> None:
    token = edge.issuer.token()
    changed = token[:-5] + ("A" if token[-5] != "A" else "B") + token[-4:]
    with edge.client(changed) as client:
        response = client.get("/users/profile/")
    assert_problem(response, 401, "TOKEN_INVALID", "JWT无效或已过期")
    assert response.headers["www-authenticate"] == "Bearer"


def test_profile_has_the_contracts_shape(edge: Deployment) -> None:
    edge.fakes.has_resume = False
    with edge.client() as client:
        response = client.get("/users/profile")
    answer = response.json()
    assert answer == {
        "success": True,
        "profile": {
            "id": 1,
            "username": "alice",
            "email": "",
            "first_name": "",
            "last_name": "",
            "phone": None,
            "avatar": None,
            "date_joined": "2025-07-12T13:10:33.123Z",
            "last_login": None,
            "resume": None,
        },
    }
    assert T_MS.fullmatch(answer["profile"]["date_joined"])
    assert "content-language" not in response.headers


def test_profile_update_sends_what_is_present(edge: Deployment) -> None:
    with edge.client() as client:
        empty = client.post("/users/profile/update/", json={})
        assert empty.json() == {"success": True, "msg": "个人信息更新成功"}
        client.post("/users/profile/update/", json={"phone": None, "first_name": "A", "unknown": 1})
        request = edge.fakes.last("UpdateProfile")
        assert list(request.update_mask.paths) == ["first_name", "phone"]
        assert not request.fields.HasField("phone")
        broken = client.post("/users/profile/update/", json={"email": None})
    document = assert_problem(broken, 400, "INVALID_REQUEST", "请求参数错误")
    assert document["errors"][0]["field"] == "email"
