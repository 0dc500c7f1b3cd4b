"""Every reason of this service beyond the kit's taxonomy, with its status, in one table.

The HTTP status at the edge is the edge's: it follows the gRPC status unless its catalogue pins another one.
"""

from plaza_kit.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)


class CredentialsRequired(InvalidArgument):
    """Name or password is absent or empty."""

    reason = "CREDENTIALS_REQUIRED"


class UsernameInvalid(InvalidArgument):
    """The name has a wrong length or wrong characters."""

    reason = "USERNAME_INVALID"


class UsernameTaken(AlreadyExists):
    """An account has that name."""

    reason = "USERNAME_TAKEN"


class PasswordTooShort(InvalidArgument):
    """The password has fewer code points than the setting asks for."""

    reason = "PASSWORD_TOO_SHORT"


class InvalidCredentials(InvalidArgument):
    """Unknown name, wrong password or an account that may not sign in."""

    reason = "INVALID_CREDENTIALS"


class TotpRequired(FailedPrecondition):
    """The second factor is on and no code came."""

    reason = "TOTP_REQUIRED"


class TotpInvalid(InvalidArgument):
    """The code is wrong, too old or was used before."""

    reason = "TOTP_INVALID"


class TotpAlreadyEnabled(FailedPrecondition):
    """The second factor is on."""

    reason = "TOTP_ALREADY_ENABLED"


class TotpNotBegun(FailedPrecondition):
    """There is no secret to confirm."""

    reason = "TOTP_NOT_BEGUN"


class TotpNotEnabled(FailedPrecondition):
    """The second factor is off."""

    reason = "TOTP_NOT_ENABLED"


class TotpMandatory(FailedPrecondition):
    """An admin who has a second factor keeps it."""

    reason = "TOTP_MANDATORY"


class RefreshTokenInvalid(Unauthenticated):
    """Unknown, expired, revoked or used before."""

    reason = "REFRESH_TOKEN_INVALID"


class SessionNotFound(NotFound):
    """The caller has no such live session."""

    reason = "SESSION_NOT_FOUND"


class PasswordWrong(PermissionDenied):
    """The password that was asked for again is wrong."""

    reason = "PASSWORD_WRONG"


class MailNotConfigured(FailedPrecondition):
    """This installation sends no mail."""

    reason = "MAIL_NOT_CONFIGURED"


class MailTokenInvalid(InvalidArgument):
    """The mailed token is unknown, expired, used or about another address."""

    reason = "MAIL_TOKEN_INVALID"


class EmailMissing(FailedPrecondition):
    """The profile has no address."""

    reason = "EMAIL_MISSING"


class EmailAlreadyVerified(FailedPrecondition):
    """The profile's address is proven."""

    reason = "EMAIL_ALREADY_VERIFIED"


class EmailTaken(AlreadyExists):
    """Another account has proven that address."""

    reason = "EMAIL_TAKEN"


class LastAdmin(FailedPrecondition):
    """The community would be left without an admin."""

    reason = "LAST_ADMIN"


class UserNotFound(NotFound):
    """There is no such user."""

    reason = "USER_NOT_FOUND"


class RoleTooLow(PermissionDenied):
    """The caller does not outrank that user."""

    reason = "ROLE_TOO_LOW"


class ResumeFieldsRequired(InvalidArgument):
    """A new resume needs all its fields."""

    reason = "RESUME_FIELDS_REQUIRED"


class ResumeNotFound(NotFound):
    """The caller has no resume."""

    reason = "RESUME_NOT_FOUND"


class MissingFields(InvalidArgument):
    """A new item lacks required fields."""

    reason = "MISSING_FIELDS"


class WorkExperienceNotFound(NotFound):
    """The caller's resume has no such job."""

    reason = "WORK_EXPERIENCE_NOT_FOUND"


class ProjectExperienceNotFound(NotFound):
    """The caller's resume has no such project."""

    reason = "PROJECT_EXPERIENCE_NOT_FOUND"


class EducationExperienceNotFound(NotFound):
    """The caller's resume has no such school."""

    reason = "EDUCATION_EXPERIENCE_NOT_FOUND"


class CustomSectionNotFound(NotFound):
    """The caller's resume has no such section."""

    reason = "CUSTOM_SECTION_NOT_FOUND"
