"""The console for everybody: by keyboard, on a narrow screen, for screen readers, over a slow line."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from console_browser import PHONE, WAIT_MILLISECONDS, has_horizontal_scroll, window
from playwright.sync_api import expect

MOST_BYTES = 100 * 1024
MOST_TABS = 80

expect.set_options(timeout=WAIT_MILLISECONDS)


def tab_to(page, locator) -> None:
    """Presses Tab until the focus is there."""
    expect(locator).to_have_count(1)
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if locator.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{MOST_TABS} times Tab do not lead to {locator}")


def follow(page, locator) -> None:
    tab_to(page, locator)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_by_keyboard_alone(world, page):
    main = page.get_by_role("main")
    page.goto(f"{world.url}/console/sign-in?by=token")
    # The field has the focus already.
    page.keyboard.type(world.server.management_token)
    page.keyboard.press("Enter")
    page.wait_for_url("**/console")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"

    page.goto(f"{world.url}/console")
    follow(page, page.locator(".wide").get_by_role("link", name="Database Tokens"))
    follow(page, main.get_by_role("link", name="Create database token"))
    page.keyboard.type("by keyboard")
    tab_to(page, page.get_by_label("Write flights"))
    page.keyboard.press("Space")
    follow(page, page.get_by_role("button", name="Create token"))
    token = page.locator("#secret").inner_text()
    assert world.write_status(token, "flights") == 204
    follow(page, page.get_by_role("link", name="Done, to Database Tokens"))

    page.keyboard.press("/")
    page.keyboard.type("by keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1–1 of 1")).to_be_visible()
    follow(page, page.get_by_role("link", name="Revoke by keyboard"))
    tab_to(page, page.get_by_label("I understand"))
    page.keyboard.press("Space")
    follow(page, page.get_by_role("button", name="Revoke token"))
    expect(page.get_by_text("It can do nothing more, anywhere")).to_be_visible()
    assert world.write_status(token, "flights") == 401
    follow(page, page.locator(".wide").get_by_role("button", name="Sign out"))
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def test_menus_open_and_close_by_keyboard(world, page):
    world.sign_in(page, world.operator)
    page.goto(f"{world.url}/console/api-tokens")
    choice = page.get_by_role("link", name="Custom API Token")
    summary = page.locator("details.drop > summary")
    tab_to(page, summary)
    page.keyboard.press("Enter")
    expect(choice).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(choice).to_be_hidden()
    assert summary.evaluate("element => element === document.activeElement")


def test_no_page_scrolls_sideways_on_a_narrow_screen(world, browser):
    with window(browser, viewport=PHONE) as page:
        for path in ["/console/sign-in", "/console/sign-in?by=token"]:
            page.goto(world.url + path)
            assert not has_horizontal_scroll(page), path
        world.sign_in(page, world.operator)
        for name, path in world.pages().items():
            page.goto(world.url + path)
            assert not has_horizontal_scroll(page), name
        page.goto(f"{world.url}/console")
        page.locator("details.menu > summary").click()
        page.locator("details.menu").get_by_role("link", name="Database Tokens").click()
        expect(page.get_by_role("heading", name="Database Tokens")).to_be_visible()


def findings(page) -> "list[str]":
    """What axe finds that keeps somebody out."""
    violations = Axe().run(page).response["violations"]
    grave = [violation for violation in violations if violation["impact"] in ("serious", "critical")]
    return [f"{violation['id']}: {node['html']}" for violation in grave for node in violation["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_grave(world, new_server, browser, scheme):
    found = {}
    with window(browser, color_scheme=scheme, reduced_motion="reduce") as page:
        pages = {"set-up": f"{new_server.url}/console/set-up", "sign-in": f"{world.url}/console/sign-in"}
        pages["sign-in with token"] = f"{world.url}/console/sign-in?by=token"
        for name, address in pages.items():
            page.goto(address)
            found[name] = findings(page)
        world.sign_in(page, world.operator)
        for name, path in world.pages().items():
            page.goto(world.url + path)
            found[name] = findings(page)
        page.goto(f"{world.url}/console/management-tokens/new")
        page.get_by_label("Description").fill("for axe")
        page.get_by_role("button", name="Create token").click()
        found["secret"] = findings(page)
        page.goto(f"{world.url}/console/database-tokens/new")
        page.get_by_label("Description").fill("for axe")
        page.get_by_role("button", name="Create token").click()
        found["refused"] = findings(page)
    assert {name: what for name, what in found.items() if what} == {}


def test_axe_finds_nothing_grave_on_a_narrow_screen(world, browser):
    with window(browser, viewport=PHONE, reduced_motion="reduce") as page:
        world.sign_in(page, world.operator)
        for name in ["overview", "api-tokens", "database-tokens", "databases", "tables", "database-token-new"]:
            page.goto(world.url + world.pages()[name])
            assert findings(page) == [], name


def test_pages_weigh_little(world, page):
    world.sign_in(page, world.operator)
    pages = world.pages()
    for name in ["overview", "api-tokens", "api-token-new", "database-tokens", "database-token-new", "tables", "users"]:
        path = pages[name]
        # A browser that has seen nothing of it before.
        with window(page.context.browser, storage_state=page.context.storage_state()) as fresh:
            bodies = []
            fresh.on("response", lambda answer: bodies.append(answer))
            fresh.goto(world.url + path, wait_until="load")
            weight = sum(len(answer.body()) for answer in bodies)
            assert len(bodies) >= 3 and weight <= MOST_BYTES, (name, weight)
            assert all(answer.url.startswith(world.url) for answer in bodies), name


def test_no_page_has_an_error_in_its_script(world, page):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    world.sign_in(page, world.operator)
    for name, path in world.pages().items():
        page.goto(world.url + path, wait_until="load")
        if name != "not-found":
            assert errors == [], name
        errors.clear()
