"""When two spellings are one name: equal after NFKC normalisation and case folding, as the auth service has it."""

import unicodedata


def key_of(username: str) -> bytes:
    """Return the normalised form of a name in UTF-8; at most 600 bytes for names that accounts can have."""
    # Folding can leave the normal form (Unicode, 3.13, D146), so it is normalised once more.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold()).encode()
