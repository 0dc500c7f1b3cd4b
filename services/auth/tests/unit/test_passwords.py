"""Password hashes, Django's included."""

import asyncio
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher as Argon2

from auth.passwords import PasswordHasher, verify_django
from plaza_kit.errors import Unavailable
from plaza_kit.testing.polling import eventually

# What Django itself answers for make_password("lètmein", "seasalt"), by the iterations of its versions.
DJANGO_HASHES = [
    "pbkdf2_sha256$12000$seasalt$Ybw8zsFxqja97tY/o6G+Fy1ksY4U/Hw3DRrGED6Up4s=",
    "pbkdf2_sha256$870000$seasalt$wJSpLMQRQz0Dhj/pFpbyjMj71B2gUYp6HJS5AU+32Ac=",
]


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    hasher = PasswordHasher(workers=2, queue_limit=8)
    yield hasher
    hasher.close()


async def test_a_hash_is_argon2id_with_the_chosen_cost(hasher: PasswordHasher) -> None:
    encoded = await hasher.hash("correct horse")

    assert encoded.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await hasher.hash("correct horse") != encoded
    assert await hasher.verify("correct horse", encoded) == (True, False)
    assert await hasher.verify("Correct horse", encoded) == (False, False)


@pytest.mark.parametrize("encoded", [None, "", "!unusable", "md5$x$y", "$argon2id$broken"])
async def test_without_a_usable_hash_nothing_fits(hasher: PasswordHasher, encoded: str | None) -> None:
    assert await hasher.verify("anything", encoded) == (False, False)


async def test_a_weaker_hash_asks_for_a_new_one(hasher: PasswordHasher) -> None:
    weak = Argon2(time_cost=1, memory_cost=8, parallelism=1).hash("x")

    assert await hasher.verify("x", weak) == (True, True)
    assert await hasher.verify("y", weak) == (False, False)


@pytest.mark.parametrize("encoded", DJANGO_HASHES)
def test_djangos_own_hashes_fit(encoded: str) -> None:
    assert verify_django("lètmein", encoded)
    assert not verify_django("letmein", encoded)


async def test_a_django_hash_asks_for_a_new_one(hasher: PasswordHasher) -> None:
    assert await hasher.verify("lètmein", DJANGO_HASHES[0]) == (True, True)


@pytest.mark.parametrize(
    "encoded",
    [
        "pbkdf2_sha256$",
        "pbkdf2_sha256$many$seasalt$aGFzaA==",
        "pbkdf2_sha256$0$seasalt$aGFzaA==",
        "pbkdf2_sha256$-5$seasalt$aGFzaA==",
        "pbkdf2_sha256$99999999999$seasalt$aGFzaA==",
        "pbkdf2_sha256$1$seasalt$not base64",
        "pbkdf2_sha256$1$sea$salt$aGFzaA==",
    ],
)
def test_an_encoding_that_does_not_hold_together_never_fits(encoded: str) -> None:
    assert not verify_django("x", encoded)


async def test_what_waits_is_bounded() -> None:
    hasher = PasswordHasher(workers=1, queue_limit=2)
    outcomes = await asyncio.gather(*(hasher.hash("x") for _ in range(6)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Unavailable)]

    assert len(refused) == 3
    assert {error.retry_after for error in refused} == {1.0}
    assert (await hasher.hash("x")).startswith("$argon2id$")
    hasher.close()


async def test_a_cancelled_request_frees_its_place_when_its_thread_is_done() -> None:
    hasher = PasswordHasher(workers=1, queue_limit=0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await hasher.hash("x")
    with pytest.raises(Unavailable):
        await hasher.hash("x")

    async def is_free() -> bool:
        try:
            return bool(await hasher.hash("x"))
        except Unavailable:
            return False

    assert await eventually(is_free)
    hasher.close()
