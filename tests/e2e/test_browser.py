"""What only a browser can say: the documentation works offline, and the session cookie serves our own pages alone."""

import shutil
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Request, sync_playwright
from tests.e2e.running_stack import RunningStack

from plaza_kit.testing.plugin import leave_out
from plaza_kit.testing.stack import MissingServerError

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
ASK = """async ([url, init]) => {
    try { const answer = await fetch(url, init); return [answer.status, await answer.text()]; }
    catch (error) { return [0, String(error)]; }
}"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    program = shutil.which("chromium")
    if program is None:
        leave_out(MissingServerError("chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser.new_context().new_page()
        browser.close()


@pytest.fixture
def foreign_origin() -> Iterator[str]:
    """A page of somebody else, on another origin of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>elsewhere</title>")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_documentation_works_offline(page: Page, roomy_stack: RunningStack) -> None:
    complaints: list[str] = []
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("request", note)
    page.goto(f"{roomy_stack.url}/docs")
    page.get_by_text("Create an account", exact=True).wait_for(timeout=15_000)
    page.remove_listener("request", note)
    assert complaints == []
    assert all(url.startswith((roomy_stack.url, "data:")) for url in asked)


def test_the_session_cookie_serves_our_own_pages_alone(
    page: Page, roomy_stack: RunningStack, foreign_origin: str
) -> None:
    credentials = {"username": f"browser_{uuid.uuid4().hex[:8]}", "password": "password123"}
    httpx.post(f"{roomy_stack.url}/users/register/", json=credentials).raise_for_status()
    page.goto(f"{roomy_stack.url}/docs")
    login = {"method": "POST", "body": f'{{"username": "{credentials["username"]}", "password": "password123"}}'}
    assert page.evaluate(ASK, ["/users/login/", login])[0] == 200
    assert page.evaluate("document.cookie") == "", "no script can read the cookie"
    status, text = page.evaluate(ASK, ["/users/profile/", {}])
    assert (status, credentials["username"] in text) == (200, True)

    page.goto(foreign_origin)
    profile = f"{roomy_stack.url}/users/profile/"
    for init in ({"credentials": "include"}, {"credentials": "include", "mode": "no-cors"}):
        assert page.evaluate(ASK, [profile, init])[1].find(credentials["username"]) == -1
    change = {"method": "POST", "credentials": "include", "mode": "no-cors", "body": '{"first_name": "Mallory"}'}
    page.evaluate(ASK, [f"{roomy_stack.url}/users/profile/update/", change])

    page.goto(f"{roomy_stack.url}/docs")
    assert "Mallory" not in page.evaluate(ASK, ["/users/profile/", {}])[1]
    assert page.evaluate(ASK, ["/sessions/current", {"method": "DELETE"}])[0] == 204
    assert page.evaluate(ASK, ["/users/profile/", {}])[0] == 401
