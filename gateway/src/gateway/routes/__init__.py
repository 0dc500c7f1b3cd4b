"""The gateway's routes: each reads, asks the services, and shapes the answer; rules live in the services."""

from gateway.routes import (
    accounts,
    cases,
    categories,
    documentation,
    drafts,
    engagement,
    feeds,
    following,
    moderation,
    notifications,
    posts,
    probes,
    replies,
    revisions,
    search,
    tags,
    tokens,
    users,
    webhooks,
    well_known,
)
from gateway.routes.legacy import posts as legacy_posts
from gateway.routes.legacy import resumes
from gateway.routes.legacy import users as legacy_users
from gateway.routing import Route

_LEGACY = (legacy_users, resumes, legacy_posts)
_ACCOUNTS = (accounts, tokens, users)
_FORUM = (posts, replies, revisions, drafts, categories, tags, search, feeds)
_PEOPLE = (engagement, following, notifications)
_ORDER = (moderation, cases, webhooks)
_PROCESS = (well_known, probes, documentation)

ROUTES: tuple[Route, ...] = tuple(
    route for group in (*_LEGACY, *_ACCOUNTS, *_FORUM, *_PEOPLE, *_ORDER, *_PROCESS) for route in group.routes.routes
)
"""All of the gateway's routes."""
