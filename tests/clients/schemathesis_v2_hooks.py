"""What Schemathesis has to know beyond the OpenAPI document of the v2 API: rules that a schema cannot express, and how
not to cut the branch that it sits on. Loaded by test_schemathesis.py's run through the file schemathesis_v2.toml."""

import base64
import json
import os
import re
import urllib.request
import uuid

import schemathesis
import schemathesis_gone  # noqa: F401: it registers hooks of its own
from schemathesis.openapi.checks import EnsureResourceAvailability

YEAR = re.compile(r"^\d{4}(?=-\d\d-\d\d[Tt])")
# Far ahead, and a leap year.
LATER_YEAR = "2196"
SESSION_COOKIE = "influxdb-oss-session"


@schemathesis.hook
def before_load_schema(context, schema):
    """One way to present a credential is played for each operation. The scheme `Token` needs its word before the token,
    and with a cookie beside the token the probe without a token would still be let in."""
    for item in schema["paths"].values():
        for operation in item.values():
            security = operation.get("security", [])
            if any("api_token" in one for one in security):
                operation["security"] = [{"api_token": []}]


@schemathesis.hook
def map_case(context, case):
    """Makes what is meant to be accepted keep the rules between members. What is meant to be refused stays as it is."""
    if case.meta is None or case.meta.generation.mode.is_negative:
        return case
    if case.path.startswith("/api/v2/dbrps") and case.method != "POST":
        # The organization may be given by its id or by its name.
        case.query = {"orgID": os.environ["ORGANIZATION_ID"], **(case.query or {})}
    if isinstance(case.body, dict):
        case.body = _keeping_rules(case.body)
    return case


def _keeping_rules(body):
    body = dict(body)
    if body.get("expiresAt") is not None:
        body["expiresAt"] = YEAR.sub(LATER_YEAR, body["expiresAt"])
    if isinstance(body.get("permissions"), list):
        # Whom an authorization is for exists.
        body["orgID"] = os.environ["ORGANIZATION_ID"]
        if "userID" in body:
            body["userID"] = os.environ["OWN_USER_ID"]
        body["permissions"] = [_in_organization(one, body["orgID"]) for one in body["permissions"]]
    return body


def _in_organization(permission, organization):
    """A permission is on something of the organization that the authorization is for, and on no whole server."""
    resource = dict(permission.get("resource", {}))
    if "orgID" in resource:
        resource["orgID"] = organization
    if resource.get("type") in (None, "instance"):
        resource["type"] = "tasks"
    return {"action": "read", **permission, "resource": resource}


@schemathesis.hook
def before_call(context, case, kwargs):
    """A run that ends its own token, its user's sign-in or its session would end there: others take their place."""
    parameters = case.path_parameters
    if case.method != "GET":
        if parameters.get("authID") == os.environ["OWN_AUTHORIZATION_ID"]:
            parameters["authID"] = _another_authorization()
        if parameters.get("userID") == os.environ["OWN_USER_ID"]:
            parameters["userID"] = _call("POST", "/api/v2/users", {"name": f"stand-in-{uuid.uuid4()}"})["id"]
    # Only where the run presents its session, not where it probes without one.
    if case.cookies.get(SESSION_COOKIE) == os.environ["SESSION_KEY"]:
        case.cookies[SESSION_COOKIE] = _another_session()


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """The check that what was created can be found takes for the organization what is said of its new member."""
    adds_member = case.method == "POST" and case.path.endswith(("/members", "/owners"))
    is_about_member = adds_member and "user not found" in response.text
    return not (isinstance(failure, EnsureResourceAvailability) and is_about_member)


def _another_authorization():
    organization = os.environ["ORGANIZATION_ID"]
    permission = {"action": "read", "resource": {"type": "tasks", "orgID": organization}}
    return _call("POST", "/api/v2/authorizations", {"orgID": organization, "permissions": [permission]})["id"]


def _call(method, path, body):
    headers = {"Authorization": f"Token {os.environ['OPERATOR_TOKEN']}", "Content-Type": "application/json"}
    data = json.dumps(body).encode()
    request = urllib.request.Request(os.environ["SERVER_URL"] + path, method=method, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def _another_session():
    credential = base64.b64encode(f"{os.environ['USER_NAME']}:{os.environ['USER_PASSWORD']}".encode()).decode()
    headers = {"Authorization": f"Basic {credential}"}
    request = urllib.request.Request(os.environ["SERVER_URL"] + "/api/v2/signin", method="POST", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
