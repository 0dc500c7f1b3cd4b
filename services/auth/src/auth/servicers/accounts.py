"""AccountService: the caller's own account."""

import asyncio
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from auth.accounts import Accounts, Checked
from auth.mailed_tokens import MailedTokens
from auth.servicers.writes import Writes
from plaza.auth.v1 import account_service_pb2 as pb
from plaza.auth.v1 import account_service_pb2_grpc
from plaza_kit.caller import current_caller
from plaza_kit.db import Database


class AccountServicer(account_service_pb2_grpc.AccountServiceServicer):
    """See the contract."""

    def __init__(self, database: Database, writes: Writes, *, accounts: Accounts, mailed_tokens: MailedTokens) -> None:
        self._database = database
        self._writes = writes
        self._accounts = accounts
        self._mailed_tokens = mailed_tokens

    async def GetAccount(self, request: pb.GetAccountRequest, context: Any) -> pb.GetAccountResponse:
        """Return the account."""
        async with self._database.read() as connection:
            return await self._accounts.get(connection, current_caller().user_id)

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Any) -> pb.ChangePasswordResponse:
        """Set a new password."""
        caller = current_caller()

        async def work(connection: AsyncConnection, checked: Checked) -> pb.ChangePasswordResponse:
            count = await self._accounts.change_password(connection, checked, caller)
            return pb.ChangePasswordResponse(revoked_count=count)

        return await self._writes.run_prepared(
            "ChangePassword",
            request,
            pb.ChangePasswordResponse,
            prepare=lambda: self._accounts.prepare_password_change(request, caller),
            work=work,
        )

    async def RequestPasswordReset(
        self, request: pb.RequestPasswordResetRequest, context: Any
    ) -> pb.RequestPasswordResetResponse:
        """Mail a token, if the address is some account's."""
        caller = current_caller()
        not_before = self._mailed_tokens.answer_time()

        async def work(connection: AsyncConnection) -> pb.RequestPasswordResetResponse:
            await self._mailed_tokens.request_reset(connection, request, caller)
            return pb.RequestPasswordResetResponse()

        response = await self._writes.run("RequestPasswordReset", request, pb.RequestPasswordResetResponse, work)
        await asyncio.sleep(not_before - asyncio.get_running_loop().time())
        return response

    async def ResetPassword(self, request: pb.ResetPasswordRequest, context: Any) -> pb.ResetPasswordResponse:
        """Spend a mailed token."""

        async def work(connection: AsyncConnection, password_hash: str) -> pb.ResetPasswordResponse:
            await self._mailed_tokens.reset_password(connection, request.token, password_hash)
            return pb.ResetPasswordResponse()

        return await self._writes.run_prepared(
            "ResetPassword",
            request,
            pb.ResetPasswordResponse,
            prepare=lambda: self._mailed_tokens.prepare_reset(request),
            work=work,
        )

    async def RequestEmailVerification(
        self, request: pb.RequestEmailVerificationRequest, context: Any
    ) -> pb.RequestEmailVerificationResponse:
        """Mail a token to the profile's address."""
        caller = current_caller()

        async def work(connection: AsyncConnection) -> pb.RequestEmailVerificationResponse:
            await self._mailed_tokens.request_verification(connection, caller)
            return pb.RequestEmailVerificationResponse()

        return await self._writes.run("RequestEmailVerification", request, pb.RequestEmailVerificationResponse, work)

    async def VerifyEmail(self, request: pb.VerifyEmailRequest, context: Any) -> pb.VerifyEmailResponse:
        """Spend a mailed token."""

        async def work(connection: AsyncConnection) -> pb.VerifyEmailResponse:
            await self._mailed_tokens.verify_email(connection, request)
            return pb.VerifyEmailResponse()

        return await self._writes.run("VerifyEmail", request, pb.VerifyEmailResponse, work)

    async def BeginTotp(self, request: pb.BeginTotpRequest, context: Any) -> pb.BeginTotpResponse:
        """Make a TOTP secret."""
        caller = current_caller()
        return await self._writes.run_prepared(
            "BeginTotp",
            request,
            pb.BeginTotpResponse,
            prepare=lambda: self._accounts.prepare_totp(request, caller),
            work=self._accounts.begin_totp,
        )

    async def ConfirmTotp(self, request: pb.ConfirmTotpRequest, context: Any) -> pb.ConfirmTotpResponse:
        """Turn the second factor on."""
        caller = current_caller()

        async def work(connection: AsyncConnection, _: None) -> pb.ConfirmTotpResponse:
            return await self._accounts.confirm_totp(connection, request, caller)

        return await self._writes.run_prepared(
            "ConfirmTotp",
            request,
            pb.ConfirmTotpResponse,
            prepare=lambda: self._accounts.prepare_confirm(request, caller),
            work=work,
        )

    async def DisableTotp(self, request: pb.DisableTotpRequest, context: Any) -> pb.DisableTotpResponse:
        """Turn the second factor off."""
        caller = current_caller()

        async def work(connection: AsyncConnection, checked: Checked) -> pb.DisableTotpResponse:
            await self._accounts.disable_totp(connection, checked)
            return pb.DisableTotpResponse()

        return await self._writes.run_prepared(
            "DisableTotp",
            request,
            pb.DisableTotpResponse,
            prepare=lambda: self._accounts.prepare_disable(request, caller),
            work=work,
        )

    async def RegenerateRecoveryCodes(
        self, request: pb.RegenerateRecoveryCodesRequest, context: Any
    ) -> pb.RegenerateRecoveryCodesResponse:
        """Replace all recovery codes."""
        caller = current_caller()
        return await self._writes.run_prepared(
            "RegenerateRecoveryCodes",
            request,
            pb.RegenerateRecoveryCodesResponse,
            prepare=lambda: self._accounts.prepare_regenerate(request, caller),
            work=self._accounts.regenerate_codes,
        )

    async def ExportAccount(self, request: pb.ExportAccountRequest, context: Any) -> pb.ExportAccountResponse:
        """Return everything that is stored about the caller."""
        async with self._database.read() as connection:
            return await self._accounts.export(connection, current_caller())

    async def DeleteAccount(self, request: pb.DeleteAccountRequest, context: Any) -> pb.DeleteAccountResponse:
        """End the account."""
        caller = current_caller()

        async def work(connection: AsyncConnection, checked: Checked) -> pb.DeleteAccountResponse:
            await self._accounts.delete(connection, checked)
            return pb.DeleteAccountResponse()

        return await self._writes.run_prepared(
            "DeleteAccount",
            request,
            pb.DeleteAccountResponse,
            prepare=lambda: self._accounts.prepare_deletion(request, caller),
            work=work,
        )
