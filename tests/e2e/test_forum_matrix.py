"""Every operation of the forum, asked by every kind of user, for what is in sight, hidden, deleted and locked.

The operations come from the OpenAPI document, the answers from `forum_rules`; one without a rule fails. Nobody's
request works on what another one has changed: a refused one must change nothing, and after one that succeeded
everything is made anew.
"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.e2e.community import check_problem
from tests.e2e.forum_rules import (
    CONTENT,
    NEW_REPLIES,
    NOBODY,
    RULES,
    SIGNED_IN,
    STAFF,
    answer_out_of_sight,
    answer_to,
    answer_when_locked,
)
from tests.e2e.forum_scene import Person, Scene, connected, make_cast
from tests.e2e.running_stack import RunningStack

from plaza_kit.testing.polling import wait_until

TAGS = {
    "Posts", "Replies", "Revisions", "Drafts", "Categories", "Tags", "Search", "Feeds", "Engagement", "Following",
    "Notifications", "Moderation", "Webhooks", "Posts (legacy)",
}  # fmt: skip
Operations = dict[str, dict[str, Any]]
Condition = Callable[[Scene], None]


class Stage:
    """People, and scenes: one for each operation and condition as long as nothing changes it."""

    def __init__(self, stack: RunningStack, http: httpx.Client) -> None:
        self.cast = make_cast(stack, http)
        self.hidden = self._category("hidden", read_role="moderator")
        self.closed = self._category("closed", write_role="moderator")
        self._scenes: dict[tuple[str, str], tuple[Scene, Any]] = {}

    def _category(self, name: str, **roles: str) -> int:
        body = {"name": name, "slug": name, **roles}
        return int(self.cast["admin"].do("POST", "/categories", body)["id"])

    def take(self, operation: str, condition: Condition | None) -> tuple[Scene, Any]:
        """Return things that are as the condition wants them, all that the operation names, and how they look.

        Nobody gets them again unless they are put back.
        """
        kept = self._scenes.pop((operation, condition.__name__ if condition else ""), None)
        if kept is not None:
            return kept
        scene = Scene(self.cast, hidden=self.hidden, closed=self.closed)
        request_of(operation, scene)
        if condition:
            condition(scene)
        return scene, scene.state()

    def put_back(self, operation: str, condition: Condition | None, scene: Scene, state: Any) -> None:
        """Keep what nothing has changed for the next one who asks."""
        self._scenes[operation, condition.__name__ if condition else ""] = (scene, state)


@pytest.fixture(scope="module")
def http(roomy_stack: RunningStack) -> Iterator[httpx.Client]:
    with connected(roomy_stack.url) as client:
        yield client


@pytest.fixture(scope="module")
def stage(roomy_stack: RunningStack, http: httpx.Client) -> Stage:
    wait_until(lambda: http.get("/search?q=tomatoes").status_code != 503)  # the index is being built
    return Stage(roomy_stack, http)


@pytest.fixture(scope="module")
def operations(http: httpx.Client) -> Operations:
    """The forum's operations in the OpenAPI document, by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in http.get("/openapi.json").json()["paths"].items()
        for method, operation in methods.items()
        if isinstance(operation, dict) and TAGS.intersection(operation.get("tags", ()))
    }


def request_of(operation: str, scene: Scene) -> tuple[str, str, Any]:
    """Return method, address and body of a request; what they name comes to be."""
    rule = RULES[operation]
    method, _, path = operation.partition(" ")
    if "{n}" in path:
        path = path.replace("{n}", str(scene.delivery if rule.subject == "webhook" else 1))
    if rule.subject:
        path = path.replace("{id}", str(getattr(scene, rule.subject)))
    return method, path + rule.query, scene.fill(rule.body)


def check(
    stage: Stage,
    operations: Operations,
    operation: str,
    *,
    actor: str,
    code: str,
    condition: Condition | None = None,
) -> Any:
    """Ask, check that the answer is right and documented, and that a refusal left all as it was; return the answer."""
    scene, state = stage.take(operation, condition)
    answer = stage.cast[actor].ask(*request_of(operation, scene))
    responses = operations[operation]["responses"]
    if code:
        assert answer.is_error, f"{answer.status_code} {answer.text}"
        assert code in responses[str(answer.status_code)]["description"].split(", "), answer.text
        check_problem(answer, answer.status_code, code)
    else:
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        assert str(answer.status_code) in responses
    if code or operation.startswith("GET "):
        assert scene.state() == state, "nothing was to change"
        stage.put_back(operation, condition, scene, state)
    return answer.json() if "json" in answer.headers.get("content-type", "") else None


def test_every_operation_of_the_forum_has_a_rule(operations: Operations) -> None:
    assert set(operations) == set(RULES)
    for operation, rule in RULES.items():
        assert (operations[operation]["security"] == []) == rule.grant.is_open, operation


@pytest.mark.parametrize("actor", [*SIGNED_IN, *NOBODY])
@pytest.mark.parametrize("operation", RULES)
def test_who_may_do_what(stage: Stage, operations: Operations, operation: str, actor: str) -> None:
    answer = check(stage, operations, operation, actor=actor, code=answer_to(actor, RULES[operation]))
    if actor in NOBODY and isinstance(answer, dict):
        assert answer.get("viewer") is None


@pytest.mark.parametrize("actor", ["anonymous", *SIGNED_IN])
@pytest.mark.parametrize("operation", CONTENT)
def test_what_is_where_only_moderators_read_is_there_for_them_alone(
    stage: Stage, operations: Operations, operation: str, actor: str
) -> None:
    code = answer_out_of_sight(actor, CONTENT[operation])
    if operation.startswith("GET /feeds/"):
        code = "CATEGORY_NOT_FOUND"  # feeds are for everybody, whoever asks
    check(stage, operations, operation, actor=actor, code=code, condition=Scene.hide)


IN_POSTS = {operation: rule for operation, rule in CONTENT.items() if rule.subject != "category"}


@pytest.mark.parametrize("actor", ["anonymous", "author", "other"])
@pytest.mark.parametrize("operation", IN_POSTS)
def test_a_deleted_post_and_what_belongs_to_it_is_gone(
    stage: Stage, operations: Operations, operation: str, actor: str
) -> None:
    code = answer_out_of_sight(actor, IN_POSTS[operation])
    check(stage, operations, operation, actor=actor, code=code, condition=Scene.delete)


@pytest.mark.parametrize("actor", STAFF)
@pytest.mark.parametrize("operation", [operation for operation in IN_POSTS if operation.startswith("GET ")])
def test_moderators_read_what_is_deleted(stage: Stage, operations: Operations, operation: str, actor: str) -> None:
    check(stage, operations, operation, actor=actor, code="", condition=Scene.delete)


@pytest.mark.parametrize("actor", STAFF)
def test_moderators_bring_back_what_is_deleted(stage: Stage, operations: Operations, actor: str) -> None:
    check(stage, operations, "POST /posts/{id}/restore", actor=actor, code="", condition=Scene.delete)


@pytest.mark.parametrize("actor", ["author", "other", "moderator"])
@pytest.mark.parametrize("operation", IN_POSTS)
def test_a_locked_post_takes_no_replies_but_from_moderators(
    stage: Stage, operations: Operations, operation: str, actor: str
) -> None:
    check(stage, operations, operation, actor=actor, code=answer_when_locked(actor, operation), condition=Scene.lock)


@pytest.mark.parametrize("actor", ["author", "other", "moderator"])
@pytest.mark.parametrize("operation", NEW_REPLIES)
def test_where_only_moderators_write_nobody_else_replies(
    stage: Stage, operations: Operations, operation: str, actor: str
) -> None:
    code = "" if actor in STAFF else "CATEGORY_READ_ONLY"
    check(stage, operations, operation, actor=actor, code=code, condition=Scene.close)


@pytest.mark.parametrize(("place", "code"), [("closed", "CATEGORY_READ_ONLY"), ("hidden", "CATEGORY_NOT_FOUND")])
def test_where_only_moderators_write_or_read_nobody_else_posts(stage: Stage, place: str, code: str) -> None:
    body = {"title": "t", "content": f"nothing for {place}", "category_id": getattr(stage, place)}
    author = stage.cast["author"]
    refused = author.ask("POST", "/posts", body)
    check_problem(refused, refused.status_code, code)
    post_id = author.write()
    refused = author.ask("PATCH", f"/posts/{post_id}", {"category_id": body["category_id"]})
    check_problem(refused, refused.status_code, code)
    stage.cast["moderator"].do("POST", "/posts", body)


def test_ones_own_lists_show_nothing_of_others(stage: Stage) -> None:
    author, other = (Person(stage.cast["author"].http, name) for name in ("own", "stranger"))
    post_id = author.write()
    author.do("PUT", f"/posts/{post_id}/bookmark")
    author.do("PUT", f"/posts/{post_id}/follow")
    author.do("PUT", f"/users/{other.user_id}/block")
    author.do("POST", "/drafts", {"title": "not sent yet"})
    for kind in ("bookmarks", "follows", "blocks", "drafts"):
        assert [len(person.get(f"/{kind}")[kind]) for person in (author, other)] == [1, 0]
