"""Golden rows 13 to 23 of the legacy contract, against fake services."""

import re
from typing import Any

import pytest
from gateway_support.checks import assert_problem
from gateway_support.deployment import Deployment

T_US = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
WORK = {"start_date": "2023-01-01", "company_name": "X", "work_content": "w"}
KINDS = {
    "work": ("work_experience", "工作经历", "Work experience", WORK),
    "project": (
        "project_experience",
        "项目经历",
        "Project experience",
        {"start_date": "2023-06-01", "project_name": "B", "project_role": "dev", "project_content": "c"},
    ),
    "education": (
        "education_experience",
        "教育经历",
        "Education experience",
        {"start_date": "2020-09-01", "school_name": "C", "education_level": "本科"},
    ),
    "custom": ("custom_section", "自定义部分", "Custom section", {"title": "证书", "content": "CET-6"}),
}


def test_no_resume_is_no_error(edge: Deployment) -> None:
    edge.fakes.has_resume = False
    with edge.client() as client:
        response = client.get("/users/resume/")
    assert response.status_code == 200
    assert response.json() == {"success": True, "resume": None, "msg": "简历不存在"}
    assert response.headers["content-language"] == "zh"


def test_resume_has_the_contracts_shape(edge: Deployment) -> None:
    with edge.client() as client:
        answer = client.get("/users/resume").json()
    assert set(answer) == {"success", "resume"}
    resume = answer["resume"]
    assert T_US.fullmatch(resume["created_at"])
    assert resume["work_experiences"] == [
        {
            "id": 1,
            "start_date": "2023-01-01",
            "end_date": None,
            "company_name": "X",
            "department": None,
            "position": None,
            "work_content": "w",
            "is_internship": False,
        }
    ]
    assert set(resume["project_experiences"][0]) == {
        "id", "start_date", "end_date", "project_name", "project_role", "project_link", "project_content"
    }  # fmt: skip
    assert set(resume["education_experiences"][0]) == {
        "id", "start_date", "end_date", "school_name", "education_level", "major", "school_experience"
    }  # fmt: skip
    assert resume["custom_sections"] == [{"id": 1, "title": "证书", "content": "CET-6"}]


def test_creating_a_resume_needs_all_fields(edge: Deployment) -> None:
    edge.fakes.has_resume = False
    with edge.client() as client:
        response = client.post("/users/resume/create/", json={"name": "n"})
    document = assert_problem(response, 400, "RESUME_FIELDS_REQUIRED")
    assert document["error"].startswith("创建简历时需要提供所有必填字段：name")
    assert [item["field"] for item in document["errors"]] == [
        "age", "graduation_date", "education_level", "expected_position"
    ]  # fmt: skip


def test_resume_is_created_then_updated(edge: Deployment) -> None:
    fields = {
        "name": "n", "age": 25, "graduation_date": "2024-06-01", "education_level": "本科", "expected_position": "p"
    }  # fmt: skip
    with edge.client() as client:
        edge.fakes.has_resume = False
        created = client.post("/users/resume/create/", json=fields)
        edge.fakes.has_resume = True
        updated = client.post("/users/resume/create", json={"age": "26"})
    assert created.json() == {"success": True, "msg": "简历创建成功", "resume_id": 7}
    assert updated.json() == {"success": True, "msg": "简历更新成功", "resume_id": 7}
    assert edge.fakes.last("SaveResume").fields.age == 26


@pytest.mark.parametrize("kind", KINDS)
def test_item_is_created_with_and_without_action(edge: Deployment, kind: str) -> None:
    key, chinese, english, fields = KINDS[kind]
    with edge.client() as client:
        named = client.post(f"/users/resume/{kind}/", json={"action": "create", "id": "nonsense", **fields})
        unnamed = client.post(f"/users/resume/{kind}", json=fields, headers={"Accept-Language": "en"})
    answer = named.json()
    assert set(answer) == {"success", "msg", f"{key}_id", key}
    assert answer["msg"] == f"{chinese}创建成功"
    assert answer[f"{key}_id"] == answer[key]["id"] == 2
    assert unnamed.json()["msg"] == f"{english} created"
    assert unnamed.headers["content-language"] == "en"


@pytest.mark.parametrize("kind", KINDS)
def test_item_is_updated_by_either_id(edge: Deployment, kind: str) -> None:
    key, chinese, _, fields = KINDS[kind]
    name = next(iter(fields))
    with edge.client() as client:
        by_kind = client.post(f"/users/resume/{kind}/", json={f"{kind}_id": 1, name: fields[name]})
        by_id = client.post(f"/users/resume/{kind}/", json={"action": "update", "id": "1"})
    assert by_kind.json()["msg"] == by_id.json()["msg"] == f"{chinese}更新成功"
    assert by_kind.json()[f"{key}_id"] == 1
    assert list(edge.fakes.last("UpdateItem").update_mask.paths) == []
    assert edge.fakes.last("UpdateItem").item.WhichOneof("fields") == kind


@pytest.mark.parametrize("kind", KINDS)
def test_item_is_deleted_in_every_form(edge: Deployment, kind: str) -> None:
    chinese = KINDS[kind][1]
    base = f"/users/resume/{kind}/"
    with edge.client() as client:
        answers = [
            client.post(base, json={"action": "delete", "id": 1}),
            client.request("DELETE", base + "delete/", json={f"{kind}_id": 1}),
            client.post(base + "delete", json={f"{kind}_id": "1"}),
            client.delete(base + f"delete/?{kind}_id=1"),
        ]
    for answer in answers:
        assert answer.json() == {"success": True, "msg": f"{chinese}删除成功"}


@pytest.mark.parametrize(
    ("body", "code", "error", "fields"),
    [
        ({"action": "zzz"}, "INVALID_ACTION", "无效的操作", None),
        ({"action": 0, "work_id": 1}, "INVALID_ACTION", "无效的操作", None),
        ({"action": ["create"]}, "INVALID_ACTION", "无效的操作", None),
        ({"action": "update"}, "ITEM_ID_REQUIRED", "缺少work_id参数", ["work_id"]),
        ({"action": "delete", "work_id": None}, "ITEM_ID_REQUIRED", "缺少work_id参数", ["work_id"]),
        ({"company_name": "Z"}, "MISSING_FIELDS", "缺少必要参数", ["start_date", "work_content"]),
        ({"work_id": 1, "id": 2}, "INVALID_REQUEST", "请求参数错误", ["id"]),
        ({"work_id": True}, "INVALID_REQUEST", "请求参数错误", ["work_id"]),
        ({"work_id": 1, "is_internship": 2}, "INVALID_REQUEST", "请求参数错误", ["is_internship"]),
    ],
)
def test_broken_item_requests(
    edge: Deployment, body: dict[str, Any], code: str, error: str, fields: list[str] | None
) -> None:
    with edge.client() as client:
        response = client.post("/users/resume/work/", json=body)
    document = assert_problem(response, 400, code, error)
    assert [item["field"] for item in document.get("errors", [])] == (fields or [])


@pytest.mark.parametrize("item_id", [2, 0, -1, 2**63, 10**40, "9" * 30])
def test_foreign_and_impossible_ids_are_not_found(edge: Deployment, item_id: int | str) -> None:
    with edge.client() as client:
        response = client.post("/users/resume/work/", json={"work_id": item_id})
    assert_problem(response, 404, "WORK_EXPERIENCE_NOT_FOUND", "工作经历不存在")


def test_item_needs_a_resume(edge: Deployment) -> None:
    edge.fakes.has_resume = False
    with edge.client() as client:
        response = client.post("/users/resume/work/", json=WORK)
    assert_problem(response, 404, "RESUME_NOT_FOUND", "简历不存在")


def test_delete_without_id_names_the_parameter(edge: Deployment) -> None:
    with edge.client() as client:
        in_body = client.request("DELETE", "/users/resume/custom/delete", json={})
        nowhere = client.delete("/users/resume/custom/delete/", headers={"Accept-Language": "en"})
    assert_problem(in_body, 400, "ITEM_ID_REQUIRED", "缺少custom_id参数")
    assert_problem(nowhere, 400, "ITEM_ID_REQUIRED", "Missing parameter custom_id")


def test_delete_by_get_is_405_with_both_methods(edge: Deployment) -> None:
    with edge.client() as client:
        response = client.get("/users/resume/work/delete/")
    assert_problem(response, 405, "METHOD_NOT_ALLOWED", "仅支持POST或DELETE请求")
    assert response.headers["allow"] == "POST, DELETE, OPTIONS"


def test_empty_text_is_null_where_the_contract_says_so(edge: Deployment) -> None:
    with edge.client() as client:
        response = client.post("/users/resume/work/", json={"work_id": 1, "end_date": "", "department": None})
    assert response.status_code == 200
    request = edge.fakes.last("UpdateItem")
    assert list(request.update_mask.paths) == ["end_date", "department"]
    assert not request.item.work.HasField("end_date")
