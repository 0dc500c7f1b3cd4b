"""Who may do what in the forum: for each operation, the answer to each kind of user who asks for what is the author's.

A grant names the code of the refusal; empty is success. Whoever is not signed in, or is banned or deleted, gets what
`nobody` gets on an open operation and 401 on a closed one.
"""

from typing import Any, NamedTuple

NOBODY = ("anonymous", "banned", "deleted")
SIGNED_IN = ("author", "other", "moderator", "admin")
STAFF = ("moderator", "admin")


class Grant(NamedTuple):
    """Who may, and what the others are told."""

    author: str = ""
    other: str = ""
    moderator: str = ""
    admin: str = ""
    is_open: bool = False


class Rule(NamedTuple):
    """One operation.

    Attributes:
        grant: Who may.
        subject: What `{id}` is, a name of `forum_scene.Scene`; empty if there is none.
        body: What is sent; `$name` stands for a value of the scene.
        query: The query string.
    """

    grant: Grant
    subject: str = ""
    body: dict[str, Any] | None = None
    query: str = ""


def only(who: str, code: str) -> Grant:
    author, other, moderator, admin = ("" if role in who.split() else code for role in SIGNED_IN)
    return Grant(author, other, moderator, admin)


OPEN = Grant(is_open=True)
MEMBER = Grant()
MODERATOR = only("moderator admin", "PERMISSION_DENIED")
ADMIN = only("admin", "PERMISSION_DENIED")
DRAFT = only("author", "DRAFT_NOT_FOUND")
NOT_OWN = Grant(author="OWN_CONTENT")
POST_AUTHOR = only("author", "NOT_POST_AUTHOR")
POST_EDITOR = only("author moderator admin", "NOT_POST_AUTHOR")
REPLY_AUTHOR = only("author", "NOT_REPLY_AUTHOR")
REPLY_EDITOR = only("author moderator admin", "NOT_REPLY_AUTHOR")
NOT_GONE = Grant("PERMISSION_DENIED", "PERMISSION_DENIED", "NOT_REMOVED", "NOT_REMOVED")

POST = {"title": "$text", "content": "$text"}
REPLY = {"content": "$text"}
REPORT = {"reason": "spam"}
REMOVAL = {"reason": "Advertising"}

LEGACY = {
    "POST /posts/create/": Rule(MEMBER, body=POST),
    "POST /posts/update/{id}/": Rule(POST_EDITOR, "post", POST),
    "GET /posts/list/": Rule(OPEN),
    "GET /posts/detail/{id}/": Rule(OPEN, "post"),
    "POST /posts/reply/create/{id}/": Rule(MEMBER, "post", REPLY),
    "POST /posts/reply/update/{id}/": Rule(REPLY_EDITOR, "reply", REPLY),
    "POST /posts/delete/{id}/": Rule(POST_AUTHOR, "post"),
    "DELETE /posts/delete/{id}/": Rule(POST_AUTHOR, "post"),
    "POST /posts/reply/delete/{id}/": Rule(REPLY_AUTHOR, "reply"),
    "DELETE /posts/reply/delete/{id}/": Rule(REPLY_AUTHOR, "reply"),
}

TEXTS = {
    "GET /posts": Rule(OPEN),
    "POST /posts": Rule(MEMBER, body=POST),
    "GET /posts/{id}": Rule(OPEN, "post"),
    "PATCH /posts/{id}": Rule(POST_EDITOR, "post", POST),
    "DELETE /posts/{id}": Rule(POST_AUTHOR, "post"),
    "GET /posts/{id}/replies": Rule(OPEN, "post"),
    "POST /posts/{id}/replies": Rule(MEMBER, "post", REPLY),
    "GET /replies/{id}": Rule(OPEN, "reply"),
    "PATCH /replies/{id}": Rule(REPLY_EDITOR, "reply", REPLY),
    "DELETE /replies/{id}": Rule(REPLY_AUTHOR, "reply"),
    "GET /posts/{id}/revisions": Rule(OPEN, "edited_post"),
    "GET /posts/{id}/revisions/{n}": Rule(OPEN, "edited_post"),
    "POST /posts/{id}/revisions/{n}/restore": Rule(POST_EDITOR, "edited_post"),
    "GET /replies/{id}/revisions": Rule(OPEN, "edited_reply"),
    "GET /replies/{id}/revisions/{n}": Rule(OPEN, "edited_reply"),
    "POST /replies/{id}/revisions/{n}/restore": Rule(REPLY_EDITOR, "edited_reply"),
    "GET /drafts": Rule(MEMBER),
    "POST /drafts": Rule(MEMBER, body=POST),
    "GET /drafts/{id}": Rule(DRAFT, "draft"),
    "PUT /drafts/{id}": Rule(DRAFT, "draft", POST),
    "DELETE /drafts/{id}": Rule(DRAFT, "draft"),
}

PLACES = {
    "GET /categories": Rule(OPEN),
    "POST /categories": Rule(ADMIN, body={"name": "$text", "slug": "$word"}),
    "GET /categories/{id}": Rule(OPEN, "category"),
    "PATCH /categories/{id}": Rule(ADMIN, "category", {"name": "$text"}),
    "DELETE /categories/{id}": Rule(ADMIN, "category"),
    "GET /tags": Rule(OPEN),
    "GET /tags/{id}": Rule(OPEN, "tag"),
    "PATCH /tags/{id}": Rule(MODERATOR, "tag", {"description": "$text"}),
    "DELETE /tags/{id}": Rule(MODERATOR, "tag"),
    "GET /search": Rule(OPEN, query="?q=tomatoes"),
    "GET /feeds/latest.atom": Rule(OPEN),
    "GET /feeds/categories/{id}.atom": Rule(OPEN, "category"),
    "GET /feeds/tags/{id}.atom": Rule(OPEN, "tag"),
    "GET /feeds/users/{id}.atom": Rule(OPEN, "user"),
}

PEOPLE = {
    "PUT /posts/{id}/vote": Rule(NOT_OWN, "post", {"value": 1}),
    "PUT /replies/{id}/vote": Rule(NOT_OWN, "reply", {"value": -1}),
    "POST /posts/{id}/reactions": Rule(MEMBER, "post", {"emoji": "👍"}),
    "DELETE /posts/{id}/reactions": Rule(MEMBER, "post", query="?emoji=👍"),
    "POST /replies/{id}/reactions": Rule(MEMBER, "reply", {"emoji": "👍"}),
    "DELETE /replies/{id}/reactions": Rule(MEMBER, "reply", query="?emoji=👍"),
    "PUT /posts/{id}/answer": Rule(POST_EDITOR, "post", {"reply_id": "$reply"}),
    "DELETE /posts/{id}/answer": Rule(POST_EDITOR, "post"),
    "PUT /posts/{id}/read": Rule(MEMBER, "post", {"last_read_number": 1}),
    "POST /posts/read": Rule(MEMBER),
    "PUT /posts/{id}/bookmark": Rule(MEMBER, "post"),
    "DELETE /posts/{id}/bookmark": Rule(MEMBER, "post"),
    "PUT /replies/{id}/bookmark": Rule(MEMBER, "reply"),
    "DELETE /replies/{id}/bookmark": Rule(MEMBER, "reply"),
    "GET /bookmarks": Rule(MEMBER),
    "PUT /posts/{id}/follow": Rule(MEMBER, "post"),
    "DELETE /posts/{id}/follow": Rule(MEMBER, "post"),
    "PUT /categories/{id}/follow": Rule(MEMBER, "category"),
    "DELETE /categories/{id}/follow": Rule(MEMBER, "category"),
    "PUT /tags/{id}/follow": Rule(MEMBER, "tag"),
    "DELETE /tags/{id}/follow": Rule(MEMBER, "tag"),
    "PUT /users/{id}/follow": Rule(NOT_OWN, "user"),
    "DELETE /users/{id}/follow": Rule(MEMBER, "user"),
    "GET /follows": Rule(MEMBER),
    "PUT /users/{id}/block": Rule(NOT_OWN, "user"),
    "DELETE /users/{id}/block": Rule(MEMBER, "user"),
    "GET /blocks": Rule(MEMBER),
    "GET /notifications": Rule(MEMBER),
    "GET /notifications/unread-count": Rule(MEMBER),
    "POST /notifications/read": Rule(MEMBER, body={"up_to_id": 1}),
    "GET /notifications/preferences": Rule(MEMBER),
    "PATCH /notifications/preferences": Rule(MEMBER, body={"mention": True}),
}

ORDER = {
    "PUT /posts/{id}/pin": Rule(MODERATOR, "post", {"scope": "category"}),
    "DELETE /posts/{id}/pin": Rule(MODERATOR, "post"),
    "PUT /posts/{id}/lock": Rule(MODERATOR, "post"),
    "DELETE /posts/{id}/lock": Rule(MODERATOR, "post"),
    "PUT /posts/{id}/feature": Rule(MODERATOR, "post"),
    "DELETE /posts/{id}/feature": Rule(MODERATOR, "post"),
    "PUT /posts/{id}/category": Rule(MODERATOR, "post", {"category_id": "$category"}),
    "POST /posts/{id}/merge": Rule(MODERATOR, "post", {"target_post_id": "$second_post", "reply_ids": ["$reply"]}),
    "POST /posts/{id}/remove": Rule(MODERATOR, "post", REMOVAL),
    "POST /replies/{id}/remove": Rule(MODERATOR, "reply", REMOVAL),
    "POST /posts/{id}/restore": Rule(NOT_GONE, "post"),
    "POST /replies/{id}/restore": Rule(NOT_GONE, "reply"),
    "POST /posts/{id}/reports": Rule(NOT_OWN, "post", REPORT),
    "POST /replies/{id}/reports": Rule(NOT_OWN, "reply", REPORT),
    "GET /moderation/cases": Rule(MODERATOR),
    "GET /moderation/cases/{id}": Rule(MODERATOR, "case"),
    "PUT /moderation/cases/{id}/claim": Rule(MODERATOR, "case"),
    "DELETE /moderation/cases/{id}/claim": Rule(MODERATOR, "case"),
    "POST /moderation/cases/{id}/resolve": Rule(MODERATOR, "case", {"resolution": "remove", "reason": "Advertising"}),
    "GET /moderation/audit": Rule(MODERATOR),
    "GET /moderation/word-filters": Rule(MODERATOR),
    "POST /moderation/word-filters": Rule(ADMIN, body={"phrase": "$word", "action": "hold"}),
    "DELETE /moderation/word-filters/{id}": Rule(ADMIN, "word_filter"),
    "GET /webhooks": Rule(ADMIN),
    "POST /webhooks": Rule(ADMIN, body={"url": "$address", "events": ["post.created"]}),
    "PATCH /webhooks/{id}": Rule(ADMIN, "webhook", {"is_active": False}),
    "DELETE /webhooks/{id}": Rule(ADMIN, "webhook"),
    "GET /webhooks/{id}/deliveries": Rule(ADMIN, "webhook"),
    "POST /webhooks/{id}/deliveries/{n}/replay": Rule(ADMIN, "webhook"),
}

RULES: dict[str, Rule] = {**LEGACY, **TEXTS, **PLACES, **PEOPLE, **ORDER}

NOT_FOUND = {
    "post": "POST_NOT_FOUND",
    "edited_post": "POST_NOT_FOUND",
    "reply": "REPLY_NOT_FOUND",
    "edited_reply": "REPLY_NOT_FOUND",
    "category": "CATEGORY_NOT_FOUND",
}
"""What is told of a subject that the caller may not see."""

CONTENT = {operation: rule for operation, rule in RULES.items() if rule.subject in NOT_FOUND}
"""The operations on posts, replies and categories, which may be out of sight or closed."""

NEW_REPLIES = ("POST /posts/reply/create/{id}/", "POST /posts/{id}/replies")

WRITES_REPLIES = (
    *NEW_REPLIES,
    "POST /posts/reply/update/{id}/",
    "PATCH /replies/{id}",
    "POST /replies/{id}/revisions/{n}/restore",
)
"""What a locked post refuses to all but moderators."""


def answer_to(actor: str, rule: Rule) -> str:
    """Return the code that an actor gets for what is in everybody's sight, empty for success."""
    if actor in SIGNED_IN:
        return str(getattr(rule.grant, actor))
    if rule.grant.is_open:
        return ""
    return "TOKEN_MISSING" if actor == "anonymous" else "TOKEN_INVALID"


def answer_out_of_sight(actor: str, rule: Rule) -> str:
    """Return the code for what only moderators may see: it does not exist, but who may not at all is told that first."""
    plain = answer_to(actor, rule)
    is_refused_first = plain in ("TOKEN_MISSING", "TOKEN_INVALID", "PERMISSION_DENIED")
    return plain if actor in STAFF or is_refused_first else NOT_FOUND[rule.subject]


def answer_when_locked(actor: str, operation: str) -> str:
    """Return the code for an operation on a locked post or a reply to one."""
    plain = answer_to(actor, RULES[operation])
    return "POST_LOCKED" if operation in WRITES_REPLIES and actor not in STAFF and not plain else plain
