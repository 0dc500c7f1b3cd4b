"""Signing keys change while the service runs."""

import asyncio
import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from auth import keys
from plaza.auth.v1 import auth_service_pb2 as pb
from plaza_kit.testing.polling import eventually


@pytest.fixture
def signing(tmp_path: Path) -> Path:
    keys.add_key(tmp_path / "own-signing")
    return tmp_path / "own-signing"


@pytest.fixture
def settings_changes(signing: Path) -> dict[str, Any]:
    return {"signing_keys_dir": signing, "login_access_ttl": timedelta(minutes=15)}


async def published(auth: Any) -> dict[str, Ed25519PublicKey]:
    response = await auth.call("GetJwks", pb.GetJwksRequest())
    return {key.kid: Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key.x + "=")) for key in response.keys}


async def test_every_token_is_verified_by_a_key_that_was_published_before(
    auth: Any, signing: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(keys, "RELOAD_SECONDS", 0.01)
    stop = asyncio.Event()
    watcher = asyncio.create_task(auth.service.keys.run(stop))
    await auth.register()
    old_token = (await auth.login()).tokens.access_token
    new_kid = keys.add_key(signing)

    async def is_published() -> bool:
        return new_kid in await published(auth)

    assert await eventually(is_published)
    known = await published(auth)
    keys.activate_key(signing, new_kid)

    async def signs_anew() -> str:
        token = str((await auth.login()).tokens.access_token)
        return token if jwt.get_unverified_header(token)["kid"] == new_kid else ""

    new_token = await eventually(signs_anew)
    for token in (old_token, new_token):
        kid = jwt.get_unverified_header(token)["kid"]
        claims = jwt.decode(token, known[kid], algorithms=["EdDSA"], audience="plaza", issuer="plaza")
        assert claims["username"] == "alice"
    stop.set()
    await asyncio.wait_for(watcher, 2)


async def test_a_broken_directory_is_survived(auth: Any, signing: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(keys, "RELOAD_SECONDS", 0.01)
    stop = asyncio.Event()
    watcher = asyncio.create_task(auth.service.keys.run(stop))
    await auth.register()
    (signing / "active").write_text("nonsense\n")
    assert (await auth.login()).username == "alice"
    new_kid = keys.add_key(signing)
    keys.activate_key(signing, new_kid)
    await eventually(lambda: auth.service.keys.active.kid == new_kid)
    stop.set()
    await asyncio.wait_for(watcher, 2)

    assert jwt.get_unverified_header((await auth.login()).tokens.access_token)["kid"] == new_kid
