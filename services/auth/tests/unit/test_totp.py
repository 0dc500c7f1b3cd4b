"""Codes of the second factor."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from auth import totp

# RFC 6238, appendix B: the SHA-1 secret "12345678901234567890", six digits of the listed eight.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_VECTORS = [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("seconds", "code"), RFC_VECTORS)
def test_the_codes_of_the_standard_match(seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)

    assert totp.match_step(RFC_SECRET, code, now=now, last_step=0) == seconds // 30


@pytest.mark.parametrize(("steps", "matches"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_neighbouring_steps_match(steps: int, matches: bool) -> None:
    secret = totp.new_secret()
    code = pyotp.TOTP(secret).at(NOW + timedelta(seconds=30 * steps))

    assert (totp.match_step(secret, code, now=NOW, last_step=0) is not None) == matches


def test_a_spent_step_and_all_before_it_do_not_match() -> None:
    secret = totp.new_secret()
    step = int(NOW.timestamp()) // 30
    code = pyotp.TOTP(secret).at(NOW)
    previous = pyotp.TOTP(secret).at(NOW - timedelta(seconds=30))

    assert totp.match_step(secret, code, now=NOW, last_step=step - 1) == step
    assert totp.match_step(secret, code, now=NOW, last_step=step) is None
    assert totp.match_step(secret, previous, now=NOW, last_step=step) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "２８７０８２", "28708²", "-87082"])
def test_only_six_ascii_digits_are_a_code(code: str) -> None:
    assert totp.match_step(RFC_SECRET, code, now=datetime.fromtimestamp(59, UTC), last_step=0) is None


def test_blanks_in_a_code_do_not_count() -> None:
    assert totp.match_step(RFC_SECRET, "287 082", now=datetime.fromtimestamp(59, UTC), last_step=0) == 1


def test_recovery_codes_are_ten_different_ones_without_letters_that_look_alike() -> None:
    codes = totp.new_recovery_codes()

    assert len(set(codes)) == 10
    assert all(len(code) == 14 and code[4] == code[9] == "-" for code in codes)
    assert not set("".join(codes)) & set("01ilo")


def test_a_recovery_code_may_be_typed_in_any_form() -> None:
    assert totp.bare_recovery_code("ABCD efgh-2345") == totp.bare_recovery_code("abcd-efgh-2345") == "abcdefgh2345"
