"""What other sites and other people's texts must not do to somebody who is signed in to the console."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from console_browser import WAIT_MILLISECONDS, window
from playwright.sync_api import expect

HOSTILE = "'\"><img src=x onerror=\"window.owned=1\"></title><script>window.owned=1</script>"
COOKIE = "tidegate-console"

expect.set_options(timeout=WAIT_MILLISECONDS)


@pytest.fixture
def other_site():
    """A site that answers everything with the HTML that it was told: its address, and how to tell it."""
    pages = {"html": ""}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = pages["html"].encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield listener.server_port, lambda html: pages.update(html=html)
    listener.shutdown()
    listener.server_close()


def session_key(page) -> "str | None":
    return next((cookie["value"] for cookie in page.context.cookies() if cookie["name"] == COOKIE), None)


# A browser takes 127.0.0.1 with another port for the same site, so that cookies go along; localhost is another site.
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("encoding", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
def test_a_form_on_another_site_changes_nothing(world, page, other_site, host, encoding):
    token_id, token = world.server.create_token(("write", "flights"))
    world.sign_in(page, world.operator)
    key = session_key(page)
    port, tell = other_site
    tell(
        f'<form method="post" enctype="{encoding}" action="{world.url}/console/database-tokens/{token_id}/revoke">'
        '<input name="understood" value="1"><input name="form_secret" value=""></form>'
        "<script>document.forms[0].submit()</script>"
    )
    page.goto(f"http://{host}:{port}/")
    page.wait_for_url(f"{world.url}/**")
    assert world.write_status(token, "flights") == 204
    assert session_key(page) == key


def test_another_site_cannot_read_a_page_or_its_live_numbers(world, page, other_site):
    world.sign_in(page, world.operator)
    port, tell = other_site
    tell("<p>other site</p>")
    page.goto(f"http://127.0.0.1:{port}/")
    for path in ["/console", "/console/live", "/console/database-tokens"]:
        outcome = page.evaluate(
            "url => fetch(url, { credentials: 'include' }).then(answer => answer.text(), () => 'refused')",
            world.url + path,
        )
        assert outcome == "refused", path


def test_names_and_descriptions_are_text(world, page):
    world.sign_in(page, world.operator)
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(f"{world.url}/console/database-tokens/new")
    page.get_by_label("Description").fill(HOSTILE)
    page.get_by_label("Write flights").check()
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    page.goto(f"{world.url}/console/databases/new")
    page.get_by_label("Name", exact=True).fill("hostile")
    page.get_by_label("Description").fill(HOSTILE)
    page.get_by_role("button", name="Create database").click()
    page.goto(f"{world.url}/console/tables")
    page.get_by_role("combobox", name="Database").select_option("hostile")
    page.get_by_role("link", name="Create table").click()
    page.get_by_label("Name", exact=True).fill(HOSTILE)
    page.get_by_role("button", name="Create table").click()
    expect(page.get_by_role("link", name=HOSTILE, exact=True)).to_be_visible()
    page.goto(f"{world.url}/console/users/new")
    page.get_by_label("Name", exact=True).fill(HOSTILE)
    page.get_by_role("button", name="Create").click()
    page.goto(f"{world.url}/console/organizations/new")
    page.get_by_label("Name", exact=True).fill(HOSTILE)
    page.get_by_role("button", name="Create").click()
    for name, path in world.pages().items():
        page.goto(world.url + path, wait_until="load")
        assert page.evaluate("window.owned") is None, name
        assert page.locator("img").count() == 0, name
    page.goto(f"{world.url}/console/users")
    expect(page.get_by_role("row").filter(has_text=HOSTILE)).to_have_count(1)
    assert dialogs == []


def test_a_script_in_the_page_would_not_run(world, page):
    """The second line of defence, if the first one had a hole."""
    world.sign_in(page, world.operator)
    page.evaluate("document.body.innerHTML += '<img src=x onerror=\"window.owned=1\">'")
    page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.owned=1';"
        "document.body.append(script); }"
    )
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.owned") is None


@pytest.mark.parametrize("path", ["/console", "/console/sign-in", "/console/database-tokens"])
def test_no_page_can_be_framed(world, page, other_site, path):
    world.sign_in(page, world.operator)
    port, tell = other_site
    tell(f'<iframe src="{world.url}{path}"></iframe>')
    page.goto(f"http://127.0.0.1:{port}/", wait_until="load")
    frame = page.frames[1]
    assert frame.url.startswith("chrome-error:") and "Tidegate" not in frame.content()


def test_a_planted_session_key_is_worth_nothing(world, page):
    planted = "A" * 88
    page.context.add_cookies([{"name": COOKIE, "value": planted, "url": world.url}])
    page.goto(f"{world.url}/console")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.context.add_cookies([{"name": COOKIE, "value": planted, "url": world.url}])
    world.sign_in(page, world.operator)
    first = session_key(page)
    assert first not in (None, planted)
    world.sign_in(page, world.operator)
    assert session_key(page) not in (first, planted)
    cookie = next(cookie for cookie in page.context.cookies() if cookie["name"] == COOKIE)
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and cookie["path"] == "/"
    assert page.evaluate("document.cookie") == ""


@pytest.mark.parametrize(
    "then",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "/console//evil.example", "javascript:alert(1)"],
)
def test_signing_in_never_leads_away(world, browser, then):
    with window(browser) as page:
        visited = []
        page.on("request", lambda request: visited.append(request.url))
        page.goto(f"{world.url}/console/sign-in?by=token&then={then}")
        page.get_by_label("Token", exact=True).fill(world.operator)
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        assert all(address.startswith(world.url) for address in visited)


def test_signing_in_leads_back_to_where_one_was(world, page):
    page.goto(f"{world.url}/console/database-tokens?all=1")
    page.get_by_role("link", name="Token", exact=True).click()
    page.get_by_label("Token", exact=True).fill(world.operator)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console/database-tokens?all=1")
