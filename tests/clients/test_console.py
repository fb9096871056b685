"""What people do in the console, in a real browser: from set-up to the last revocation."""

import re

import pytest
from console_browser import BUCKET, ORGANIZATION, PASSWORD, USER, WAIT_MILLISECONDS, window
from playwright.sync_api import expect

expect.set_options(timeout=WAIT_MILLISECONDS)


def secret_on(page) -> str:
    """The new token that the page shows."""
    return page.locator("#secret").inner_text()


def row(page, text):
    return page.get_by_role("row").filter(has_text=text)


def create_api_token(page, world, description) -> str:
    """Generates a token for the bucket, as somebody who is signed in."""
    page.goto(f"{world.url}/console/api-tokens")
    page.get_by_text("Generate API token").click()
    page.get_by_role("link", name="Custom API Token").click()
    page.get_by_label("Description").fill(description)
    page.get_by_label(f"Read {BUCKET}").check()
    page.get_by_label(f"Write {BUCKET}").check()
    page.get_by_role("button", name="Generate").click()
    return secret_on(page)


def delete_by_icon(page, world, description) -> None:
    page.goto(f"{world.url}/console/api-tokens")
    page.get_by_role("link", name=f"Delete {description}").click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status").first).to_contain_text("It can do nothing more, anywhere")
    expect(row(page, description)).to_have_count(0)


def test_the_first_run_leads_from_set_up_to_the_first_line(new_server, page):
    page.goto(new_server.url)
    page.get_by_label("User name").fill(USER)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_label("Organization").fill(ORGANIZATION)
    page.get_by_label("Bucket").fill(BUCKET)
    page.get_by_role("button", name="Set up").click()
    token = secret_on(page)
    page.get_by_role("link", name="first line").click()
    expect(page.get_by_text(f"Waiting for data in “{BUCKET}”")).to_be_visible()
    new_server.write(BUCKET, "home,room=kitchen temp=21.5", token)
    expect(page.get_by_text(f"Data has arrived in “{BUCKET}”")).to_be_visible()
    page.goto(f"{new_server.url}/console/set-up")
    expect(page.get_by_label("Organization")).to_have_count(0)


def test_a_token_deleted_by_icon_and_confirm_is_refused_at_once(world, page):
    world.sign_in(page)
    token = create_api_token(page, world, "kitchen sensor")
    assert world.write_status(token) == 204
    delete_by_icon(page, world, "kitchen sensor")
    assert world.write_status(token) == 401


def test_without_script_everything_works(world, browser):
    with window(browser, java_script_enabled=False) as page:
        world.sign_in(page)
        token = create_api_token(page, world, "no script")
        expect(page.get_by_role("button", name="Copy to clipboard")).to_be_hidden()
        assert world.write_status(token) == 204
        delete_by_icon(page, world, "no script")
        assert world.write_status(token) == 401
        page.get_by_label("Rows").select_option("25")
        page.get_by_role("button", name="Show", exact=True).click()
        assert "size=25" in page.url
        page.get_by_role("button", name="Sign out").click()
        world.sign_in(page, world.server.management_token)
        dedicated_flow(page, world, "no script")


def dedicated_flow(page, world, description) -> None:
    """Create, edit and revoke a database token, as somebody signed in with a management token."""
    page.goto(f"{world.url}/console/database-tokens")
    page.get_by_role("link", name="Create database token").click()
    page.get_by_label("Description").fill(description)
    page.get_by_label("Write flights").check()
    page.get_by_label("Expires").select_option("30 days")
    page.get_by_role("button", name="Create token").click()
    token = secret_on(page)
    assert world.write_status(token, "flights") == 204
    assert world.write_status(token, "weather") == 403
    page.get_by_role("link", name="Done, to Database Tokens").click()
    expect(row(page, description)).to_contain_text("flights")

    page.get_by_role("link", name=f"Edit {description}").click()
    page.get_by_label("Write flights").uncheck()
    page.get_by_label("Write weather").check()
    page.get_by_role("button", name="Save changes").click()
    expect(row(page, description)).to_contain_text("weather")
    assert world.write_status(token, "flights") == 403
    assert world.write_status(token, "weather") == 204

    page.get_by_role("link", name=f"Revoke {description}").click()
    expect(page.get_by_role("main")).to_contain_text("What will stop")
    page.get_by_label("I understand").check()
    page.get_by_role("button", name="Revoke token").click()
    expect(row(page, description)).to_have_count(0)
    assert world.write_status(token, "weather") == 401
    page.get_by_role("switch", name="Show inactive").click()
    expect(row(page, description)).to_contain_text("Revoked")


def test_the_dedicated_flow(world, page):
    world.sign_in(page, world.server.management_token)
    dedicated_flow(page, world, "gate 7")


def test_several_tokens_are_revoked_together(world, page):
    tokens = [world.server.create_token(("write", "flights")) for _ in range(3)]
    world.sign_in(page, world.server.management_token)
    page.goto(f"{world.url}/console/database-tokens?size=100")
    for token_id, _ in tokens:
        row(page, token_id).get_by_role("checkbox").check()
    expect(page.get_by_text("3 chosen")).to_be_visible()
    page.get_by_role("button", name="Revoke chosen").click()
    page.get_by_label("I understand").check()
    page.get_by_role("button", name="Revoke tokens").click()
    for token_id, token in tokens:
        expect(row(page, token_id)).to_contain_text("Revoked")
        assert world.write_status(token, "flights") == 401


def test_a_database_is_deleted_by_its_name_and_comes_back(world, page):
    world.sign_in(page, world.server.management_token)
    page.goto(f"{world.url}/console/databases")
    page.get_by_role("link", name="Create database").click()
    page.get_by_label("Name", exact=True).fill("tides")
    page.get_by_label("Retain for", exact=True).check()
    page.get_by_label("Amount").fill("36")
    page.get_by_label("Unit").select_option("hours")
    page.get_by_role("button", name="Create database").click()
    expect(row(page, "tides")).to_contain_text("36 hours")
    _, token = world.server.create_token(("write", "tides"))
    assert world.write_status(token, "tides") == 204

    page.get_by_role("link", name="Delete tides").click()
    page.get_by_label("I understand").check()
    page.get_by_label("to confirm").fill("tide")
    page.get_by_role("button", name="Delete database").click()
    expect(page.get_by_role("alert")).to_contain_text("exactly as it is")
    page.get_by_label("I understand").check()
    page.get_by_label("to confirm").fill("tides")
    page.get_by_role("button", name="Delete database").click()
    expect(row(page, "tides")).to_have_count(0)
    assert world.write_status(token, "tides") == 403

    page.get_by_role("switch", name="Show deleted").click()
    page.get_by_role("link", name="Restore tides").click()
    page.get_by_role("button", name="Restore database").click()
    assert world.write_status(token, "tides") == 204


def test_a_table_with_partitions_of_its_own(world, page):
    world.server.create_database("rivers")
    world.sign_in(page, world.server.management_token)
    page.goto(f"{world.url}/console/tables")
    page.get_by_role("combobox", name="Database").select_option("rivers")
    page.get_by_role("link", name="Create table").click()
    page.get_by_label("Name", exact=True).fill("rain")
    expect(page.get_by_label("Time format")).to_be_hidden()
    page.get_by_label("Custom").check()
    page.get_by_label("Time format").select_option("%Y-%m")
    page.get_by_label("Tag 1").fill("site")
    page.get_by_role("button", name="Create table").click()
    expect(row(page, "rain")).to_contain_text("%Y-%m, tag site")
    page.get_by_role("link", name="rain", exact=True).click()
    expect(row(page, "site")).to_contain_text("Tag")
    page.get_by_role("link", name="Delete").click()
    page.get_by_label("I understand").check()
    page.get_by_role("button", name="Delete table").click()
    expect(page.get_by_role("main")).to_contain_text("No tables in rivers")


def test_signing_out_ends_the_session(world, page):
    world.sign_in(page)
    cookies = page.context.cookies()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.context.add_cookies(cookies)
    page.goto(f"{world.url}/console/api-tokens")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("is_watching", [True, False], ids=["live numbers", "next click"])
def test_a_second_browser_ends_with_its_token(world, browser, page, is_watching):
    token_id, token = world.api_token("second browser")
    world.sign_in(page)
    with window(browser) as second:
        world.sign_in(second, token)
        expect(second.get_by_role("heading", name="Overview")).to_be_visible()
        if not is_watching:
            second.goto(f"{world.url}/console/api-tokens")
        page.goto(f"{world.url}/console/api-tokens/{token_id}/delete")
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_role("status").first).to_contain_text("It can do nothing more, anywhere")
        if not is_watching:
            second.get_by_role("link", name="Users").first.click()
        second.wait_for_url(re.compile("/console/sign-in"))
        expect(second.get_by_text("Your session has ended")).to_be_visible()


def test_the_secret_is_shown_once_also_when_the_page_is_reloaded(world, page):
    world.sign_in(page)
    token = create_api_token(page, world, "shown once")
    page.reload()
    expect(page.get_by_role("heading", name="API Tokens")).to_be_visible()
    assert token not in page.content()
    expect(row(page, "shown once")).to_have_count(1)
