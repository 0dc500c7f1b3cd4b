"""The caller's own account: password, second factor, export and end.

Everything that could take the account away asks for the password again. The password is checked before the
transaction, so the transaction makes sure that the account is still the one that was checked.
"""

from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import convert
from auth.credentials import CredentialCheck
from auth.errors import TotpInvalid
from auth.export import export_document
from auth.foundation import Foundation
from auth.passwords import PasswordHasher
from auth.repository.users import User
from auth.revocations import Revocations
from auth.second_factor import Proof, SecondFactor
from auth.signed_in import lock_user, require_user
from auth.users import refuse_last_admin
from plaza.auth.v1 import account_service_pb2 as pb
from plaza_kit.caller import Caller
from plaza_kit.errors import Aborted
from plaza_kit.field_values import refuse_broken


@dataclass(frozen=True, slots=True)
class Checked:
    """An account whose owner has just proven to be there."""

    user: User
    proof: Proof | None = None
    new_hash: str = field(default="", repr=False)


class Accounts:
    """Use cases of the owner of an account."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        credentials: CredentialCheck,
        second_factor: SecondFactor,
        hasher: PasswordHasher,
        revocations: Revocations,
    ) -> None:
        self._database = foundation.database
        self._repositories = foundation.repositories
        self._users = foundation.repositories.users
        self._events = foundation.events
        self._clock = foundation.clock
        self._credentials = credentials
        self._second_factor = second_factor
        self._hasher = hasher
        self._revocations = revocations

    async def get(self, connection: AsyncConnection, user_id: int) -> pb.GetAccountResponse:
        """Return the account as its owner sees it.

        Raises:
            Unauthenticated: It is gone (TOKEN_INVALID).
        """
        user = await require_user(self._users, connection, user_id, self._clock())
        return convert.account(user, await self._repositories.recovery_codes.count(connection, user_id))

    async def prepare_password_change(self, request: pb.ChangePasswordRequest, caller: Caller) -> Checked:
        """Check both passwords and hash the new one.

        Raises:
            InvalidArgument: A field is broken (INVALID_REQUEST).
            PasswordTooShort: (PASSWORD_TOO_SHORT.)
            PasswordWrong: (PASSWORD_WRONG.)
            ResourceExhausted: Too many were wrong (RATE_LIMITED).
        """
        refuse_broken(request)
        self._hasher.check_new(request.new_password, "new_password")
        user = await self._reauthenticate(caller, request.current_password)
        return Checked(user, new_hash=await self._hasher.hash(request.new_password))

    async def change_password(self, connection: AsyncConnection, checked: Checked, caller: Caller) -> int:
        """Set the new password and end all other sessions; return how many.

        Raises:
            Aborted: The account changed since it was checked (ABORTED).
        """
        user = await self._lock(connection, checked)
        await self._users.update(connection, user.id, {"password_hash": checked.new_hash})
        await self._repositories.mails.drop_tokens(connection, user.id, "reset_password")
        return await self._revocations.end_others(connection, user.id, caller.session_id)

    async def prepare_totp(self, request: pb.BeginTotpRequest, caller: Caller) -> Checked:
        """Check the password for a new second factor; errors as `prepare_password_change`."""
        refuse_broken(request)
        return Checked(await self._reauthenticate(caller, request.password))

    async def begin_totp(self, connection: AsyncConnection, checked: Checked) -> pb.BeginTotpResponse:
        """Make a TOTP secret.

        Raises:
            TotpAlreadyEnabled: The factor is on (TOTP_ALREADY_ENABLED).
            Aborted: The account changed since it was checked (ABORTED).
        """
        user = await self._lock(connection, checked)
        secret, uri = await self._second_factor.begin(connection, user)
        return pb.BeginTotpResponse(secret=secret, otpauth_uri=uri)

    async def prepare_confirm(self, request: pb.ConfirmTotpRequest, caller: Caller) -> None:
        """Look at the code of a new secret; a wrong one is counted.

        Raises:
            InvalidArgument: A field is broken (INVALID_REQUEST).
            TotpAlreadyEnabled: The factor is on (TOTP_ALREADY_ENABLED).
            TotpNotBegun: There is no secret (TOTP_NOT_BEGUN).
            TotpInvalid: The code is wrong (TOTP_INVALID).
            ResourceExhausted: Too many were wrong (RATE_LIMITED).
        """
        refuse_broken(request)
        user = await self._caller(caller)
        self._second_factor.check_pending(user)
        await self._credentials.check_account_allowed(user, caller.address)
        if self._second_factor.match(user, request.totp_code) is None:
            await self._credentials.count_account_failure(user, caller.address)
            raise TotpInvalid

    async def confirm_totp(
        self, connection: AsyncConnection, request: pb.ConfirmTotpRequest, caller: Caller
    ) -> pb.ConfirmTotpResponse:
        """Turn the second factor on and hand out recovery codes; errors as `prepare_confirm`."""
        user = await lock_user(self._users, connection, caller.user_id, self._clock())
        codes = await self._second_factor.confirm(connection, user, request.totp_code)
        return pb.ConfirmTotpResponse(recovery_codes=codes)

    async def prepare_disable(self, request: pb.DisableTotpRequest, caller: Caller) -> Checked:
        """Check password and code for turning the second factor off.

        Raises:
            InvalidArgument: A field is broken (INVALID_REQUEST).
            TotpNotEnabled: There is no factor (TOTP_NOT_ENABLED).
            TotpMandatory: An admin keeps it (TOTP_MANDATORY).
            PasswordWrong: (PASSWORD_WRONG.)
            TotpInvalid: (TOTP_INVALID.)
            ResourceExhausted: Too many were wrong (RATE_LIMITED).
        """
        refuse_broken(request)
        self._second_factor.check_removable(await self._caller(caller))
        return await self._check_both(caller, password=request.password, code=request.totp_code)

    async def disable_totp(self, connection: AsyncConnection, checked: Checked) -> None:
        """Turn the second factor off."""
        user = await self._lock(connection, checked)
        await self._second_factor.spend(connection, user.id, checked.proof)
        await self._second_factor.disable(connection, user)

    async def prepare_regenerate(self, request: pb.RegenerateRecoveryCodesRequest, caller: Caller) -> Checked:
        """Check password and code for new recovery codes; errors as `prepare_disable` but TOTP_MANDATORY."""
        refuse_broken(request)
        self._second_factor.check_enabled(await self._caller(caller))
        return await self._check_both(caller, password=request.password, code=request.totp_code)

    async def regenerate_codes(
        self, connection: AsyncConnection, checked: Checked
    ) -> pb.RegenerateRecoveryCodesResponse:
        """Replace all recovery codes."""
        user = await self._lock(connection, checked)
        await self._second_factor.spend(connection, user.id, checked.proof)
        codes = await self._second_factor.regenerate(connection, user)
        return pb.RegenerateRecoveryCodesResponse(recovery_codes=codes)

    async def export(self, connection: AsyncConnection, caller: Caller) -> pb.ExportAccountResponse:
        """Return everything that is stored about the caller, secrets and hashes left out.

        Raises:
            Unauthenticated: The account is gone (TOKEN_INVALID).
        """
        now = self._clock()
        user = await require_user(self._users, connection, caller.user_id, now)
        return pb.ExportAccountResponse(document=await export_document(connection, user, self._repositories, now))

    async def prepare_deletion(self, request: pb.DeleteAccountRequest, caller: Caller) -> Checked:
        """Check password, and code if there is a second factor, for the end of an account.

        Raises:
            InvalidArgument: A field is broken (INVALID_REQUEST).
            PasswordWrong: (PASSWORD_WRONG.)
            TotpRequired: There is a factor and no code came (TOTP_REQUIRED).
            TotpInvalid: (TOTP_INVALID.)
            ResourceExhausted: Too many were wrong (RATE_LIMITED).
        """
        refuse_broken(request)
        return await self._check_both(caller, password=request.password, code=request.totp_code)

    async def delete(self, connection: AsyncConnection, checked: Checked) -> None:
        """Erase personal data, free the name, end all sessions; the id stays taken.

        Raises:
            LastAdmin: Nobody would be admin (LAST_ADMIN).
            Aborted: The account changed since it was checked (ABORTED).
        """
        admin_ids = await self._users.lock_admin_ids(connection) if checked.user.role == "admin" else []
        user = await self._lock(connection, checked)
        refuse_last_admin(user, admin_ids)
        await self._second_factor.spend(connection, user.id, checked.proof)
        await self._revocations.end_all(connection, user)
        await self._users.update(connection, user.id, ERASED)
        await self._repositories.sessions.erase_personal(connection, user.id)
        await self._repositories.recovery_codes.replace(connection, user.id, [])
        await self._repositories.mails.drop_all(connection, user.id)
        await self._repositories.resumes.delete(connection, user.id)
        await self._events.user_deleted(connection, user.id)

    async def _caller(self, caller: Caller) -> User:
        async with self._database.read() as connection:
            return await require_user(self._users, connection, caller.user_id, self._clock())

    async def _reauthenticate(self, caller: Caller, password: str) -> User:
        return await self._credentials.again(await self._caller(caller), password, address=caller.address)

    async def _check_both(self, caller: Caller, *, password: str, code: str) -> Checked:
        user = await self._reauthenticate(caller, password)
        return Checked(user, await self._credentials.second_factor(user, code, address=caller.address))

    async def _lock(self, connection: AsyncConnection, checked: Checked) -> User:
        """Lock the account's row; it must still be as it was checked."""
        user = await lock_user(self._users, connection, checked.user.id, self._clock())
        was = checked.user
        if (user.password_hash, user.is_totp_enabled, user.role) != (was.password_hash, was.is_totp_enabled, was.role):
            raise Aborted("the account changed during the check")
        return user


ERASED: dict[str, object] = {
    "username": "",
    "username_key": None,
    "password_hash": "",
    "email": "",
    "verified_email_key": None,
    "first_name": "",
    "last_name": "",
    "phone": None,
    "avatar": None,
    "role": "user",
    "totp_secret": None,
    "is_totp_enabled": False,
    "banned_time": None,
    "ban_until_time": None,
    "ban_reason": None,
    "is_deleted": True,
    "last_login_time": None,
}
"""What is left of an account: its id and when it was made."""
