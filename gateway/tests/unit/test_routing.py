import pytest
from gateway_support.fake_state import SESSION_ID

from gateway.routing import Access, Operation, PathTable, Rate, Routes


async def handler(call: object) -> None:
    """Do something.

    In more detail.
    """


def table(*paths: tuple[str, str]) -> PathTable:
    routes = Routes("Tag", "en")
    for method, path in paths:
        routes.add(method, path, operation=Operation(), handler=handler)
    return PathTable(routes.routes)


def found(paths: PathTable, path: str) -> str | None:
    entry, _ = paths.find(path)
    return entry.template if entry else None


def test_fixed_paths_win_over_parameters() -> None:
    paths = table(("GET", "/users/{id}"), ("GET", "/users/me"))
    assert found(paths, "/users/me") == "/users/me"
    assert found(paths, "/users/7/") == "/users/{id}"
    assert paths.find("/users/0042")[1] == {"id": "0042"}


@pytest.mark.parametrize(
    "path", ["/users/", "/users/x", "/users/7a", "/users/-7", "/users/\u0667", "/users/7/8", "/users/7//", "/users/7\n"]
)
def test_ids_are_ascii_digits(path: str) -> None:
    assert found(table(("GET", "/users/{id}")), path) is None


def test_a_path_may_have_two_numbers() -> None:
    paths = table(("GET", "/posts/{id}/revisions/{n}"), ("GET", "/posts/{id}/revisions"))
    assert paths.find("/posts/7/revisions/02/")[1] == {"id": "7", "n": "02"}
    assert found(paths, "/posts/7/revisions/") == "/posts/{id}/revisions"
    assert found(paths, "/posts/7/revisions/x") is None


def test_a_parameter_may_have_an_ending() -> None:
    paths = table(("GET", "/feeds/tags/{id}.atom"), ("GET", "/feeds/tags/{id}"))
    assert found(paths, "/feeds/tags/7.atom") == "/feeds/tags/{id}.atom"
    assert found(paths, "/feeds/tags/7") == "/feeds/tags/{id}"
    assert found(paths, "/feeds/tags/7xatom") is None


@pytest.mark.parametrize("path", ["", "/", "//", "/posts", "posts/7", "/posts//7"])
def test_what_has_no_shape_of_a_path_is_not_found(path: str) -> None:
    assert found(table(("GET", "/posts/{id}")), path) is None


@pytest.mark.parametrize(
    "path", [f"/s/{SESSION_ID[:-1]}", f"/s/{SESSION_ID}0", f"/s/{SESSION_ID.replace('-', '')}", "/s/"]
)
def test_uuids_have_the_usual_form(path: str) -> None:
    paths = table(("GET", "/s/{uuid}"))
    assert found(paths, f"/s/{SESSION_ID.upper()}/") == "/s/{uuid}"
    assert found(paths, path) is None


def test_a_dot_in_a_path_is_a_dot() -> None:
    paths = table(("GET", "/a.b/{id}"))
    assert found(paths, "/a.b/1") == "/a.b/{id}"
    assert found(paths, "/axb/1") is None


def test_methods_of_a_path() -> None:
    entry, _ = table(("POST", "/x/delete/"), ("DELETE", "/x/delete/")).find("/x/delete")
    assert entry is not None
    assert (entry.allow, entry.methods) == (b"POST, DELETE, OPTIONS", "POST或DELETE")
    reading, _ = table(("GET", "/x")).find("/x/")
    assert reading is not None
    assert (reading.allow, reading.methods) == (b"GET, HEAD, OPTIONS", "GET")


def test_a_method_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="/x: a method twice"):
        table(("GET", "/x"), ("GET", "/x"))


def test_defaults_go_by_the_method() -> None:
    routes = Routes("Tag", "en")
    routes.get("/x", Operation())(handler)
    routes.post("/x", Operation(access=Access.PUBLIC, rate=Rate.CREDENTIALS, budget=9))(handler)
    routes.delete("/x", Operation())(handler)
    routes.patch("/x", Operation())(handler)
    read, write, removal, change = routes.routes
    assert (read.rate, read.budget, read.is_write, read.access) == (Rate.READ, 2.0, False, Access.USER)
    assert (write.rate, write.budget, write.access) == (Rate.CREDENTIALS, 9, Access.PUBLIC)
    assert (removal.rate, removal.budget, removal.is_write) == (Rate.WRITE, 5.0, True)
    assert (change.method, change.rate, change.is_write) == ("PATCH", Rate.WRITE, True)
    assert (read.summary, read.description) == ("Do something", "In more detail.")
