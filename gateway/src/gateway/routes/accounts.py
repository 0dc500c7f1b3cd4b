"""One's own account: password, e-mail address, second factor, export and end."""

from gateway.call import Answer, Call
from gateway.decoding import decode
from gateway.routes.tokens import signed_out
from gateway.routing import Access, Body, Operation, Rate, Routes
from gateway.schemas.accounts import Account, RecoveryCodes, RevokedCount, TotpSecret
from plaza.auth.v1 import account_service_pb2

routes = Routes("Account", "en")


@routes.get("/users/me", Operation(answers=(Account,)))
async def get_account(call: Call) -> Account:
    """Read one's account."""
    return Account.of(await call.ask(call.services.auth.accounts.get, account_service_pb2.GetAccountRequest()))


@routes.delete(
    "/users/me",
    Operation(
        status=204,
        rate=Rate.CREDENTIALS,
        body=Body(account_service_pb2.DeleteAccountRequest),
        errors=("INVALID_REQUEST", "PASSWORD_WRONG", "TOTP_REQUIRED", "TOTP_INVALID", "LAST_ADMIN"),
    ),
)
async def delete_account(call: Call) -> Answer:
    """End one's account for good.

    Personal data is erased. `totp_code` is needed when the second factor is on.
    """
    request, found = decode(call.body, account_service_pb2.DeleteAccountRequest())
    request.violations.extend(found.wire())
    await call.ask(call.services.auth.accounts.delete, request)
    return Answer(None, [signed_out(call)])


@routes.get(
    "/users/me/export",
    Operation(raw={"type": "object", "description": "Account, profile, sessions and resume."}, budget=5.0),
)
async def export_account(call: Call) -> Answer:
    """Get everything that is stored about oneself."""
    response = await call.ask(call.services.auth.accounts.export, account_service_pb2.ExportAccountRequest())
    headers = [
        (b"content-type", b"application/json"),
        (b"content-disposition", b'attachment; filename="plaza-account.json"'),
    ]
    return Answer(response.document, headers)


@routes.post(
    "/users/me/password",
    Operation(
        answers=(RevokedCount,),
        rate=Rate.CREDENTIALS,
        body=Body(account_service_pb2.ChangePasswordRequest),
        errors=("INVALID_REQUEST", "PASSWORD_TOO_SHORT", "PASSWORD_WRONG"),
    ),
)
async def change_password(call: Call) -> RevokedCount:
    """Set a new password and end all other sessions."""
    request, found = decode(call.body, account_service_pb2.ChangePasswordRequest())
    request.violations.extend(found.wire())
    response = await call.ask(call.services.auth.accounts.change_password, request)
    return RevokedCount(response.revoked_count)


@routes.post(
    "/users/me/email-verification",
    Operation(
        status=202,
        rate=Rate.CREDENTIALS,
        errors=("EMAIL_MISSING", "EMAIL_ALREADY_VERIFIED", "MAIL_NOT_CONFIGURED"),
    ),
)
async def request_email_verification(call: Call) -> None:
    """Have a link mailed that proves one's address."""
    request = account_service_pb2.RequestEmailVerificationRequest()
    await call.ask(call.services.auth.accounts.request_email_verification, request)


@routes.post(
    "/users/me/totp",
    Operation(
        status=201,
        answers=(TotpSecret,),
        rate=Rate.CREDENTIALS,
        body=Body(account_service_pb2.BeginTotpRequest),
        errors=("INVALID_REQUEST", "PASSWORD_WRONG", "TOTP_ALREADY_ENABLED"),
    ),
)
async def begin_totp(call: Call) -> TotpSecret:
    """Make a secret for a second factor.

    It counts once it is confirmed.
    """
    request, found = decode(call.body, account_service_pb2.BeginTotpRequest())
    request.violations.extend(found.wire())
    response = await call.ask(call.services.auth.accounts.begin_totp, request)
    return TotpSecret(response.secret, response.otpauth_uri)


@routes.post(
    "/users/me/totp/confirm",
    Operation(
        answers=(RecoveryCodes,),
        rate=Rate.CREDENTIALS,
        body=Body(account_service_pb2.ConfirmTotpRequest),
        errors=("INVALID_REQUEST", "TOTP_NOT_BEGUN", "TOTP_INVALID", "TOTP_ALREADY_ENABLED"),
    ),
)
async def confirm_totp(call: Call) -> RecoveryCodes:
    """Turn the second factor on and get recovery codes."""
    request, found = decode(call.body, account_service_pb2.ConfirmTotpRequest())
    request.violations.extend(found.wire())
    response = await call.ask(call.services.auth.accounts.confirm_totp, request)
    return RecoveryCodes(list(response.recovery_codes))


@routes.delete(
    "/users/me/totp",
    Operation(
        status=204,
        rate=Rate.CREDENTIALS,
        body=Body(account_service_pb2.DisableTotpRequest),
        errors=("INVALID_REQUEST", "PASSWORD_WRONG", "TOTP_INVALID", "TOTP_NOT_ENABLED", "TOTP_MANDATORY"),
    ),
)
async def disable_totp(call: Call) -> None:
    """Turn the second factor off."""
    request, found = decode(call.body, account_service_pb2.DisableTotpRequest())
    request.violations.extend(found.wire())
    await call.ask(call.services.auth.accounts.disable_totp, request)


@routes.post(
    "/users/me/recovery-codes",
    Operation(
        answers=(RecoveryCodes,),
        rate=Rate.CREDENTIALS,
        body=Body(account_service_pb2.RegenerateRecoveryCodesRequest),
        errors=("INVALID_REQUEST", "PASSWORD_WRONG", "TOTP_INVALID", "TOTP_NOT_ENABLED"),
    ),
)
async def regenerate_recovery_codes(call: Call) -> RecoveryCodes:
    """Replace all recovery codes."""
    request, found = decode(call.body, account_service_pb2.RegenerateRecoveryCodesRequest())
    request.violations.extend(found.wire())
    response = await call.ask(call.services.auth.accounts.regenerate_recovery_codes, request)
    return RecoveryCodes(list(response.recovery_codes))


@routes.post(
    "/password-resets",
    Operation(
        access=Access.PUBLIC,
        status=202,
        rate=Rate.CREDENTIALS,
        body=Body(account_service_pb2.RequestPasswordResetRequest),
        errors=("INVALID_REQUEST", "MAIL_NOT_CONFIGURED"),
    ),
)
async def request_password_reset(call: Call) -> None:
    """Have a link mailed that resets a password.

    The answer is the same whether an account has the address or not.
    """
    request, found = decode(call.body, account_service_pb2.RequestPasswordResetRequest())
    request.violations.extend(found.wire())
    await call.ask(call.services.auth.accounts.request_password_reset, request)


@routes.post(
    "/password-resets/confirm",
    Operation(
        access=Access.PUBLIC,
        status=204,
        rate=Rate.CREDENTIALS,
        body=Body(account_service_pb2.ResetPasswordRequest),
        errors=("INVALID_REQUEST", "PASSWORD_TOO_SHORT", "MAIL_TOKEN_INVALID"),
    ),
)
async def reset_password(call: Call) -> None:
    """Set a new password with the mailed token.

    Ends all sessions.
    """
    request, found = decode(call.body, account_service_pb2.ResetPasswordRequest())
    request.violations.extend(found.wire())
    await call.ask(call.services.auth.accounts.reset_password, request)


@routes.post(
    "/email-verifications/confirm",
    Operation(
        access=Access.PUBLIC,
        status=204,
        rate=Rate.CREDENTIALS,
        body=Body(account_service_pb2.VerifyEmailRequest),
        errors=("INVALID_REQUEST", "MAIL_TOKEN_INVALID", "EMAIL_TAKEN"),
    ),
)
async def verify_email(call: Call) -> None:
    """Prove an address with the mailed token.

    Needs no session: the link may be opened elsewhere.
    """
    request, found = decode(call.body, account_service_pb2.VerifyEmailRequest())
    request.violations.extend(found.wire())
    await call.ask(call.services.auth.accounts.verify_email, request)
