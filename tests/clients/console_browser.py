"""A server with something to see, and Debian's Chromium to look at its console with."""

import json
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

from playwright.sync_api import sync_playwright
from tidegate_server import Server

CHROMIUM = "/usr/bin/chromium"
# A browser that speaks to nobody but the server under test. The sandbox needs what containers often do not allow.
ARGUMENTS = [
    "--no-sandbox",
    "--no-proxy-server",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
USER, PASSWORD, ORGANIZATION, BUCKET = "ana", "my-long-password", "plant", "sensors"
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
WAIT_MILLISECONDS = 30_000


@contextmanager
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def window(browser, **options):
    """A page with cookies of its own."""
    context = browser.new_context(**{"viewport": DESKTOP, **options})
    context.set_default_timeout(WAIT_MILLISECONDS)
    yield context.new_page()
    context.close()


class World:
    """A server after its set-up, with databases, tables and tokens of both kinds."""

    def __init__(self, server: Server):
        self.server = server
        self.url = server.url
        request = {"username": USER, "password": PASSWORD, "org": ORGANIZATION, "bucket": BUCKET}
        done = self._call("POST", "/api/v2/setup", request)
        self.operator = done["auth"]["token"]
        self.api_token_id, self.user_id = done["auth"]["id"], done["user"]["id"]
        self.organization_id, self.bucket_id = done["org"]["id"], done["bucket"]["id"]

    def furnish(self) -> None:
        """Adds what a list shows."""
        for name in ["factory/line-1", "flights", "weather"]:
            self.server.create_database(name)
        both = [("read", "flights"), ("write", "flights")]
        self.token_id, token = self.server.create_token(*both, ("read", "weather"), description="Arrivals board")
        soon = (datetime.now(timezone.utc) + timedelta(days=3)).isoformat()
        self.server.create_token(("read", "*"), description="Grafana", expiresAt=soon)
        self.server.create_token(("read", "*"), ("write", "*"), description="Telegraf on db-1")
        self.server.create_token(("write", "factory/line-1"), ("write", "moved"), description="Line 1, press")
        revoked, _ = self.server.create_token(("write", "flights"), description="Old gateway")
        self.server.revoke_token(revoked)
        self.api_token("Greenhouse")
        self.server.write("flights", 'arrivals,gate=7 delay=3i,late=true,temp=1.5,crew="x" 1', token)

    def _call(self, method, path, body=None, token=None):
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Token {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or "null")

    def api_token(self, description: str) -> "tuple[str, str]":
        """An API token that reads and writes the bucket and everybody's tokens; gives its id and its text."""
        kinds = [("read", "authorizations"), ("write", "authorizations"), ("read", "buckets"), ("write", "buckets")]
        permissions = [
            {"action": action, "resource": {"type": kind, "orgID": self.organization_id}} for action, kind in kinds
        ]
        request = {"orgID": self.organization_id, "description": description, "permissions": permissions}
        made = self._call("POST", "/api/v2/authorizations", request, self.operator)
        return made["id"], made["token"]

    def write_status(self, token: str, database: str = BUCKET) -> int:
        """The status of a write with this token."""
        path = "/api/v3/write_lp?" + urllib.parse.urlencode({"db": database})
        headers = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(self.url + path, b"home,room=kitchen temp=21.5 1", headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code

    def sign_in(self, page, token=None) -> None:
        """With a token, or else as the user."""
        page.goto(f"{self.url}/console/sign-in{'?by=token' if token else ''}")
        if token:
            page.get_by_label("Token", exact=True).fill(token)
        else:
            page.get_by_label("User name").fill(USER)
            page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/console")

    def pages(self) -> "dict[str, str]":
        """Every page that an operator can look at, by a name for it."""
        database = self.server.database_id("flights")
        tables = f"/console/databases/{database}/tables"
        return {
            "overview": "/console",
            "first-line": f"/console/first-line?bucket={self.bucket_id}",
            "api-tokens": "/console/api-tokens",
            "api-token": f"/console/api-tokens/{self.api_token_id}",
            "api-token-new": "/console/api-tokens/new",
            "api-token-all-access": "/console/api-tokens/all-access",
            "api-token-delete": f"/console/api-tokens/{self.api_token_id}/delete",
            "buckets": "/console/buckets",
            "bucket": f"/console/buckets/{self.bucket_id}",
            "bucket-new": "/console/buckets/new",
            "bucket-delete": f"/console/buckets/{self.bucket_id}/delete",
            "database-tokens": "/console/database-tokens",
            "database-tokens-inactive": "/console/database-tokens?all=1&sort=status&order=desc",
            "database-tokens-nothing-found": "/console/database-tokens?search=nobody",
            "database-token": f"/console/database-tokens/{self.token_id}",
            "database-token-new": "/console/database-tokens/new",
            "database-token-revoke": f"/console/database-tokens/{self.token_id}/revoke",
            "management-tokens": "/console/management-tokens",
            "management-token": f"/console/management-tokens/{self.server.management_token_id()}",
            "management-token-new": "/console/management-tokens/new",
            "management-token-revoke": f"/console/management-tokens/{self.server.management_token_id()}/revoke",
            "databases": "/console/databases",
            "database": f"/console/databases/{database}",
            "database-new": "/console/databases/new",
            "database-delete": f"/console/databases/{database}/delete",
            "tables": tables,
            "table": f"{tables}/1",
            "table-new": f"{tables}/new",
            "table-delete": f"{tables}/1/delete",
            "users": "/console/users",
            "user": f"/console/users/{self.user_id}",
            "user-new": "/console/users/new",
            "user-delete": f"/console/users/{self.user_id}/delete",
            "organizations": "/console/organizations",
            "organization": f"/console/organizations/{self.organization_id}",
            "organization-new": "/console/organizations/new",
            "organization-delete": f"/console/organizations/{self.organization_id}/delete",
            "not-found": "/console/nothing",
        }


def has_horizontal_scroll(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
