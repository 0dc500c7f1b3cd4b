"""Fake services that implement the generated classes, so that a changed contract breaks them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from gateway_support.fake_state import SESSION_ID, USER_ID, USERNAME, Fake, State, moment, must_be_valid, reason
from plaza.auth.v1 import (
    account_service_pb2,
    auth_service_pb2,
    profile_service_pb2,
    resume_pb2,
    resume_service_pb2,
    session_service_pb2,
    token_pb2,
    user_pb2,
    user_service_pb2,
)
from plaza.auth.v1.account_service_pb2_grpc import AccountServiceServicer, add_AccountServiceServicer_to_server
from plaza.auth.v1.auth_service_pb2_grpc import AuthServiceServicer, add_AuthServiceServicer_to_server
from plaza.auth.v1.profile_service_pb2_grpc import ProfileServiceServicer, add_ProfileServiceServicer_to_server
from plaza.auth.v1.resume_service_pb2_grpc import ResumeServiceServicer, add_ResumeServiceServicer_to_server
from plaza.auth.v1.session_service_pb2_grpc import SessionServiceServicer, add_SessionServiceServicer_to_server
from plaza.auth.v1.user_service_pb2_grpc import UserServiceServicer, add_UserServiceServicer_to_server
from plaza_kit.errors import InvalidArgument, NotFound, Violation
from plaza_kit.grpc_server import Registration


class FakeAuth(Fake, AuthServiceServicer):
    def _tokens(self) -> token_pb2.TokenPair:
        return token_pb2.TokenPair(
            access_token=self.state.issuer.token(USER_ID), refresh_token="rt_next", expires_in_seconds=900
        )

    async def Register(
        self, request: auth_service_pb2.RegisterRequest, context: Any
    ) -> auth_service_pb2.RegisterResponse:
        must_be_valid(request, request, absent="CREDENTIALS_REQUIRED")
        if not USERNAME.fullmatch(request.username):
            raise reason(InvalidArgument, "USERNAME_INVALID")
        return await self.state.answer("Register", request, auth_service_pb2.RegisterResponse(user_id=USER_ID))

    async def Login(self, request: auth_service_pb2.LoginRequest, context: Any) -> auth_service_pb2.LoginResponse:
        must_be_valid(request, request, absent="CREDENTIALS_REQUIRED")
        response = auth_service_pb2.LoginResponse(tokens=self._tokens(), user_id=USER_ID, username="alice")
        return await self.state.answer("Login", request, response)

    async def RefreshToken(
        self, request: auth_service_pb2.RefreshTokenRequest, context: Any
    ) -> auth_service_pb2.RefreshTokenResponse:
        must_be_valid(request, request)
        response = auth_service_pb2.RefreshTokenResponse(tokens=self._tokens())
        return await self.state.answer("RefreshToken", request, response)

    async def GetJwks(self, request: auth_service_pb2.GetJwksRequest, context: Any) -> auth_service_pb2.GetJwksResponse:
        return await self.state.answer("GetJwks", request, auth_service_pb2.GetJwksResponse(keys=self.state.keys))

    async def ListRevocations(
        self, request: auth_service_pb2.ListRevocationsRequest, context: Any
    ) -> auth_service_pb2.ListRevocationsResponse:
        start = int(request.page_token or 0)
        page = self.state.revocations[start : start + 2]
        token = str(start + 2) if start + 2 < len(self.state.revocations) else ""
        response = auth_service_pb2.ListRevocationsResponse(revocations=page, next_page_token=token)
        return await self.state.answer("ListRevocations", request, response)


class FakeAccounts(Fake, AccountServiceServicer):
    async def GetAccount(
        self, request: account_service_pb2.GetAccountRequest, context: Any
    ) -> account_service_pb2.GetAccountResponse:
        response = account_service_pb2.GetAccountResponse(
            id=USER_ID, username="alice", role=user_pb2.ROLE_USER, joined_time=moment()
        )
        return await self.state.answer("GetAccount", request, response)

    async def ChangePassword(
        self, request: account_service_pb2.ChangePasswordRequest, context: Any
    ) -> account_service_pb2.ChangePasswordResponse:
        must_be_valid(request, request)
        response = account_service_pb2.ChangePasswordResponse(revoked_count=2)
        return await self.state.answer("ChangePassword", request, response)

    async def RequestPasswordReset(
        self, request: account_service_pb2.RequestPasswordResetRequest, context: Any
    ) -> account_service_pb2.RequestPasswordResetResponse:
        must_be_valid(request, request)
        response = account_service_pb2.RequestPasswordResetResponse()
        return await self.state.answer("RequestPasswordReset", request, response)

    async def ResetPassword(
        self, request: account_service_pb2.ResetPasswordRequest, context: Any
    ) -> account_service_pb2.ResetPasswordResponse:
        must_be_valid(request, request)
        return await self.state.answer("ResetPassword", request, account_service_pb2.ResetPasswordResponse())

    async def RequestEmailVerification(
        self, request: account_service_pb2.RequestEmailVerificationRequest, context: Any
    ) -> account_service_pb2.RequestEmailVerificationResponse:
        response = account_service_pb2.RequestEmailVerificationResponse()
        return await self.state.answer("RequestEmailVerification", request, response)

    async def VerifyEmail(
        self, request: account_service_pb2.VerifyEmailRequest, context: Any
    ) -> account_service_pb2.VerifyEmailResponse:
        must_be_valid(request, request)
        return await self.state.answer("VerifyEmail", request, account_service_pb2.VerifyEmailResponse())

    async def BeginTotp(
        self, request: account_service_pb2.BeginTotpRequest, context: Any
    ) -> account_service_pb2.BeginTotpResponse:
        must_be_valid(request, request)
        response = account_service_pb2.BeginTotpResponse(secret="JBSWY3DP", otpauth_uri="otpauth://totp/Plaza:alice")
        return await self.state.answer("BeginTotp", request, response)

    async def ConfirmTotp(
        self, request: account_service_pb2.ConfirmTotpRequest, context: Any
    ) -> account_service_pb2.ConfirmTotpResponse:
        must_be_valid(request, request)
        response = account_service_pb2.ConfirmTotpResponse(recovery_codes=["aaaa-bbbb"])
        return await self.state.answer("ConfirmTotp", request, response)

    async def DisableTotp(
        self, request: account_service_pb2.DisableTotpRequest, context: Any
    ) -> account_service_pb2.DisableTotpResponse:
        must_be_valid(request, request)
        return await self.state.answer("DisableTotp", request, account_service_pb2.DisableTotpResponse())

    async def RegenerateRecoveryCodes(
        self, request: account_service_pb2.RegenerateRecoveryCodesRequest, context: Any
    ) -> account_service_pb2.RegenerateRecoveryCodesResponse:
        must_be_valid(request, request)
        response = account_service_pb2.RegenerateRecoveryCodesResponse(recovery_codes=["cccc-dddd"])
        return await self.state.answer("RegenerateRecoveryCodes", request, response)

    async def ExportAccount(
        self, request: account_service_pb2.ExportAccountRequest, context: Any
    ) -> account_service_pb2.ExportAccountResponse:
        response = account_service_pb2.ExportAccountResponse(document='{"account": {"username": "爱丽丝"}}'.encode())
        return await self.state.answer("ExportAccount", request, response)

    async def DeleteAccount(
        self, request: account_service_pb2.DeleteAccountRequest, context: Any
    ) -> account_service_pb2.DeleteAccountResponse:
        must_be_valid(request, request)
        return await self.state.answer("DeleteAccount", request, account_service_pb2.DeleteAccountResponse())


class FakeProfiles(Fake, ProfileServiceServicer):
    async def GetProfile(
        self, request: profile_service_pb2.GetProfileRequest, context: Any
    ) -> profile_service_pb2.GetProfileResponse:
        profile = profile_service_pb2.Profile(id=USER_ID, username="alice", joined_time=moment())
        if self.state.has_resume:
            profile.resume.CopyFrom(basics())
        response = profile_service_pb2.GetProfileResponse(profile=profile)
        return await self.state.answer("GetProfile", request, response)

    async def UpdateProfile(
        self, request: profile_service_pb2.UpdateProfileRequest, context: Any
    ) -> profile_service_pb2.UpdateProfileResponse:
        must_be_valid(request, request.fields, required=False)
        return await self.state.answer("UpdateProfile", request, profile_service_pb2.UpdateProfileResponse())


NOT_FOUND = {
    "work": "WORK_EXPERIENCE_NOT_FOUND",
    "project": "PROJECT_EXPERIENCE_NOT_FOUND",
    "education": "EDUCATION_EXPERIENCE_NOT_FOUND",
    "custom": "CUSTOM_SECTION_NOT_FOUND",
}
ITEMS = {
    "work": resume_pb2.WorkExperience(start_date="2023-01-01", company_name="X", work_content="w"),
    "project": resume_pb2.ProjectExperience(
        start_date="2023-06-01", end_date="2023-08-31", project_name="B", project_role="dev", project_content="c"
    ),
    "education": resume_pb2.EducationExperience(start_date="2020-09-01", school_name="C", education_level="本科"),
    "custom": resume_pb2.CustomSection(title="证书", content="CET-6"),
}


def basics() -> resume_pb2.ResumeBasics:
    fields = resume_pb2.ResumeFields(
        name="张三", age=25, graduation_date="2024-06-01", education_level="本科", expected_position="软件工程师"
    )
    return resume_pb2.ResumeBasics(id=7, fields=fields, created_time=moment(), updated_time=moment())


def stored_item(kind: str) -> resume_pb2.ResumeItem:
    item = resume_pb2.ResumeItem(id=1)
    getattr(item, kind).CopyFrom(ITEMS[kind])
    return item


class FakeResumes(Fake, ResumeServiceServicer):
    """One item of each kind, with id 1; items that are created get id 2."""

    def _find(self, kind: str, item_id: int) -> None:
        if not self.state.has_resume:
            raise reason(NotFound, "RESUME_NOT_FOUND")
        if item_id != 1:
            raise reason(NotFound, NOT_FOUND[kind])

    async def GetResume(
        self, request: resume_service_pb2.GetResumeRequest, context: Any
    ) -> resume_service_pb2.GetResumeResponse:
        response = resume_service_pb2.GetResumeResponse()
        if self.state.has_resume:
            response.basics.CopyFrom(basics())
            response.items.extend(stored_item(kind) for kind in ITEMS)
        return await self.state.answer("GetResume", request, response)

    async def SaveResume(
        self, request: resume_service_pb2.SaveResumeRequest, context: Any
    ) -> resume_service_pb2.SaveResumeResponse:
        must_be_valid(request, request.fields, required=not self.state.has_resume, absent="RESUME_FIELDS_REQUIRED")
        response = resume_service_pb2.SaveResumeResponse(resume_id=7, was_created=not self.state.has_resume)
        return await self.state.answer("SaveResume", request, response)

    async def CreateItem(
        self, request: resume_service_pb2.CreateItemRequest, context: Any
    ) -> resume_service_pb2.CreateItemResponse:
        kind = request.item.WhichOneof("fields") or ""
        self._find(kind, 1)
        must_be_valid(request, getattr(request.item, kind), absent="MISSING_FIELDS")
        item = resume_pb2.ResumeItem()
        item.CopyFrom(request.item)
        item.id = 2
        return await self.state.answer("CreateItem", request, resume_service_pb2.CreateItemResponse(item=item))

    async def UpdateItem(
        self, request: resume_service_pb2.UpdateItemRequest, context: Any
    ) -> resume_service_pb2.UpdateItemResponse:
        kind = request.item.WhichOneof("fields") or ""
        self._find(kind, request.item.id)
        must_be_valid(request, getattr(request.item, kind), required=False)
        response = resume_service_pb2.UpdateItemResponse(item=stored_item(kind))
        return await self.state.answer("UpdateItem", request, response)

    async def DeleteItem(
        self, request: resume_service_pb2.DeleteItemRequest, context: Any
    ) -> resume_service_pb2.DeleteItemResponse:
        kind = resume_pb2.ItemKind.Name(request.kind).removeprefix("ITEM_KIND_").lower()
        self._find(kind, request.item_id)
        return await self.state.answer("DeleteItem", request, resume_service_pb2.DeleteItemResponse())


class FakeSessions(Fake, SessionServiceServicer):
    async def ListSessions(
        self, request: session_service_pb2.ListSessionsRequest, context: Any
    ) -> session_service_pb2.ListSessionsResponse:
        session = session_service_pb2.Session(
            id=SESSION_ID,
            device="curl",
            address="127.0.0.1",
            created_time=moment(),
            last_seen_time=moment(),
            expire_time=moment(),
            is_current=True,
        )
        response = session_service_pb2.ListSessionsResponse(sessions=[session])
        return await self.state.answer("ListSessions", request, response)

    async def RevokeSession(
        self, request: session_service_pb2.RevokeSessionRequest, context: Any
    ) -> session_service_pb2.RevokeSessionResponse:
        if request.session_id not in ("", SESSION_ID):
            raise reason(NotFound, "SESSION_NOT_FOUND")
        return await self.state.answer("RevokeSession", request, session_service_pb2.RevokeSessionResponse())

    async def RevokeAllSessions(
        self, request: session_service_pb2.RevokeAllSessionsRequest, context: Any
    ) -> session_service_pb2.RevokeAllSessionsResponse:
        response = session_service_pb2.RevokeAllSessionsResponse(revoked_count=3)
        return await self.state.answer("RevokeAllSessions", request, response)


def summary(user_id: int = USER_ID) -> user_pb2.UserSummary:
    return user_pb2.UserSummary(id=user_id, username="alice", role=user_pb2.ROLE_USER, joined_time=moment())


def managed(user_id: int = USER_ID) -> user_service_pb2.ManagedUser:
    return user_service_pb2.ManagedUser(user=summary(user_id))


class FakeUsers(Fake, UserServiceServicer):
    """Users 1 to 9 exist."""

    def _find(self, user_id: int) -> None:
        if not 1 <= user_id <= 9:
            raise reason(NotFound, "USER_NOT_FOUND")

    async def GetUser(self, request: user_service_pb2.GetUserRequest, context: Any) -> user_service_pb2.GetUserResponse:
        self._find(request.user_id)
        response = user_service_pb2.GetUserResponse(user=summary(request.user_id))
        return await self.state.answer("GetUser", request, response)

    async def BatchGetUsers(
        self, request: user_service_pb2.BatchGetUsersRequest, context: Any
    ) -> user_service_pb2.BatchGetUsersResponse:
        return await self.state.answer("BatchGetUsers", request, user_service_pb2.BatchGetUsersResponse())

    async def ListUsers(
        self, request: user_service_pb2.ListUsersRequest, context: Any
    ) -> user_service_pb2.ListUsersResponse:
        if request.page_size < 0:
            raise InvalidArgument(violations=[Violation("page_size", "OUT_OF_RANGE")])
        if request.page_token:
            raise reason(InvalidArgument, "PAGE_TOKEN_INVALID")
        response = user_service_pb2.ListUsersResponse(users=[managed()])
        return await self.state.answer("ListUsers", request, response)

    async def BanUser(self, request: user_service_pb2.BanUserRequest, context: Any) -> user_service_pb2.BanUserResponse:
        self._find(request.user_id)
        must_be_valid(request, request)
        response = user_service_pb2.BanUserResponse(user=managed(request.user_id))
        return await self.state.answer("BanUser", request, response)

    async def UnbanUser(
        self, request: user_service_pb2.UnbanUserRequest, context: Any
    ) -> user_service_pb2.UnbanUserResponse:
        self._find(request.user_id)
        response = user_service_pb2.UnbanUserResponse(user=managed(request.user_id))
        return await self.state.answer("UnbanUser", request, response)

    async def SetRole(self, request: user_service_pb2.SetRoleRequest, context: Any) -> user_service_pb2.SetRoleResponse:
        self._find(request.user_id)
        must_be_valid(request, request)
        if request.role not in ("user", "moderator", "admin"):
            raise InvalidArgument(violations=[Violation("role", "NOT_ALLOWED")])
        response = user_service_pb2.SetRoleResponse(user=managed(request.user_id))
        return await self.state.answer("SetRole", request, response)


class Fakes(State):
    """All fake services."""

    def registrations(self) -> Sequence[Registration]:
        return (
            partial(add_AuthServiceServicer_to_server, FakeAuth(self)),
            partial(add_AccountServiceServicer_to_server, FakeAccounts(self)),
            partial(add_ProfileServiceServicer_to_server, FakeProfiles(self)),
            partial(add_ResumeServiceServicer_to_server, FakeResumes(self)),
            partial(add_SessionServiceServicer_to_server, FakeSessions(self)),
            partial(add_UserServiceServicer_to_server, FakeUsers(self)),
        )
