"""The second factor: time-based codes (RFC 6238) and recovery codes."""

import hmac
import secrets
from datetime import datetime

import pyotp

STEP_SECONDS = 30
"""Life of one code, and the default of every authenticator application."""

DRIFT_STEPS = 1
"""Codes of the neighbouring steps are taken too: clocks differ (RFC 6238, 5.2)."""

RECOVERY_CODE_COUNT = 10
_RECOVERY_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_RECOVERY_LENGTH = 12


def new_secret() -> str:
    """Return a fresh secret of 160 bits in base32, the size RFC 4226 recommends."""
    return pyotp.random_base32(32)


def otpauth_uri(secret: str, *, username: str, issuer: str) -> str:
    """Return the `otpauth://totp/...` URI that authenticator applications read from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)


def match_step(secret: str, code: str, *, now: datetime, last_step: int) -> int | None:
    """Return the time step whose code this is.

    Args:
        secret: Base32.
        code: What the user typed; blanks are ignored.
        now: The time of the check.
        last_step: The last step that was spent; it and all before it are refused, so no code works twice.

    Returns:
        The step (UNIX seconds divided by 30), or None if no allowed step has this code.
    """
    digits = code.replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) == 6):
        return None
    generator = pyotp.TOTP(secret)
    current = int(now.timestamp()) // STEP_SECONDS
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if step > last_step and hmac.compare_digest(generator.generate_otp(step), digits):
            return step
    return None


def new_recovery_codes() -> list[str]:
    """Return ten different codes of the form `xxxx-xxxx-xxxx`, 59 bits each, without letters that look alike."""
    codes: set[str] = set()
    while len(codes) < RECOVERY_CODE_COUNT:
        raw = "".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(_RECOVERY_LENGTH))
        codes.add("-".join(raw[start : start + 4] for start in range(0, _RECOVERY_LENGTH, 4)))
    return sorted(codes)


def bare_recovery_code(code: str) -> str:
    """Return a recovery code as it is compared: case, blanks and dashes do not count."""
    return code.replace("-", "").replace(" ", "").lower()
