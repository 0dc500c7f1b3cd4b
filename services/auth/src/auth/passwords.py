"""Password hashes: Argon2id for all, Django's PBKDF2 for imported accounts until their next login.

Hashing costs about 20 ms of one core, so it runs in a pool of as many threads as there are cores; more gain nothing.
What waits for the pool is bounded: a flood of logins is answered at once with 503 instead of queueing for minutes.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from argon2 import PasswordHasher as Argon2
from argon2.exceptions import InvalidHashError, VerificationError

from auth.errors import PasswordTooShort
from plaza_kit.errors import Unavailable, Violation

DJANGO_PREFIX = "pbkdf2_sha256$"

MAX_DJANGO_ITERATIONS = 5_000_000
"""An imported hash that wants more work is not believed: it would block a core for seconds."""

T = TypeVar("T")


class Verification(NamedTuple):
    """The outcome of a check."""

    is_valid: bool
    needs_rehash: bool


class PasswordHasher:
    """Hashes and verifies passwords off the event loop.

    Args:
        workers: Threads, best the number of cores.
        queue_limit: Requests that may wait for a thread; further ones are refused.
        least_length: Code points that a new password must have.
    """

    def __init__(self, *, workers: int, queue_limit: int, least_length: int = 8) -> None:
        # 19 MiB, two passes, one lane: the first choice of OWASP's password storage cheat sheet.
        self._argon2 = Argon2(time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16)
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="password")
        self._capacity = workers + queue_limit
        self._pending = 0
        self._least_length = least_length
        self._dummy = self._argon2.hash(secrets.token_urlsafe(16))

    def check_new(self, password: str, field_name: str) -> None:
        """Let pass a new password that is long enough.

        Raises:
            PasswordTooShort: With the limit and the name of the request's field (PASSWORD_TOO_SHORT).
        """
        least = self._least_length
        if len(password) < least:
            raise PasswordTooShort(
                metadata={"minimum": str(least)}, violations=[Violation(field_name, "TOO_SHORT", least)]
            )

    async def hash(self, password: str) -> str:
        """Return the encoded Argon2id hash of `password`.

        Raises:
            Unavailable: Too many hashes are waiting (UNAVAILABLE, with `retry_after`).
        """
        return await self._run(lambda: self._argon2.hash(password))

    async def verify(self, password: str, encoded: str | None) -> Verification:
        """Check `password` against a stored hash.

        Args:
            password: What the client sent.
            encoded: The stored hash; None, empty or of an unknown kind fails at the cost of a real check.

        Raises:
            Unavailable: Too many hashes are waiting (UNAVAILABLE, with `retry_after`).
        """
        return await self._run(lambda: self._verify(password, encoded))

    def close(self) -> None:
        """Stop the threads; hashes under way finish, waiting ones are dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._pending >= self._capacity:
            raise Unavailable("too many passwords are waiting to be hashed", retry_after=1.0)
        self._pending += 1
        future = self._pool.submit(work)
        # A cancelled request leaves its hash running: the slot is free only when the thread is.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._release))
        return await asyncio.wrap_future(future)

    def _release(self) -> None:
        self._pending -= 1

    def _verify(self, password: str, encoded: str | None) -> Verification:
        if encoded and encoded.startswith(DJANGO_PREFIX):
            return Verification(is_valid=verify_django(password, encoded), needs_rehash=True)
        try:
            self._argon2.verify(encoded or self._dummy, password)
        except InvalidHashError:
            self._verify(password, None)
            return Verification(is_valid=False, needs_rehash=False)
        except VerificationError:
            return Verification(is_valid=False, needs_rehash=False)
        if not encoded:
            return Verification(is_valid=False, needs_rehash=False)
        return Verification(is_valid=True, needs_rehash=self._argon2.check_needs_rehash(encoded))


def verify_django(password: str, encoded: str) -> bool:
    """Check `password` against `pbkdf2_sha256$iterations$salt$hash`, the format of Django's default hasher.

    Returns:
        False for a wrong password and for an encoding that does not hold together.
    """
    try:
        _, iterations_text, salt, expected_text = encoded.split("$")
        iterations = int(iterations_text)
        expected = base64.b64decode(expected_text, validate=True)
    except (ValueError, binascii.Error):
        return False
    if not 1 <= iterations <= MAX_DJANGO_ITERATIONS:
        return False
    actual = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations)
    return hmac.compare_digest(actual, expected)
