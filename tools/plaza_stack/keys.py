"""Keys of the local stack, made once and kept in the data directory, readable by its owner only."""

import base64
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Keys:
    """Makes the secrets that deployables ask for by the name of their setting (`[tool.plaza] secrets`)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.trusted = directory / "trusted"  # public halves of the internal keys, <issuer>.pem
        self.trusted.mkdir(mode=0o700, exist_ok=True)

    def secret(self, owner: str, setting: str) -> Path:
        """Return the path that goes into one setting of one deployable, making the secret if there is none.

        Args:
            owner: Name of the deployable.
            setting: `internal_key_file`, an Ed25519 key that signs internal tokens (its public half becomes
                trusted); `signing_keys_dir`, Ed25519 keys `<kid>.pem` with a file `active` that names one;
                `data_key_file`, 32 random bytes in base64 on one line.

        Raises:
            KeyError: No such secret is known.
        """
        make = {
            "internal_key_file": self._internal_key,
            "signing_keys_dir": self._signing_keys,
            "data_key_file": self._data_key,
        }[setting]
        folder = self._directory / owner
        folder.mkdir(mode=0o700, exist_ok=True)
        return make(owner, folder)

    def _internal_key(self, owner: str, folder: Path) -> Path:
        path, public = folder / "internal.pem", self.trusted / f"{owner}.pem"
        if not path.exists():
            _write(path, _private_pem(Ed25519PrivateKey.generate()))
        if not public.exists():
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
            _write(public, key.public_key().public_bytes(*_PUBLIC))
        return path

    def _signing_keys(self, _owner: str, folder: Path) -> Path:
        directory = folder / "signing"
        active = directory / "active"
        directory.mkdir(mode=0o700, exist_ok=True)
        if not active.exists():
            kid = secrets.token_hex(8)
            _write(directory / f"{kid}.pem", _private_pem(Ed25519PrivateKey.generate()))
            _write(active, f"{kid}\n".encode())
        return directory

    def _data_key(self, _owner: str, folder: Path) -> Path:
        path = folder / "data.key"
        if not path.exists():
            _write(path, base64.b64encode(secrets.token_bytes(32)) + b"\n")
        return path


_PUBLIC = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _private_pem(key: Ed25519PrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def _write(path: Path, content: bytes) -> None:
    """Write a file that is whole or not there, readable by the owner only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)
