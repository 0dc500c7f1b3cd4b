"""The methods of the auth service."""

from google.protobuf.descriptor import ServiceDescriptor

from gateway.rpcs.rpc import Rpc
from plaza.auth.v1 import (
    account_service_pb2,
    auth_service_pb2,
    profile_service_pb2,
    resume_service_pb2,
    session_service_pb2,
    user_service_pb2,
)
from plaza.auth.v1.account_service_pb2_grpc import AccountServiceStub
from plaza.auth.v1.auth_service_pb2_grpc import AuthServiceStub
from plaza.auth.v1.profile_service_pb2_grpc import ProfileServiceStub
from plaza.auth.v1.resume_service_pb2_grpc import ResumeServiceStub
from plaza.auth.v1.session_service_pb2_grpc import SessionServiceStub
from plaza.auth.v1.user_service_pb2_grpc import UserServiceStub
from plaza_kit.grpc_client import Client

AUTH_CONTRACTS: tuple[ServiceDescriptor, ...] = tuple(
    module.DESCRIPTOR.services_by_name[name]
    for module, name in (
        (account_service_pb2, "AccountService"),
        (auth_service_pb2, "AuthService"),
        (profile_service_pb2, "ProfileService"),
        (resume_service_pb2, "ResumeService"),
        (session_service_pb2, "SessionService"),
        (user_service_pb2, "UserService"),
    )
)


class AuthRpcs:
    """The methods of the auth service."""

    def __init__(self, client: Client) -> None:
        self.client = client
        auth = AuthServiceStub(client.channel)
        self.register = Rpc(client, auth.Register)
        self.login = Rpc(client, auth.Login)
        self.refresh_token = Rpc(client, auth.RefreshToken)
        self.get_jwks = Rpc(client, auth.GetJwks)
        self.list_revocations = Rpc(client, auth.ListRevocations)
        profiles = ProfileServiceStub(client.channel)
        self.get_profile = Rpc(client, profiles.GetProfile)
        self.update_profile = Rpc(client, profiles.UpdateProfile)
        resumes = ResumeServiceStub(client.channel)
        self.get_resume = Rpc(client, resumes.GetResume)
        self.save_resume = Rpc(client, resumes.SaveResume)
        self.create_item = Rpc(client, resumes.CreateItem)
        self.update_item = Rpc(client, resumes.UpdateItem)
        self.delete_item = Rpc(client, resumes.DeleteItem)
        sessions = SessionServiceStub(client.channel)
        self.list_sessions = Rpc(client, sessions.ListSessions)
        self.revoke_session = Rpc(client, sessions.RevokeSession)
        self.revoke_all_sessions = Rpc(client, sessions.RevokeAllSessions)
        users = UserServiceStub(client.channel)
        self.get_user = Rpc(client, users.GetUser)
        self.list_users = Rpc(client, users.ListUsers)
        self.ban_user = Rpc(client, users.BanUser)
        self.unban_user = Rpc(client, users.UnbanUser)
        self.set_role = Rpc(client, users.SetRole)
        self.accounts = AccountRpcs(client)


class AccountRpcs:
    """The methods for the caller's own account."""

    def __init__(self, client: Client) -> None:
        stub = AccountServiceStub(client.channel)
        self.get = Rpc(client, stub.GetAccount)
        self.change_password = Rpc(client, stub.ChangePassword)
        self.request_password_reset = Rpc(client, stub.RequestPasswordReset)
        self.reset_password = Rpc(client, stub.ResetPassword)
        self.request_email_verification = Rpc(client, stub.RequestEmailVerification)
        self.verify_email = Rpc(client, stub.VerifyEmail)
        self.begin_totp = Rpc(client, stub.BeginTotp)
        self.confirm_totp = Rpc(client, stub.ConfirmTotp)
        self.disable_totp = Rpc(client, stub.DisableTotp)
        self.regenerate_recovery_codes = Rpc(client, stub.RegenerateRecoveryCodes)
        self.export = Rpc(client, stub.ExportAccount)
        self.delete = Rpc(client, stub.DeleteAccount)
