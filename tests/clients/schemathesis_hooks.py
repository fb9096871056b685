"""What Schemathesis has to know beyond the OpenAPI document: rules that a schema cannot express, and how not to cut the
branch that it sits on. Loaded by test_schemathesis.py's runs through the file schemathesis.toml."""

import json
import os
import re
import urllib.request

import schemathesis

YEAR = re.compile(r"^\d{4}(?=-\d\d-\d\d[Tt])")
# Far ahead, and a leap year.
LATER_YEAR = "2196"


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
def map_body(context, body):
    """Makes valid bodies keep the rules between members; invalid ones stay invalid."""
    if isinstance(body, dict):
        body = dict(body)
        _expire_in_the_future(body)
        if _is_template(body.get("partitionTemplate")):
            body["partitionTemplate"] = _kept_rules(body["partitionTemplate"])
    return body


def _expire_in_the_future(body):
    expires_at = body.get("expiresAt")
    if isinstance(expires_at, str):
        body["expiresAt"] = YEAR.sub(LATER_YEAR, expires_at)
    if body.get("expirationType") in ("datetime", "noExpiration"):
        body["expirationType"] = "noExpiration" if expires_at is None else "datetime"


def _is_template(template):
    return isinstance(template, list) and 1 <= len(template) <= 8 and all(_is_part(part) for part in template)


def _is_part(part):
    if not isinstance(part, dict):
        return False
    value = part.get("value")
    if part.get("type") == "bucket":
        return (
            isinstance(value, dict)
            and isinstance(value.get("tagName"), str)
            and type(value.get("numberOfBuckets")) is int
            and 1 <= value["numberOfBuckets"] <= 99_999
        )
    return part.get("type") in ("time", "tag") and isinstance(value, str) and value != ""


def _kept_rules(template):
    """Exactly one time, which comes last and has a known format; each tag once."""
    parts = []
    for number, part in enumerate(template[:7]):
        if part["type"] == "tag":
            parts.append({"type": "tag", "value": f"{number}{part['value']}"})
        elif part["type"] == "bucket":
            value = {**part["value"], "tagName": f"{number}{part['value']['tagName']}"}
            parts.append({"type": "bucket", "value": value})
    return [*parts, {"type": "time", "value": "%Y-%m"}]


@schemathesis.hook
def filter_body(context, body):
    """An update changes something: members that are null or unknown change nothing (400)."""
    if context.operation.method != "patch" or not isinstance(body, dict):
        return True
    known = ("maxTables", "maxColumnsPerTable", "retentionPeriod", "description", "permissions")
    return not body or any(body.get(name) is not None for name in known)


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
