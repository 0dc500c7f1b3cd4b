"""The directory of signing keys."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from auth import keys


def test_the_first_key_signs(tmp_path: Path) -> None:
    kid = keys.add_key(tmp_path / "signing")
    second = keys.add_key(tmp_path / "signing")
    ring = keys.KeyRing(tmp_path / "signing")

    assert ring.active.kid == kid
    assert [key.kid for key in ring.all] == sorted([kid, second])


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    kid = keys.add_key(tmp_path / "signing")

    assert (tmp_path / "signing").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "signing" / f"{kid}.pem").stat().st_mode & 0o777 == 0o600


def test_a_key_is_activated_and_the_old_one_removed_without_a_restart(tmp_path: Path) -> None:
    old = keys.add_key(tmp_path)
    ring = keys.KeyRing(tmp_path)
    new = keys.add_key(tmp_path)
    assert ring.reload()
    assert (ring.active.kid, len(ring.all)) == (old, 2)
    keys.activate_key(tmp_path, new)
    assert ring.reload()
    assert ring.active.kid == new
    keys.remove_key(tmp_path, old)
    assert ring.reload()

    assert [key.kid for key in ring.all] == [new]
    assert not ring.reload()


def test_the_active_key_cannot_be_removed(tmp_path: Path) -> None:
    kid = keys.add_key(tmp_path)

    with pytest.raises(keys.KeyDirectoryError, match="activate another one first"):
        keys.remove_key(tmp_path, kid)


@pytest.mark.parametrize("kid", ["unknown", "../signing", ""])
def test_an_unknown_key_cannot_be_activated_or_removed(tmp_path: Path, kid: str) -> None:
    keys.add_key(tmp_path)

    with pytest.raises(keys.KeyDirectoryError, match="no key"):
        keys.activate_key(tmp_path, kid)
    with pytest.raises(keys.KeyDirectoryError, match="no key"):
        keys.remove_key(tmp_path, kid)


def test_without_an_active_key_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(keys.KeyDirectoryError, match="python -m auth keys add"):
        keys.KeyRing(tmp_path)


def test_only_ed25519_keys_are_taken(tmp_path: Path) -> None:
    keys.add_key(tmp_path)
    elliptic = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "other.pem").write_bytes(elliptic)
    with pytest.raises(keys.KeyDirectoryError, match="not an Ed25519 key"):
        keys.KeyRing(tmp_path)
    (tmp_path / "other.pem").write_bytes(b"nonsense")
    with pytest.raises(keys.KeyDirectoryError, match="not a private key"):
        keys.KeyRing(tmp_path)


def test_a_broken_directory_leaves_the_keys_as_they_are(tmp_path: Path) -> None:
    kid = keys.add_key(tmp_path)
    ring = keys.KeyRing(tmp_path)
    (tmp_path / "active").write_text("gone\n")
    with pytest.raises(keys.KeyDirectoryError):
        ring.reload()

    assert ring.active.kid == kid
