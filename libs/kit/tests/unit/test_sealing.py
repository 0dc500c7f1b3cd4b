import base64
from pathlib import Path

import pytest

from plaza_kit.page_token import PageTokenInvalid, PageTokens
from plaza_kit.sealing import SealBroken, Sealer

KEY = bytes(range(32))


def test_what_was_sealed_opens_in_its_context_only() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(b"secret", "totp:1")
    assert sealer.open(sealed, "totp:1") == b"secret"
    assert b"secret" not in sealed
    with pytest.raises(SealBroken):
        sealer.open(sealed, "totp:2")


@pytest.mark.parametrize("position", [0, 1, 13, -1])
def test_a_changed_byte_breaks_the_seal(position: int) -> None:
    sealed = bytearray(Sealer(KEY).seal(b"secret", "a"))
    sealed[position] ^= 1
    with pytest.raises(SealBroken):
        Sealer(KEY).open(bytes(sealed), "a")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + b"0" * 12])
def test_a_cut_value_does_not_open(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        Sealer(KEY).open(sealed, "a")


def test_another_key_opens_nothing() -> None:
    with pytest.raises(SealBroken):
        Sealer(bytes(32)).open(Sealer(KEY).seal(b"secret", "a"), "a")


def test_fingerprints_keep_their_parts_apart() -> None:
    sealer = Sealer(KEY)
    assert sealer.fingerprint(b"ab", b"c") != sealer.fingerprint(b"a", b"bc")
    assert sealer.fingerprint(b"ab", b"c") == Sealer(KEY).fingerprint(b"ab", b"c")


def test_a_data_key_is_32_bytes_of_base64(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(base64.b64encode(KEY) + b"\n")
    assert Sealer.from_file(path).fingerprint(b"x") == Sealer(KEY).fingerprint(b"x")
    path.write_bytes(base64.b64encode(KEY[:16]))
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer.from_file(path)


def test_a_page_token_brings_its_position_back() -> None:
    tokens = PageTokens(KEY)
    assert tokens.decode("users:", tokens.encode("users:", 42, "张三")) == [42, "张三"]


@pytest.mark.parametrize("token", ["", "x", "!!!", "字", "AAAAAAAAAAAAAAAAAAAAAAAAAA", "A" * 4000])
def test_a_made_up_page_token_is_refused(token: str) -> None:
    with pytest.raises(PageTokenInvalid):
        PageTokens(KEY).decode("users:", token)


def test_a_page_token_is_good_for_its_list_only() -> None:
    tokens = PageTokens(KEY)
    with pytest.raises(PageTokenInvalid):
        tokens.decode("users:prefix=b", tokens.encode("users:prefix=a", 42))
