"""CategoryService: rights by role, one level, and no loss."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy import insert, update

from forum import models
from forum.main import Service
from forum.ranks import ADMIN, ANYONE, MODERATOR, USER
from plaza.forum.v1 import category_service_pb2 as pb
from plaza.forum.v1.forum_events_pb2 import CategoryChanged
from plaza.types.v1.field_violation_pb2 import FieldViolation
from plaza_kit.errors import Violation
from plaza_kit.testing.polling import eventually


def create(violations: Any = (), **fields: Any) -> pb.CreateCategoryRequest:
    values = {"name": "Garden", "slug": "garden"} | fields
    given = {name: value for name, value in values.items() if value is not None}
    return pb.CreateCategoryRequest(fields=pb.CategoryFields(**given), violations=violations)


def change(category_id: int, *nulls: str, violations: Any = (), **fields: Any) -> pb.UpdateCategoryRequest:
    mask = FieldMask(paths=[*nulls, *fields])
    return pb.UpdateCategoryRequest(
        category_id=category_id, fields=pb.CategoryFields(**fields), update_mask=mask, violations=violations
    )


def get(category_id: int) -> pb.GetCategoryRequest:
    return pb.GetCategoryRequest(category_id=category_id)


def delete(category_id: int) -> pb.DeleteCategoryRequest:
    return pb.DeleteCategoryRequest(category_id=category_id)


async def slugs(forum: Any, caller: Any = None) -> list[str]:
    response = await forum.call("ListCategories", pb.ListCategoriesRequest(), caller)
    return [category.slug for category in response.categories]


async def audited(forum: Any) -> list[tuple[Any, ...]]:
    entries = models.audit_entries.c
    async with forum.service.foundation.database.read() as connection:
        rows = await connection.execute(
            models.audit_entries.select()
            .with_only_columns(entries.actor_id, entries.action, entries.target_kind, entries.target_id, entries.detail)
            .order_by(entries.id)
        )
        return [tuple(row) for row in rows]


async def add_row(forum: Any, table: Any, **values: Any) -> None:
    async def work(connection: Any) -> None:
        await connection.execute(insert(table).values(values))

    await forum.service.foundation.database.write(work)


class TestCreate:
    async def test_a_new_category_has_what_was_given_and_defaults(self, forum: Any) -> None:
        made = (await forum.call("CreateCategory", create(), forum.admin())).category
        again = (await forum.call("GetCategory", get(made.id))).category

        assert again == made
        assert (made.name, made.slug, made.description, made.parent_id) == ("Garden", "garden", "", 0)
        assert (made.read_role, made.write_role, made.position, made.post_count) == ("anyone", "user", 0, 0)
        assert made.created_time.ToDatetime(UTC) <= forum.clock()

    async def test_is_announced_and_written_down(self, forum: Any) -> None:
        root = forum.admin()
        made = (await forum.call("CreateCategory", create(), root)).category

        assert await forum.events(CategoryChanged) == [CategoryChanged(category_id=made.id, actor_id=root.user_id)]
        assert await audited(forum) == [(root.user_id, "category.create", 3, made.id, "")]

    @pytest.mark.parametrize("who", ["user", "moderator"])
    async def test_is_for_admins(self, forum: Any, who: str) -> None:
        await forum.refused("CreateCategory", create(), "PERMISSION_DENIED", getattr(forum, who)("somebody"))

        assert await slugs(forum) == ["general"]

    @pytest.mark.parametrize(
        ("fields", "violation"),
        [
            ({"name": None}, Violation("name", "REQUIRED")),
            ({"name": ""}, Violation("name", "BLANK", 1)),
            ({"name": "x" * 81}, Violation("name", "TOO_LONG", 80)),
            ({"slug": None}, Violation("slug", "REQUIRED")),
            ({"slug": ""}, Violation("slug", "BLANK", 1)),
            ({"slug": "Garden"}, Violation("slug", "BAD_FORMAT")),
            ({"slug": "-garden"}, Violation("slug", "BAD_FORMAT")),
            ({"slug": "a--b"}, Violation("slug", "BAD_FORMAT")),
            ({"slug": "garden\n"}, Violation("slug", "BAD_FORMAT")),
            ({"slug": "花园"}, Violation("slug", "BAD_FORMAT")),
            ({"slug": "x" * 81}, Violation("slug", "TOO_LONG", 80)),
            ({"description": "x" * 1001}, Violation("description", "TOO_LONG", 1000)),
            ({"parent_id": -1}, Violation("parent_id", "OUT_OF_RANGE")),
            ({"read_role": "everyone"}, Violation("read_role", "NOT_ALLOWED")),
            ({"write_role": "anyone"}, Violation("write_role", "NOT_ALLOWED")),
            ({"position": 100_001}, Violation("position", "OUT_OF_RANGE", 100_000)),
        ],
    )
    async def test_broken_fields_are_named(self, forum: Any, fields: Any, violation: Violation) -> None:
        error = await forum.refused("CreateCategory", create(**fields), "INVALID_REQUEST", forum.admin())

        assert error.violations == [violation]

    async def test_all_violations_come_in_one_answer_in_the_order_of_the_fields(self, forum: Any) -> None:
        broken = [FieldViolation(field="position", code="WRONG_TYPE")]
        request = create(broken, name=None, slug="No", read_role="x")
        error = await forum.refused("CreateCategory", request, "INVALID_REQUEST", forum.admin())

        assert error.violations == [
            Violation("name", "REQUIRED"),
            Violation("slug", "BAD_FORMAT"),
            Violation("read_role", "NOT_ALLOWED"),
            Violation("position", "WRONG_TYPE"),
        ]

    async def test_a_slug_is_one_category_s(self, forum: Any) -> None:
        await forum.refused("CreateCategory", create(slug="general"), "CATEGORY_SLUG_TAKEN", forum.admin())

        assert await slugs(forum) == ["general"]

    async def test_two_at_once_with_one_slug_make_one(self, forum: Any) -> None:
        calls = [forum.call("CreateCategory", create(name=f"n{n}"), forum.admin()) for n in range(5)]
        results = await asyncio.gather(*calls, return_exceptions=True)

        reasons = sorted(getattr(result, "reason", "made") for result in results)
        assert reasons == [*["CATEGORY_SLUG_TAKEN"] * 4, "made"]
        assert await slugs(forum) == ["general", "garden"]

    async def test_categories_nest_one_level(self, forum: Any) -> None:
        child = await forum.category(parent_id=1)
        await forum.refused("CreateCategory", create(parent_id=child), "CATEGORY_TOO_DEEP", forum.admin())
        await forum.refused("CreateCategory", create(parent_id=999), "CATEGORY_NOT_FOUND", forum.admin())

        assert (await forum.call("GetCategory", get(child))).category.parent_id == 1

    async def test_there_are_at_most_500(self, forum: Any) -> None:
        row = {"description": "", "read_rank": 0, "write_rank": 1, "position": 0, "post_count": 0, "change_count": 0}
        rows = [
            row | {"name": f"c{n}", "slug": f"c{n}", "created_time": datetime(2026, 1, 1, tzinfo=UTC)}
            for n in range(498)
        ]

        async def work(connection: Any) -> None:
            await connection.execute(insert(models.categories), rows)

        await forum.service.foundation.database.write(work)
        await forum.call("CreateCategory", create(slug="the-last"), forum.admin())
        error = await forum.refused("CreateCategory", create(slug="too-many"), "LIMIT_REACHED", forum.admin())

        assert error.metadata == {"limit": "500"}
        assert len(await slugs(forum)) == 500

    async def test_a_repeated_request_makes_one(self, forum: Any) -> None:
        root = forum.admin()._replace(idempotency_key="the-same-key")
        first = await forum.call("CreateCategory", create(), root)
        second = await forum.call("CreateCategory", create(), root)

        assert first == second
        assert await slugs(forum) == ["general", "garden"]


class TestUpdate:
    async def test_changes_what_the_mask_names_and_nothing_else(self, forum: Any) -> None:
        made = (await forum.call("CreateCategory", create(description="d", position=3), forum.admin())).category
        changed = (await forum.call("UpdateCategory", change(made.id, name="Yard"), forum.admin())).category
        made.name = "Yard"

        assert changed == made
        assert (await forum.call("GetCategory", get(made.id))).category == made

    async def test_a_null_parent_lifts_it_to_the_top(self, forum: Any) -> None:
        child = await forum.category(parent_id=1)
        changed = await forum.call("UpdateCategory", change(child, "parent_id"), forum.admin())

        assert changed.category.parent_id == 0

    async def test_only_a_change_is_announced(self, forum: Any) -> None:
        root, garden = forum.admin(), await forum.category(name="Garden", slug="garden")
        await forum.call("UpdateCategory", change(garden, name="Garden", slug="garden"), root)
        await forum.call("UpdateCategory", change(garden, slug="yard", name="Yard"), root)

        events = await forum.events(CategoryChanged)
        assert events == [CategoryChanged(category_id=garden, actor_id=root.user_id)] * 2
        assert (await audited(forum))[1:] == [(root.user_id, "category.update", 3, garden, "name slug")]

    async def test_reasons(self, forum: Any) -> None:
        root, garden, other = forum.admin(), await forum.category(slug="garden"), await forum.category()
        child = await forum.category(parent_id=garden)

        async def refused(reason: str, request: Any) -> Any:
            return (await forum.refused("UpdateCategory", request, reason, root)).violations

        await refused("CATEGORY_NOT_FOUND", change(999, name="n"))
        await refused("CATEGORY_NOT_FOUND", change(999, name=""))  # what is not there has no broken fields
        await refused("CATEGORY_NOT_FOUND", change(garden, parent_id=999))
        await refused("CATEGORY_TOO_DEEP", change(garden, parent_id=other))
        await refused("CATEGORY_TOO_DEEP", change(other, parent_id=other))
        await refused("CATEGORY_TOO_DEEP", change(other, parent_id=child))
        await refused("CATEGORY_SLUG_TAKEN", change(other, slug="garden"))
        assert await refused("INVALID_REQUEST", change(other, slug="A")) == [Violation("slug", "BAD_FORMAT")]
        assert await refused("INVALID_REQUEST", change(other, "name")) == [Violation("name", "WRONG_TYPE")]
        assert await refused("INVALID_REQUEST", change(other, "id")) == [Violation("id", "NOT_ALLOWED")]

    async def test_is_for_admins(self, forum: Any) -> None:
        await forum.refused("UpdateCategory", change(1, name="n"), "PERMISSION_DENIED", forum.moderator())

        assert (await forum.call("GetCategory", get(1))).category.name == "General"


class TestDelete:
    async def test_an_empty_one_goes(self, forum: Any) -> None:
        root, garden = forum.admin(), await forum.category(slug="garden")
        await forum.call("DeleteCategory", delete(garden), root)

        await forum.refused("GetCategory", get(garden), "CATEGORY_NOT_FOUND")
        await forum.refused("DeleteCategory", delete(garden), "CATEGORY_NOT_FOUND", root)
        last = (await forum.events(CategoryChanged))[-1]
        assert last == CategoryChanged(category_id=garden, actor_id=root.user_id, is_deleted=True)
        assert (await audited(forum))[-1] == (root.user_id, "category.delete", 3, garden, "garden")

    async def test_the_default_one_stays(self, forum: Any) -> None:
        await forum.refused("DeleteCategory", delete(1), "CATEGORY_NOT_EMPTY", forum.admin())

        assert await slugs(forum) == ["general"]

    async def test_one_with_categories_below_it_stays_until_they_are_gone(self, forum: Any) -> None:
        garden = await forum.category()
        child = await forum.category(parent_id=garden)
        await forum.refused("DeleteCategory", delete(garden), "CATEGORY_NOT_EMPTY", forum.admin())
        await forum.call("DeleteCategory", delete(child), forum.admin())
        await forum.call("DeleteCategory", delete(garden), forum.admin())

        assert await slugs(forum) == ["general"]

    @pytest.mark.parametrize("status", [1, 2, 3, 4])
    async def test_one_with_posts_of_any_status_stays(self, forum: Any, status: int) -> None:
        garden, now = await forum.category(), forum.clock()
        texts = {"title": "t", "content": "c", "content_html": "", "content_hash": b"0" * 16, "excerpt": ""}
        times = {"created_time": now, "updated_time": now, "last_activity_time": now}
        numbers = dict.fromkeys(("reply_seq", "reply_count", "up_count", "down_count", "score", "pin_scope"), 0)
        flags = {"is_locked": False, "is_featured": False, "status": status, "version": 1}
        row = {"author_id": forum.admin().user_id, "category_id": garden} | texts | times | numbers | flags
        await add_row(forum, models.posts, **row)
        await forum.refused("DeleteCategory", delete(garden), "CATEGORY_NOT_EMPTY", forum.admin())

        assert (await forum.call("GetCategory", get(garden))).category.id == garden

    async def test_is_for_admins(self, forum: Any) -> None:
        garden = await forum.category()

        await forum.refused("DeleteCategory", delete(garden), "PERMISSION_DENIED", forum.moderator())


class TestRights:
    async def test_what_one_may_not_read_does_not_exist(self, forum: Any) -> None:
        ids = {role: await forum.category(slug=role, read_role=role) for role in ("user", "moderator", "admin")}
        callers = {"anyone": None, "user": forum.user("ann"), "moderator": forum.moderator(), "admin": forum.admin()}
        seen = {role: await slugs(forum, caller) for role, caller in callers.items()}

        assert seen == {
            "anyone": ["general"],
            "user": ["general", "user"],
            "moderator": ["general", "user", "moderator"],
            "admin": ["general", "user", "moderator", "admin"],
        }
        await forum.refused("GetCategory", get(ids["user"]), "CATEGORY_NOT_FOUND")
        await forum.refused("GetCategory", get(ids["admin"]), "CATEGORY_NOT_FOUND", callers["moderator"])

    async def test_a_parent_caps_what_is_below_it(self, forum: Any) -> None:
        parent = await forum.category(read_role="moderator", write_role="admin")
        child = await forum.category(parent_id=parent, read_role="anyone", write_role="user")
        await forum.refused("GetCategory", get(child), "CATEGORY_NOT_FOUND", forum.user("ann"))

        seen = (await forum.call("GetCategory", get(child), forum.moderator())).category
        assert (seen.read_role, seen.write_role) == ("moderator", "admin")

    async def test_nobody_writes_where_they_may_not_read(self, forum: Any) -> None:
        hidden = await forum.category(read_role="moderator", write_role="user")
        categories = await forum.service.categories.current()

        writers = [categories.may_write(hidden, rank) for rank in (ANYONE, USER, MODERATOR, ADMIN)]
        assert writers == [False, False, True, True]

    async def test_parents_come_before_children_and_both_by_position(self, forum: Any) -> None:
        late = await forum.category(slug="late", position=2)
        await forum.category(slug="early", position=1)
        await forum.category(slug="late-b", position=1, parent_id=late)
        await forum.category(slug="late-a", position=0, parent_id=late)

        assert await slugs(forum) == ["general", "early", "late", "late-a", "late-b"]

    async def test_a_change_counts_at_once_in_its_own_process(self, forum: Any) -> None:
        garden = await forum.category()
        before = (await forum.service.categories.current()).may_read(garden, ANYONE)
        await forum.call("UpdateCategory", change(garden, read_role="admin"), forum.admin())
        after = (await forum.service.categories.current()).may_read(garden, ANYONE)
        await forum.call("DeleteCategory", delete(garden), forum.admin())
        at_last = (await forum.service.categories.current()).may_read(garden, ADMIN)

        assert (before, after, at_last) == (True, False, False)

    async def test_a_change_counts_within_a_second_in_another_process(self, forum: Any, make_settings: Any) -> None:
        garden = await forum.category()
        other = Service(make_settings())
        try:
            seen = (await other.categories.current()).may_read(garden, ANYONE)
            await forum.call("UpdateCategory", change(garden, read_role="admin"), forum.admin())

            async def is_hidden() -> bool:
                return not (await other.categories.current()).may_read(garden, ANYONE)

            assert seen
            assert await eventually(is_hidden, 1.5)
        finally:
            await other.close()


class TestBanned:
    async def test_a_banned_admin_changes_nothing(self, forum: Any) -> None:
        root, garden = forum.admin(), await forum.category()

        async def ban(connection: Any) -> None:
            await connection.execute(update(models.users).values(is_banned=True))

        await forum.service.foundation.database.write(ban)

        await forum.refused("CreateCategory", create(), "USER_BANNED", root)
        await forum.refused("UpdateCategory", change(garden, name="n"), "USER_BANNED", root)
        await forum.refused("DeleteCategory", delete(garden), "USER_BANNED", root)


async def test_a_post_counts_itself_only_where_there_is_a_category(forum: Any) -> None:
    garden, categories = await forum.category(), forum.service.foundation.repositories.categories

    async def count(connection: Any) -> None:
        await categories.count_posts(connection, garden, by=2, is_change=False)
        await categories.count_posts(connection, garden, by=-1, is_change=True)
        await categories.count_posts(connection, garden, by=0, is_change=False)

    await forum.service.foundation.database.write(count)
    await forum.call("DeleteCategory", delete(await forum.category()), forum.admin())

    async def count_nowhere(connection: Any) -> None:
        await categories.count_posts(connection, garden + 1, by=0, is_change=False)

    row = (await forum.service.categories.current()).get(garden)
    assert (row.post_count, row.change_count) == (1, 1)
    with pytest.raises(Exception, match="CATEGORY_NOT_FOUND"):
        await forum.service.foundation.database.write(count_nowhere)
