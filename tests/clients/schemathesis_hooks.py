"""What Schemathesis has to know beyond the OpenAPI document: rules that a schema cannot express, and how not to cut the
branch that it sits on. Loaded by test_schemathesis.py's runs through the file schemathesis.toml."""

import json
import os
import re
import urllib.request

import schemathesis
import schemathesis_gone  # noqa: F401: it registers hooks of its own

YEAR = re.compile(r"^\d{4}(?=-\d\d-\d\d[Tt])")
# Far ahead, and a leap year.
LATER_YEAR = "2196"
CHANGEABLE = ["maxTables", "maxColumnsPerTable", "retentionPeriod", "description", "permissions"]


@schemathesis.hook
def before_load_schema(context, schema):
    """The scheme `Token` needs its word before the token. The probe with a wrong token sends none, which is malformed
    (400) and not merely wrong (401)."""
    del schema["components"]["securitySchemes"]["database_token_scheme"]
    for item in schema["paths"].values():
        for operation in item.values():
            if "security" in operation:
                operation["security"] = [one for one in operation["security"] if "database_token_scheme" not in one]


@schemathesis.hook
def map_case(context, case):
    """Makes what is meant to be accepted keep the rules between members. What is meant to be refused stays as it is."""
    if case.meta is None or case.meta.generation.mode.is_negative or not isinstance(case.body, dict):
        return case
    body = dict(case.body)
    _expire_in_the_future(body)
    if body.get("partitionTemplate") is not None:
        body["partitionTemplate"] = _with_one_time(body["partitionTemplate"])
    if case.method == "PATCH" and all(body.get(name) is None for name in CHANGEABLE):
        # An update has to change something.
        body.update({"description": "changed"} if "/tokens/" in case.path else {"maxTables": 500})
    case.body = body
    return case


def _expire_in_the_future(body):
    expires_at = body.get("expiresAt")
    if expires_at is not None:
        # The empty text is tried as well, though it is no date.
        body["expiresAt"] = YEAR.sub(LATER_YEAR, expires_at) or f"{LATER_YEAR}-01-31T12:00:00Z"
    if body.get("expirationType") is not None:
        body["expirationType"] = "noExpiration" if expires_at is None else "datetime"


def _with_one_time(template):
    """Exactly one time, which comes last and has a format that is known; each tag once."""
    parts = []
    for number, part in enumerate(template[:7]):
        if part["type"] == "tag":
            parts.append({"type": "tag", "value": f"{number}{part['value']}"})
        elif part["type"] == "bucket":
            value = {**part["value"], "tagName": f"{number}{part['value']['tagName']}"}
            parts.append({"type": "bucket", "value": value})
    return [*parts, {"type": "time", "value": "%Y-%m"}]


@schemathesis.hook
def before_call(context, case, kwargs):
    """A run that revokes its own token would end there: another token is made to take its place."""
    if case.method == "DELETE" and case.path_parameters.get("tokenId") == os.environ["OWN_TOKEN_ID"]:
        case.path_parameters["tokenId"] = _another_management_token()


def _another_management_token():
    request = urllib.request.Request(
        os.environ["SERVER_URL"] + "/api/v0/management-tokens",
        method="POST",
        data=b"{}",
        headers={"Authorization": f"Bearer {os.environ['MANAGEMENT_TOKEN']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)["id"]
