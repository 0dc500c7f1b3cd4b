"""Answers about accounts, sessions and users; `*_time` is RFC 3339 in UTC."""

from typing import Literal

import msgspec

from gateway.schemas.scalars import Id, Milliseconds
from gateway.times import milliseconds_or_none, to_milliseconds
from plaza.auth.v1 import account_service_pb2, session_service_pb2, token_pb2, user_pb2, user_service_pb2

Role = Literal["user", "moderator", "admin"]

_ROLES: dict[int, Role] = {
    user_pb2.ROLE_USER: "user",
    user_pb2.ROLE_MODERATOR: "moderator",
    user_pb2.ROLE_ADMIN: "admin",
}


class Tokens(msgspec.Struct):
    """What a sign-in or a refresh yields; `expires_in` is in seconds."""

    token: str
    refresh_token: str
    expires_in: int

    @classmethod
    def of(cls, tokens: token_pb2.TokenPair) -> "Tokens":
        """Return what the service issued."""
        return cls(tokens.access_token, tokens.refresh_token, tokens.expires_in_seconds)


class Session(msgspec.Struct):
    """One sign-in on one device."""

    id: str
    device: str
    address: str
    created_time: Milliseconds
    last_seen_time: Milliseconds
    expire_time: Milliseconds
    is_current: bool

    @classmethod
    def of(cls, session: session_service_pb2.Session) -> "Session":
        """Return what the service keeps."""
        return cls(
            session.id,
            session.device,
            session.address,
            to_milliseconds(session.created_time),
            to_milliseconds(session.last_seen_time),
            to_milliseconds(session.expire_time),
            session.is_current,
        )


class Sessions(msgspec.Struct):
    """Live sessions, last used first."""

    sessions: list[Session]


class RevokedCount(msgspec.Struct):
    """How many sessions were ended."""

    revoked_count: int


class Account(msgspec.Struct):
    """An account as its owner sees it."""

    id: Id
    username: str
    role: Role
    email: str
    is_email_verified: bool
    is_totp_enabled: bool
    recovery_codes_left: int
    avatar: str
    joined_time: Milliseconds

    @classmethod
    def of(cls, account: account_service_pb2.GetAccountResponse) -> "Account":
        """Return what the service keeps."""
        return cls(
            account.id,
            account.username,
            _ROLES.get(account.role, "user"),
            account.email,
            account.is_email_verified,
            account.is_totp_enabled,
            account.recovery_codes_left,
            account.avatar,
            to_milliseconds(account.joined_time),
        )


class TotpSecret(msgspec.Struct):
    """A second factor that waits for its confirmation; `otpauth_uri` is for a QR code."""

    secret: str
    otpauth_uri: str


class RecoveryCodes(msgspec.Struct):
    """Codes that each replace the second factor once; shown this one time."""

    recovery_codes: list[str]


class User(msgspec.Struct):
    """What everybody may know of a user; the name of a deleted one is empty."""

    id: Id
    username: str
    avatar: str
    role: Role
    is_deleted: bool
    is_banned: bool
    joined_time: Milliseconds

    @classmethod
    def of(cls, user: user_pb2.UserSummary) -> "User":
        """Return what the service keeps."""
        return cls(
            user.id,
            user.username,
            user.avatar,
            _ROLES.get(user.role, "user"),
            user.is_deleted,
            user.is_banned,
            to_milliseconds(user.joined_time),
        )


class ManagedUser(User):
    """A user as a moderator sees them; a ban without `ban_until_time` is for good."""

    ban_reason: str
    ban_until_time: Milliseconds | None

    @classmethod
    def managed(cls, managed: user_service_pb2.ManagedUser) -> "ManagedUser":
        """Return what the service keeps."""
        return cls(
            **msgspec.structs.asdict(User.of(managed.user)),
            ban_reason=managed.ban_reason,
            ban_until_time=milliseconds_or_none(managed, "ban_until_time"),
        )


class Users(msgspec.Struct):
    """A page of users by id; `next_page_token` is empty on the last page."""

    users: list[ManagedUser]
    next_page_token: str


class Jwk(msgspec.Struct):
    """A public key (RFC 7517, RFC 8037)."""

    kid: str
    x: str
    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"


class Jwks(msgspec.Struct):
    """The keys that verify access tokens."""

    keys: list[Jwk]
