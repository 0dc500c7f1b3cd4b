"""The keys that sign access tokens: files in a directory, changed without a restart.

`<kid>.pem` holds an Ed25519 private key (PKCS #8), the text file `active` names the one that signs. All of them are
published, so a new key is added first, made active once every verifier has fetched it, and the old one is removed
when its last token has expired.
"""

import asyncio
import base64
import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from auth.waiting import is_set_within

ACTIVE_FILE = "active"
RELOAD_SECONDS = 2.0

log = structlog.get_logger()

_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class KeyDirectoryError(Exception):
    """The key directory cannot be used as it is; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key pair."""

    kid: str
    private_key: Ed25519PrivateKey
    x: str
    """The public key, base64url without padding (RFC 8037)."""


@dataclass(frozen=True, slots=True)
class _State:
    keys: dict[str, SigningKey]
    active: SigningKey
    stamp: tuple[tuple[str, int, int], ...]


class KeyRing:
    """The loaded keys of one directory.

    Args:
        directory: See the module.

    Raises:
        KeyDirectoryError: There is no usable active key.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._state = _load(directory)

    @property
    def active(self) -> SigningKey:
        """The key that signs."""
        return self._state.active

    @property
    def all(self) -> list[SigningKey]:
        """Every key, by kid."""
        return [key for _, key in sorted(self._state.keys.items())]

    def reload(self) -> bool:
        """Read the directory again if a file changed; a broken directory leaves the keys as they are.

        Returns:
            Whether the keys were replaced.

        Raises:
            KeyDirectoryError: The directory changed and is not usable.
        """
        if _stamp(self._directory) == self._state.stamp:
            return False
        self._state = _load(self._directory)
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Reload every two seconds until `stop`."""
        while not await is_set_within(stop, RELOAD_SECONDS):
            try:
                if await asyncio.to_thread(self.reload):
                    log.info("keys.reloaded", active=self.active.kid, kids=[key.kid for key in self.all])
            except (KeyDirectoryError, OSError) as error:
                log.error("keys.unusable", error=str(error))


def add_key(directory: Path) -> str:
    """Make a key and return its kid; the first key of a directory becomes the active one."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    kid = uuid.uuid4().hex
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(directory / f"{kid}.pem", pem)
    if not (directory / ACTIVE_FILE).exists():
        activate_key(directory, kid)
    return kid


def activate_key(directory: Path, kid: str) -> None:
    """Let the key `kid` sign from now on.

    Raises:
        KeyDirectoryError: There is no such key.
    """
    if not _KID.fullmatch(kid) or not (directory / f"{kid}.pem").is_file():
        raise KeyDirectoryError(f"no key {kid} in {directory}")
    _write(directory / ACTIVE_FILE, f"{kid}\n".encode())


def remove_key(directory: Path, kid: str) -> None:
    """Delete the key `kid`; tokens it signed are refused from then on.

    Raises:
        KeyDirectoryError: There is no such key, or it is the active one.
    """
    path = directory / f"{kid}.pem"
    if not _KID.fullmatch(kid) or not path.is_file():
        raise KeyDirectoryError(f"no key {kid} in {directory}")
    if active_kid(directory) == kid:
        raise KeyDirectoryError(f"key {kid} is active: activate another one first")
    path.unlink()


def list_kids(directory: Path) -> list[str]:
    """Return the kids of the keys in `directory`, sorted."""
    return sorted(path.stem for path in directory.glob("*.pem"))


def active_kid(directory: Path) -> str | None:
    """Return the kid in the file `active`, or None if there is no such file."""
    try:
        return (directory / ACTIVE_FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None


def _stamp(directory: Path) -> tuple[tuple[str, int, int], ...]:
    files = [*directory.glob("*.pem"), *directory.glob(ACTIVE_FILE)]
    stats = ((path.name, path.stat()) for path in files)
    # The inode too: an atomic replacement within one clock tick keeps time and size.
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_ino) for name, stat in stats))


def _load(directory: Path) -> _State:
    stamp = _stamp(directory)
    keys = {path.stem: _load_key(path) for path in sorted(directory.glob("*.pem"))}
    kid = active_kid(directory)
    if kid is None or kid not in keys:
        raise KeyDirectoryError(f"no active signing key in {directory}: run `python -m auth keys add`")
    return _State(keys=keys, active=keys[kid], stamp=stamp)


def _load_key(path: Path) -> SigningKey:
    if not _KID.fullmatch(path.stem):
        raise KeyDirectoryError(f"{path.name} is not a key id of letters, digits, `_` and `-`")
    try:
        private_key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise KeyDirectoryError(f"{path} is not a private key in PEM form") from error
    if not isinstance(private_key, Ed25519PrivateKey):
        raise KeyDirectoryError(f"{path} is not an Ed25519 key")
    raw = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return SigningKey(kid=path.stem, private_key=private_key, x=base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
