"""Codes that many routes share."""

REFUSED_TEXT = ("USER_BANNED", "NEW_USER_LINK_LIMIT", "CONTENT_REJECTED")
"""A text that is changed may be refused for these."""

REFUSED_NEW_TEXT = (*REFUSED_TEXT, "DUPLICATE_POST", "NEW_USER_RATE_LIMIT")
"""A new text may be refused for these."""
