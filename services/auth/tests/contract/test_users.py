"""UserService: look-ups, bans, roles."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from plaza.auth.v1 import account_service_pb2, auth_events_pb2, auth_service_pb2, user_pb2
from plaza.auth.v1 import user_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.errors import RemoteError, Violation

SERVICE = Caller(request_id="service-1", issuer="gateway")


async def user(auth: Any, user_id: int) -> Any:
    return (await auth.call("GetUser", pb.GetUserRequest(user_id=user_id))).user


async def batch(auth: Any, *user_ids: int, usernames: Any = ()) -> list[int]:
    request = pb.BatchGetUsersRequest(user_ids=user_ids, usernames=usernames)
    return [found.id for found in (await auth.call("BatchGetUsers", request, SERVICE)).users]


def ban(user_id: int, reason: str | None = "spam", until: str | None = None) -> pb.BanUserRequest:
    return pb.BanUserRequest(user_id=user_id, reason=reason, until=until)


def role(user_id: int, name: str | None) -> pb.SetRoleRequest:
    return pb.SetRoleRequest(user_id=user_id, role=name)


async def staff(auth: Any, username: str, name: str) -> Caller:
    """Return a signed-in user who has a role in the database too."""
    user_id = await auth.register(username)

    async def work(connection: Any) -> None:
        await auth.service.users.change_role(connection, user_id, name)

    await auth.service.foundation.database.write(work)
    caller: Caller = await auth.session(username)
    assert caller.roles == frozenset({name})
    return caller


class TestLookUp:
    async def test_an_unknown_user_is_not_found(self, auth: Any) -> None:
        await auth.refused("GetUser", pb.GetUserRequest(user_id=7), "USER_NOT_FOUND")
        await auth.refused("GetUser", pb.GetUserRequest(user_id=-(2**63)), "USER_NOT_FOUND")

    async def test_a_batch_is_by_id_each_once_without_the_unknown(self, auth: Any) -> None:
        first, second, third = [await auth.register(name) for name in ("alice", "Bob", "carol")]

        assert await batch(auth, third, first, 999, third, usernames=["BOB", "alice", "nobody"]) == [
            first,
            second,
            third,
        ]
        assert await batch(auth) == []

    async def test_a_batch_has_at_most_500_keys(self, auth: Any) -> None:
        assert await batch(auth, *range(10_000, 10_500)) == []
        request = pb.BatchGetUsersRequest(user_ids=range(500), usernames=["a"])
        error = await auth.refused("BatchGetUsers", request, "INVALID_REQUEST", SERVICE)

        assert error.violations == [Violation("user_ids", "TOO_LONG", 500)]

    async def test_a_batch_is_for_services(self, auth: Any) -> None:
        alice = await auth.signed_in("alice", "admin")

        await auth.refused("BatchGetUsers", pb.BatchGetUsersRequest(), "PERMISSION_DENIED", alice)


class TestList:
    async def test_pages_are_by_id(self, auth: Any) -> None:
        ids = [await auth.register(f"user{number}") for number in range(5)]
        moderator = Caller(user_id=ids[0], roles=frozenset({"moderator"}), request_id="test-request")
        found: list[int] = []
        token = ""
        while True:
            page = await auth.call("ListUsers", pb.ListUsersRequest(page_size=2, page_token=token), moderator)
            found += [managed.user.id for managed in page.users]
            token = page.next_page_token
            if not token:
                break

        assert found == ids

    async def test_names_are_filtered_by_their_normalised_beginning(self, auth: Any) -> None:
        for name in ("Ann", "anna", "Bob", "ÄNN", "甲乙", "甲"):
            await auth.register(name)
        moderator = Caller(user_id=1, roles=frozenset({"moderator"}), request_id="test-request")

        async def names(prefix: str) -> list[str]:
            page = await auth.call("ListUsers", pb.ListUsersRequest(username_prefix=prefix), moderator)
            return [managed.user.username for managed in page.users]

        assert await names("AN") == ["Ann", "anna"]
        assert await names("甲") == ["甲乙", "甲"]
        assert await names("%") == []

    async def test_a_token_is_good_for_its_list_only(self, auth: Any) -> None:
        for number in range(3):
            await auth.register(f"user{number}")
        moderator = Caller(user_id=1, roles=frozenset({"moderator"}), request_id="test-request")
        page = await auth.call("ListUsers", pb.ListUsersRequest(page_size=1, username_prefix="user"), moderator)
        request = pb.ListUsersRequest(page_token=page.next_page_token, username_prefix="u")

        await auth.refused("ListUsers", request, "PAGE_TOKEN_INVALID", moderator)

    async def test_page_sizes_are_cut_and_negative_ones_refused(self, auth: Any) -> None:
        moderator = Caller(user_id=1, roles=frozenset({"moderator"}), request_id="test-request")
        await auth.register("alice")
        page = await auth.call("ListUsers", pb.ListUsersRequest(page_size=2**31 - 1), moderator)
        assert len(page.users) == 1

        await auth.refused("ListUsers", pb.ListUsersRequest(page_size=-1), "INVALID_REQUEST", moderator)
        long_prefix = pb.ListUsersRequest(username_prefix="x" * 151)
        await auth.refused("ListUsers", long_prefix, "INVALID_REQUEST", moderator)

    async def test_it_is_for_moderators(self, auth: Any) -> None:
        alice = await auth.signed_in("alice")

        await auth.refused("ListUsers", pb.ListUsersRequest(), "PERMISSION_DENIED", alice)


class TestBan:
    async def test_a_banned_user_is_out(self, auth: Any) -> None:
        alice = await auth.signed_in("alice")
        moderator = await staff(auth, "mod", "moderator")
        banned = (await auth.call("BanUser", ban(alice.user_id), moderator)).user

        assert (banned.user.is_banned, banned.ban_reason, banned.HasField("ban_until_time")) == (True, "spam", False)
        assert (await user(auth, alice.user_id)).is_banned
        login = auth_service_pb2.LoginRequest(username="alice", password="password123")
        await auth.refused("Login", login, "INVALID_CREDENTIALS")
        [event] = await auth.events(auth_events_pb2.UserBanned)
        assert (event.user_id, event.reason, event.HasField("until_time")) == (alice.user_id, "spam", False)
        revoked = (await auth.events(auth_events_pb2.TokensRevoked))[-1]
        assert [(entry.user_id, entry.session_id) for entry in revoked.revocations] == [(alice.user_id, "")]

    async def test_a_timed_ban_ends_by_itself(self, auth: Any) -> None:
        alice = await auth.signed_in("alice")
        moderator = await staff(auth, "mod", "moderator")
        until = auth.clock() + timedelta(hours=1)
        banned = (await auth.call("BanUser", ban(alice.user_id, until=until.isoformat()), moderator)).user
        assert banned.ban_until_time.ToMicroseconds() == int(until.timestamp() * 1_000_000)
        [event] = await auth.events(auth_events_pb2.UserBanned)
        assert event.until_time == banned.ban_until_time
        auth.clock.forward(hours=1)

        assert not (await user(auth, alice.user_id)).is_banned
        assert (await auth.login("alice")).user_id == alice.user_id

    async def test_a_lifted_ban_is_over(self, auth: Any) -> None:
        alice = await auth.register("alice")
        moderator = await staff(auth, "mod", "moderator")
        await auth.call("BanUser", ban(alice), moderator)
        freed = (await auth.call("UnbanUser", pb.UnbanUserRequest(user_id=alice), moderator)).user
        await auth.call("UnbanUser", pb.UnbanUserRequest(user_id=alice), moderator)

        assert (freed.user.is_banned, freed.ban_reason) == (False, "")
        assert (await auth.login("alice")).user_id == alice
        [event] = await auth.events(auth_events_pb2.UserUnbanned)
        assert event.user_id == alice

    @pytest.mark.parametrize(
        ("reason", "until", "violation"),
        [
            (None, None, Violation("reason", "REQUIRED")),
            ("", None, Violation("reason", "BLANK", 1)),
            ("x" * 501, None, Violation("reason", "TOO_LONG", 500)),
            ("spam", "tomorrow", Violation("until", "BAD_FORMAT")),
            ("spam", "2999-01-01T00:00:00", Violation("until", "BAD_FORMAT")),
            ("spam", "2000-01-01T00:00:00Z", Violation("until", "OUT_OF_RANGE")),
            ("spam", "9999-12-31T23:59:59-23:59", Violation("until", "BAD_FORMAT")),
        ],
    )
    async def test_broken_fields_are_listed(self, auth: Any, reason: Any, until: Any, violation: Violation) -> None:
        alice = await auth.register("alice")
        moderator = await staff(auth, "mod", "moderator")
        error = await auth.refused("BanUser", ban(alice, reason, until), "INVALID_REQUEST", moderator)

        assert error.violations == [violation]

    async def test_nobody_bans_equals_or_betters(self, auth: Any) -> None:
        moderator = await staff(auth, "mod", "moderator")
        other = await staff(auth, "other", "moderator")
        admin = await staff(auth, "admin", "admin")
        for victim in (moderator, other, admin):
            await auth.refused("BanUser", ban(victim.user_id), "ROLE_TOO_LOW", moderator)
        await auth.refused("BanUser", ban(admin.user_id), "ROLE_TOO_LOW", admin)
        await auth.call("BanUser", ban(other.user_id), admin)

        await auth.refused("UnbanUser", pb.UnbanUserRequest(user_id=other.user_id), "ROLE_TOO_LOW", moderator)
        await auth.call("UnbanUser", pb.UnbanUserRequest(user_id=other.user_id), admin)

    async def test_unknown_and_deleted_users_are_not_found(self, auth: Any) -> None:
        moderator = await staff(auth, "mod", "moderator")
        alice = await auth.signed_in("alice")
        delete = account_service_pb2.DeleteAccountRequest(password="password123")
        await auth.call("DeleteAccount", delete, alice)

        for user_id in (alice.user_id, 999):
            await auth.refused("BanUser", ban(user_id), "USER_NOT_FOUND", moderator)
            await auth.refused("UnbanUser", pb.UnbanUserRequest(user_id=user_id), "USER_NOT_FOUND", moderator)

    async def test_it_is_for_moderators(self, auth: Any) -> None:
        alice = await auth.signed_in("alice")

        await auth.refused("BanUser", ban(alice.user_id), "PERMISSION_DENIED", alice)


class TestRole:
    async def test_a_new_role_refuses_old_tokens_and_is_announced(self, auth: Any) -> None:
        admin = await staff(auth, "admin", "admin")
        await auth.register("alice")
        tokens = (await auth.login("alice")).tokens
        alice = auth.caller_of(tokens.access_token)
        changed = (await auth.call("SetRole", role(alice.user_id, "moderator"), admin)).user

        assert changed.user.role == user_pb2.ROLE_MODERATOR
        updated = (await auth.events(auth_events_pb2.UserUpdated))[-1]
        assert updated.user == changed.user
        [entry] = (await auth.events(auth_events_pb2.TokensRevoked))[-1].revocations
        assert (entry.user_id, entry.minimum_version) == (alice.user_id, alice.token_version + 1)
        request = auth_service_pb2.RefreshTokenRequest(refresh_token=tokens.refresh_token)
        refreshed = auth.caller_of((await auth.call("RefreshToken", request)).tokens.access_token)
        assert (refreshed.roles, refreshed.token_version) == (frozenset({"moderator"}), entry.minimum_version)

    async def test_the_same_role_changes_nothing(self, auth: Any) -> None:
        admin = await staff(auth, "admin", "admin")
        before = len(await auth.envelopes())
        await auth.call("SetRole", role(admin.user_id, "admin"), admin)

        assert len(await auth.envelopes()) == before

    async def test_broken_fields_are_listed(self, auth: Any) -> None:
        admin = await staff(auth, "admin", "admin")
        for name, violation in (
            (None, Violation("role", "REQUIRED")),
            ("", Violation("role", "BLANK", 1)),
            ("owner", Violation("role", "NOT_ALLOWED")),
        ):
            error = await auth.refused("SetRole", role(admin.user_id, name), "INVALID_REQUEST", admin)
            assert error.violations == [violation]

    async def test_an_unknown_user_is_not_found(self, auth: Any) -> None:
        admin = await staff(auth, "admin", "admin")

        await auth.refused("SetRole", role(999, "user"), "USER_NOT_FOUND", admin)

    async def test_the_last_admin_stays_admin(self, auth: Any) -> None:
        admin = await staff(auth, "admin", "admin")

        await auth.refused("SetRole", role(admin.user_id, "user"), "LAST_ADMIN", admin)

    async def test_two_admins_cannot_demote_each_other(self, auth: Any) -> None:
        first, second = await staff(auth, "first", "admin"), await staff(auth, "second", "admin")
        outcomes = await asyncio.gather(
            auth.call("SetRole", role(second.user_id, "user"), first),
            auth.call("SetRole", role(first.user_id, "user"), second),
            return_exceptions=True,
        )

        assert [outcome.reason for outcome in outcomes if isinstance(outcome, RemoteError)] == ["LAST_ADMIN"]

    async def test_it_is_for_admins(self, auth: Any) -> None:
        moderator = await staff(auth, "mod", "moderator")

        await auth.refused("SetRole", role(moderator.user_id, "admin"), "PERMISSION_DENIED", moderator)
