"""Names of accounts: which are allowed, and when two are the same.

Two names are one account when they are equal after NFKC normalisation and case folding. The normalised form lives in
a binary column of its own, so that every database agrees with this module and not with one of its collations.
"""

import unicodedata

MAX_LENGTH = 150
"""Code points of a name, as registered (legacy contract, 4.1)."""

MAX_KEY_BYTES = 600
"""Bytes of a normalised name: 150 code points of at most four bytes. NFKC can expand a letter up to 18 times."""

_PUNCTUATION = frozenset("_@+.-")


def normalise(text: str) -> str:
    """Return `text` in the form in which names and addresses are compared.

    This is NFKC, case folding and NFKC once more, for folding can leave the normal form (Unicode, 3.13, D146).
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def key_of(username: str) -> bytes:
    """Return the unique key of a name: its normalised form in UTF-8."""
    return normalise(username).encode()


def is_valid(username: str) -> bool:
    """Tell whether a new account may have this name: 1 to 150 letters and digits of any script and `_ @ + . -`.

    Letters may come decomposed. The normalised form must keep to the alphabet too: some single letters normalise to
    whole phrases with blanks in them.
    """
    if not 1 <= len(username) <= MAX_LENGTH or len(key_of(username)) > MAX_KEY_BYTES:
        return False
    return _in_alphabet(unicodedata.normalize("NFC", username)) and _in_alphabet(normalise(username))


def _in_alphabet(text: str) -> bool:
    return all(character.isalnum() or character in _PUNCTUATION for character in text)
