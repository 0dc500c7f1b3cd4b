"""The gateway's routes: each reads, asks one service, and shapes the answer; rules live in the services."""

from gateway.routes import accounts, documentation, probes, tokens, users, well_known
from gateway.routes.legacy import posts as legacy_posts
from gateway.routes.legacy import resumes
from gateway.routes.legacy import users as legacy_users
from gateway.routing import Route

ROUTES: tuple[Route, ...] = tuple(
    route
    for group in (legacy_users, resumes, legacy_posts, accounts, tokens, users, well_known, probes, documentation)
    for route in group.routes.routes
)
"""All of the gateway's routes."""
