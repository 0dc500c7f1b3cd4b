"""ResumeService: the order of checks, the four kinds of item."""

import asyncio
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from plaza.auth.v1 import profile_service_pb2, resume_pb2
from plaza.auth.v1 import resume_service_pb2 as pb
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.caller import Caller
from plaza_kit.errors import RemoteError, Violation

BASICS: dict[str, Any] = {
    "name": "张三",
    "age": 25,
    "graduation_date": "2024-06-01",
    "education_level": "本科",
    "expected_position": "软件工程师",
}
REQUIRED: dict[str, dict[str, Any]] = {
    "work": {"start_date": "2023-01-01", "company_name": "X", "work_content": "w"},
    "project": {"start_date": "2023-01-01", "project_name": "P", "project_role": "r", "project_content": "c"},
    "education": {"start_date": "2023-01-01", "school_name": "S", "education_level": "本科"},
    "custom": {"title": "证书", "content": "c"},
}
OPTIONAL: dict[str, dict[str, Any]] = {
    "work": {"end_date": "2024-01-01", "department": "d", "position": "p", "is_internship": True},
    "project": {"end_date": "2024-01-01", "project_link": "https://example.com/p"},
    "education": {"end_date": "2024-01-01", "major": "m", "school_experience": "e"},
    "custom": {},
}
KINDS = list(REQUIRED)
PARTS: dict[str, Any] = {
    "work": resume_pb2.WorkExperience,
    "project": resume_pb2.ProjectExperience,
    "education": resume_pb2.EducationExperience,
    "custom": resume_pb2.CustomSection,
}


def save(violations: Any = (), **values: Any) -> pb.SaveResumeRequest:
    return pb.SaveResumeRequest(fields=resume_pb2.ResumeFields(**values), violations=violations)


def item(kind: str, item_id: int = 0, **values: Any) -> resume_pb2.ResumeItem:
    return resume_pb2.ResumeItem(id=item_id, **{kind: PARTS[kind](**values)})


def create(kind: str, violations: Any = (), **values: Any) -> pb.CreateItemRequest:
    return pb.CreateItemRequest(item=item(kind, **values), violations=violations)


def update(kind: str, item_id: int, *nulls: str, violations: Any = (), **values: Any) -> pb.UpdateItemRequest:
    mask = FieldMask(paths=[*nulls, *values])
    return pb.UpdateItemRequest(item=item(kind, item_id, **values), update_mask=mask, violations=violations)


def delete(kind: str, item_id: int) -> pb.DeleteItemRequest:
    return pb.DeleteItemRequest(kind=resume_pb2.ItemKind.Value(f"ITEM_KIND_{kind.upper()}"), item_id=item_id)


async def resume(auth: Any, caller: Caller) -> Any:
    return await auth.call("GetResume", pb.GetResumeRequest(), caller)


async def add(auth: Any, caller: Caller, kind: str, **values: Any) -> int:
    response = await auth.call("CreateItem", create(kind, **(REQUIRED[kind] | values)), caller)
    return int(response.item.id)


@pytest.fixture
async def alice(auth: Any) -> Caller:
    """A user with a resume."""
    caller: Caller = await auth.signed_in("alice")
    await auth.call("SaveResume", save(**BASICS), caller)
    return caller


class TestBasics:
    async def test_without_a_resume_the_answer_is_empty(self, auth: Any) -> None:
        bob = await auth.signed_in("bob")

        assert await resume(auth, bob) == pb.GetResumeResponse()

    async def test_the_first_save_creates_and_the_next_changes(self, auth: Any) -> None:
        bob = await auth.signed_in("bob")
        created = await auth.call("SaveResume", save(**BASICS), bob)
        changed = await auth.call("SaveResume", save(age=26, name=""), bob)
        basics = (await resume(auth, bob)).basics

        assert (created.was_created, changed.was_created) == (True, False)
        assert created.resume_id == changed.resume_id == basics.id
        assert (basics.fields.name, basics.fields.age, basics.fields.graduation_date) == ("", 26, "2024-06-01")
        assert basics.updated_time.ToNanoseconds() > basics.created_time.ToNanoseconds()
        profile = await auth.call("GetProfile", profile_service_pb2.GetProfileRequest(), bob)
        assert profile.profile.resume == basics

    async def test_a_new_resume_needs_all_fields(self, auth: Any) -> None:
        bob = await auth.signed_in("bob")
        error = await auth.refused("SaveResume", save(name="n"), "RESUME_FIELDS_REQUIRED", bob)

        missing = ["age", "graduation_date", "education_level", "expected_position"]
        assert error.violations == [Violation(name, "REQUIRED") for name in missing]

    async def test_a_field_of_a_wrong_type_is_present(self, auth: Any) -> None:
        bob = await auth.signed_in("bob")
        others = {name: value for name, value in BASICS.items() if name != "age"}
        broken = [FieldViolation(field="age", code="WRONG_TYPE")]
        error = await auth.refused("SaveResume", save(broken, **others), "INVALID_REQUEST", bob)

        assert error.violations == [Violation("age", "WRONG_TYPE")]
        assert await resume(auth, bob) == pb.GetResumeResponse()

    @pytest.mark.parametrize(
        ("values", "violation"),
        [
            ({"name": "x" * 51}, Violation("name", "TOO_LONG", 50)),
            ({"age": -1}, Violation("age", "OUT_OF_RANGE")),
            ({"age": 151}, Violation("age", "OUT_OF_RANGE", 150)),
            ({"age": 2**62}, Violation("age", "OUT_OF_RANGE", 150)),
            ({"graduation_date": "2024-02-30"}, Violation("graduation_date", "BAD_FORMAT")),
            ({"graduation_date": "20240601"}, Violation("graduation_date", "BAD_FORMAT")),
            ({"graduation_date": ""}, Violation("graduation_date", "BAD_FORMAT")),
            ({"education_level": "x" * 51}, Violation("education_level", "TOO_LONG", 50)),
            ({"expected_position": "a\x00"}, Violation("expected_position", "BAD_FORMAT")),
        ],
    )
    async def test_broken_fields_change_nothing(
        self, auth: Any, alice: Caller, values: dict[str, Any], violation: Violation
    ) -> None:
        before = await resume(auth, alice)
        error = await auth.refused("SaveResume", save(**values), "INVALID_REQUEST", alice)

        assert error.violations == [violation]
        assert await resume(auth, alice) == before

    @pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
    async def test_any_day_of_the_calendar_is_kept(self, auth: Any, alice: Caller, day: str) -> None:
        await auth.call("SaveResume", save(graduation_date=day), alice)

        assert (await resume(auth, alice)).basics.fields.graduation_date == day

    async def test_of_racing_creations_one_creates(self, auth: Any) -> None:
        bob = await auth.signed_in("bob")
        responses = await asyncio.gather(*(auth.call("SaveResume", save(**BASICS), bob) for _ in range(4)))

        assert sorted(response.was_created for response in responses) == [False, False, False, True]
        assert len({response.resume_id for response in responses}) == 1


class TestItems:
    @pytest.mark.parametrize("kind", KINDS)
    async def test_an_item_is_created_with_defaults(self, auth: Any, alice: Caller, kind: str) -> None:
        response = await auth.call("CreateItem", create(kind, **REQUIRED[kind]), alice)
        expected = item(kind, response.item.id, **REQUIRED[kind])
        if kind == "work":
            expected.work.is_internship = False

        assert response.item == expected
        assert list((await resume(auth, alice)).items) == [expected]

    @pytest.mark.parametrize("kind", KINDS)
    async def test_an_item_keeps_all_its_fields(self, auth: Any, alice: Caller, kind: str) -> None:
        values = REQUIRED[kind] | OPTIONAL[kind]
        response = await auth.call("CreateItem", create(kind, **values), alice)

        assert response.item == item(kind, response.item.id, **values)

    @pytest.mark.parametrize("kind", KINDS)
    async def test_named_fields_change_and_named_nothing_is_null(self, auth: Any, alice: Caller, kind: str) -> None:
        item_id = await add(auth, alice, kind, **OPTIONAL[kind])
        nulls = [name for name in OPTIONAL[kind] if name != "is_internship"]
        first = next(name for name in REQUIRED[kind] if name != "start_date")
        response = await auth.call("UpdateItem", update(kind, item_id, *nulls, **{first: "changed"}), alice)
        expected = item(kind, item_id, **(REQUIRED[kind] | {first: "changed"}))
        if kind == "work":
            expected.work.is_internship = True

        assert response.item == expected

    @pytest.mark.parametrize("kind", KINDS)
    async def test_an_item_is_removed_once(self, auth: Any, alice: Caller, kind: str) -> None:
        item_id = await add(auth, alice, kind)
        await auth.call("DeleteItem", delete(kind, item_id), alice)

        assert list((await resume(auth, alice)).items) == []

    async def test_without_a_resume_nothing_else_is_looked_at(self, auth: Any) -> None:
        bob = await auth.signed_in("bob")

        await auth.refused("CreateItem", create("work"), "RESUME_NOT_FOUND", bob)
        await auth.refused("UpdateItem", update("work", 1, "nonsense"), "RESUME_NOT_FOUND", bob)
        await auth.refused("DeleteItem", delete("work", 1), "RESUME_NOT_FOUND", bob)

    async def test_an_unknown_item_is_reported_by_its_kind(self, auth: Any, alice: Caller) -> None:
        await auth.refused("UpdateItem", update("work", 7, "nonsense"), "WORK_EXPERIENCE_NOT_FOUND", alice)
        await auth.refused("UpdateItem", update("project", 7), "PROJECT_EXPERIENCE_NOT_FOUND", alice)
        await auth.refused("UpdateItem", update("education", 7), "EDUCATION_EXPERIENCE_NOT_FOUND", alice)
        await auth.refused("UpdateItem", update("custom", 7), "CUSTOM_SECTION_NOT_FOUND", alice)
        await auth.refused("DeleteItem", delete("work", 2**62), "WORK_EXPERIENCE_NOT_FOUND", alice)
        await auth.refused("DeleteItem", delete("project", 7), "PROJECT_EXPERIENCE_NOT_FOUND", alice)
        await auth.refused("DeleteItem", delete("education", 7), "EDUCATION_EXPERIENCE_NOT_FOUND", alice)
        await auth.refused("DeleteItem", delete("custom", -1), "CUSTOM_SECTION_NOT_FOUND", alice)

    async def test_another_users_item_does_not_exist(self, auth: Any, alice: Caller) -> None:
        item_id = await add(auth, alice, "work")
        bob = await auth.signed_in("bob")
        await auth.call("SaveResume", save(**BASICS), bob)

        await auth.refused("UpdateItem", update("work", item_id, position="x"), "WORK_EXPERIENCE_NOT_FOUND", bob)
        await auth.refused("DeleteItem", delete("work", item_id), "WORK_EXPERIENCE_NOT_FOUND", bob)
        assert len((await resume(auth, alice)).items) == 1

    async def test_absent_fields_come_before_broken_ones(self, auth: Any, alice: Caller) -> None:
        request = create("work", company_name="Z" * 101)
        error = await auth.refused("CreateItem", request, "MISSING_FIELDS", alice)
        assert error.violations == [Violation("start_date", "REQUIRED"), Violation("work_content", "REQUIRED")]

        reported = [FieldViolation(field="start_date", code="WRONG_TYPE")]
        request = create("work", reported, company_name="Z" * 101, work_content="w")
        error = await auth.refused("CreateItem", request, "INVALID_REQUEST", alice)
        assert error.violations == [Violation("start_date", "WRONG_TYPE"), Violation("company_name", "TOO_LONG", 100)]

    @pytest.mark.parametrize(
        ("kind", "values", "violation"),
        [
            ("work", {"end_date": "soon"}, Violation("end_date", "BAD_FORMAT")),
            ("work", {"start_date": ""}, Violation("start_date", "BAD_FORMAT")),
            ("work", {"work_content": "口" * 20_001}, Violation("work_content", "TOO_LONG", 20_000)),
            ("project", {"project_link": "ftp://example.com"}, Violation("project_link", "BAD_FORMAT")),
            ("project", {"project_link": "https://e.com/" + "a" * 200}, Violation("project_link", "TOO_LONG", 200)),
            ("education", {"major": "a\x00"}, Violation("major", "BAD_FORMAT")),
            ("custom", {"title": "x" * 101}, Violation("title", "TOO_LONG", 100)),
        ],
    )
    async def test_broken_fields_change_nothing(
        self, auth: Any, alice: Caller, kind: str, values: dict[str, Any], violation: Violation
    ) -> None:
        item_id = await add(auth, alice, kind)
        before = await resume(auth, alice)
        for method, request in (
            ("CreateItem", create(kind, **(REQUIRED[kind] | values))),
            ("UpdateItem", update(kind, item_id, **values)),
        ):
            error = await auth.refused(method, request, "INVALID_REQUEST", alice)
            assert error.violations == [violation]
        assert await resume(auth, alice) == before

    async def test_a_mask_may_name_fields_of_the_kind_only(self, auth: Any, alice: Caller) -> None:
        item_id = await add(auth, alice, "custom")
        request = update("custom", item_id, "company_name", "title")
        error = await auth.refused("UpdateItem", request, "INVALID_REQUEST", alice)

        assert error.violations == [Violation("title", "WRONG_TYPE"), Violation("company_name", "NOT_ALLOWED")]

    async def test_an_item_without_a_kind_is_refused(self, auth: Any, alice: Caller) -> None:
        await auth.refused("CreateItem", pb.CreateItemRequest(), "INVALID_REQUEST", alice)
        await auth.refused("UpdateItem", pb.UpdateItemRequest(), "INVALID_REQUEST", alice)
        await auth.refused("DeleteItem", pb.DeleteItemRequest(item_id=1), "INVALID_REQUEST", alice)

    async def test_an_empty_end_or_link_is_null(self, auth: Any, alice: Caller) -> None:
        created = await auth.call(
            "CreateItem", create("project", **REQUIRED["project"], end_date="", project_link=""), alice
        )

        assert not created.item.project.HasField("end_date")
        assert not created.item.project.HasField("project_link")

    async def test_long_text_outside_the_basic_plane_is_kept(self, auth: Any, alice: Caller) -> None:
        item_id = await add(auth, alice, "work", work_content="𠮷" * 20_000)
        [found] = (await resume(auth, alice)).items

        assert (found.id, found.work.work_content) == (item_id, "𠮷" * 20_000)

    async def test_the_order_is_newest_first_but_sections_as_created(self, auth: Any, alice: Caller) -> None:
        first = await add(auth, alice, "work", start_date="2023-01-01")
        second = await add(auth, alice, "work", start_date="2024-01-01")
        third = await add(auth, alice, "work", start_date="2023-01-01")
        sections = [await add(auth, alice, "custom") for _ in range(2)]
        items = (await resume(auth, alice)).items

        assert [found.id for found in items if found.HasField("work")] == [second, third, first]
        assert [found.id for found in items if found.HasField("custom")] == sections

    async def test_every_change_of_an_item_changes_the_time_of_the_resume(self, auth: Any, alice: Caller) -> None:
        times = [(await resume(auth, alice)).basics.updated_time.ToNanoseconds()]
        item_id = await add(auth, alice, "custom")
        for method, request in (
            ("UpdateItem", update("custom", item_id, title="t")),
            ("DeleteItem", delete("custom", item_id)),
        ):
            times.append((await resume(auth, alice)).basics.updated_time.ToNanoseconds())
            await auth.call(method, request, alice)
        times.append((await resume(auth, alice)).basics.updated_time.ToNanoseconds())

        assert times == sorted(set(times))

    async def test_a_kind_has_at_most_a_hundred_items(self, auth: Any, alice: Caller) -> None:
        for _ in range(98):
            await add(auth, alice, "custom")
        outcomes = await asyncio.gather(*(add(auth, alice, "custom") for _ in range(5)), return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, RemoteError)]

        assert len(refused) == 3
        assert refused[0].violations == [Violation("items", "OUT_OF_RANGE", 100)]
        assert len((await resume(auth, alice)).items) == 100
        await add(auth, alice, "work")
