"""The unmodified Python client of InfluxDB 2 administers a server: users, organizations, buckets, authorizations. What
its tokens and sessions can do when they have ended is in test_influxdb_client_endings.py."""

import json

import pytest
from influxdb_client import Authorization, BucketRetentionRules, OnboardingRequest, SetupService
from influxdb_client.client.exceptions import InfluxDBError
from tidegate_v2 import BUCKET, ORGANIZATION, PASSWORD, TOKEN, UNKNOWN_ID, USER, fresh_name, refusal

NO_AUTHORIZATION = "authorization not found"


def test_set_up_happens_once(plant):
    made = plant.onboarded
    assert (made.user.name, made.org.name, made.bucket.name) == (USER, ORGANIZATION, BUCKET)
    assert (made.auth.token, made.auth.status, made.auth.description) == (TOKEN, "active", f"{USER}'s Token")
    assert (made.auth.user_id, made.auth.org_id) == (made.user.id, made.org.id)
    service = SetupService(plant.client(None).api_client)
    assert service.get_setup().allowed is False
    refused = refusal(service.post_setup, OnboardingRequest(username="x", password="x" * 8, org="x", bucket="x"))
    assert (refused.status, refused.message) == (422, "onboarding has already been completed")
    assert plant.operator.users_api().find_users(name=USER).users[0].id == plant.user_id


def test_what_the_server_says_of_itself(plant):
    client = plant.operator
    assert client.ping() and client.version() not in ("", "unknown") and client.build() == "OSS"
    with pytest.warns(DeprecationWarning):
        health = client.health()
    assert (health.name, health.status, health.message) == ("influxdb", "pass", "ready for queries and writes")
    ready = client.ready()
    assert ready.status == "ready" and ready.started is not None and ready.up


def test_organizations(plant):
    organizations = plant.operator.organizations_api()
    name = fresh_name("org")
    made = organizations.create_organization(name=name)
    assert (made.name, made.description) == (name, "")
    assert organizations.find_organization(made.id).name == name
    assert [one.id for one in organizations.find_organizations(org=name)] == [made.id]
    assert {plant.org_id, made.id} <= {one.id for one in organizations.find_organizations(limit=100)}
    made.name, made.description = fresh_name("org"), "second line"
    changed = organizations.update_organization(made)
    assert (changed.id, changed.name, changed.description) == (made.id, made.name, "second line")
    refused = refusal(organizations.create_organization, name=made.name)
    assert (refused.status, refused.message) == (422, f"organization with name {made.name} already exists")
    organizations.delete_organization(made.id)
    assert refusal(organizations.find_organization, made.id).status == 404
    assert refusal(organizations.delete_organization, made.id).status == 404
    refused = refusal(organizations.find_organizations, org=made.name)
    assert (refused.status, refused.message) == (404, f'organization name "{made.name}" not found')


def test_an_organization_that_is_unknown_and_one_that_may_not_be_seen(plant):
    """The client tells the two apart by 404 and an empty list."""
    with pytest.raises(InfluxDBError, match="cannot find organization with name: 'nowhere' to determine their ID.$"):
        plant.operator.buckets_api().create_bucket(bucket_name="x", org="nowhere")
    blind = plant.client(plant.authorization(plant.on_bucket("read")).token)
    with pytest.raises(InfluxDBError, match="Are you using token with sufficient permission"):
        blind.buckets_api().create_bucket(bucket_name="x", org=ORGANIZATION)


def test_buckets(plant):
    buckets = plant.operator.buckets_api()
    name = fresh_name("bucket")
    rules = BucketRetentionRules(type="expire", every_seconds=86_400)
    made = buckets.create_bucket(bucket_name=name, org=ORGANIZATION, description="presses", retention_rules=rules)
    assert (made.name, made.org_id, made.description) == (name, plant.org_id, "presses")
    assert [(rule.type, rule.every_seconds) for rule in made.retention_rules] == [("expire", 86_400)]
    for found in [buckets.find_bucket_by_id(made.id), buckets.find_bucket_by_name(name)]:
        assert (found.id, found.name, found.description) == (made.id, name, "presses")
    assert buckets.find_bucket_by_name("nowhere") is None
    made.name, made.description, made.retention_rules = fresh_name("bucket"), "ovens", []
    changed = buckets.update_bucket(made)
    assert (changed.id, changed.name, changed.description, changed.retention_rules) == (made.id, made.name, "ovens", [])
    assert buckets.find_bucket_by_name(name) is None
    refused = refusal(buckets.create_bucket, bucket_name=made.name, org=ORGANIZATION)
    assert (refused.status, refused.message) == (422, f"bucket with name {made.name} already exists")
    buckets.delete_bucket(made)
    assert refusal(buckets.find_bucket_by_id, made.id).status == 404
    assert refusal(buckets.delete_bucket, made).status == 404


def test_paging_over_45_buckets(plant):
    """An organization of its own, so that nothing else is listed."""
    organization = plant.operator.organizations_api().create_organization(name=fresh_name("org"))
    buckets = plant.operator.buckets_api()
    made = [buckets.create_bucket(bucket_name=f"page-{number:02}", org=organization.id).id for number in range(45)]
    expected = sorted(made)
    of_it = {"org_id": organization.id}
    assert [bucket.id for bucket in buckets.find_buckets(**of_it).buckets] == expected[:20]
    for limit in [1, 7, 15, 20, 45, 100]:
        assert [bucket.id for bucket in buckets.find_buckets_iter(limit=limit, **of_it)] == expected
    page = buckets.find_buckets(limit=10, offset=40, **of_it)
    assert [bucket.id for bucket in page.buckets] == expected[40:] and page.links.next is None
    after = buckets.find_buckets_iter(limit=10, after=expected[29], **of_it)
    assert [bucket.id for bucket in after] == expected[30:]
    for bucket in made[1:]:
        buckets.delete_bucket(bucket)
    assert [bucket.id for bucket in buckets.find_buckets_iter(limit=10, **of_it)] == made[:1]


def test_users(plant):
    users = plant.operator.users_api()
    assert users.me().id == plant.user_id
    made = users.create_user(fresh_name("user"))
    assert made.status == "active"
    assert [one.id for one in users.find_users(name=made.name).users] == [made.id]
    assert [one.id for one in users.find_users(id=made.id).users] == [made.id]
    assert users.find_users().users[0].id == plant.user_id
    plant.set_user_status(made, "inactive")
    assert users.find_users(name=made.name).users[0].status == "inactive"
    refused = refusal(users.create_user, made.name)
    assert (refused.status, refused.message) == (422, f"user with name {made.name} already exists")
    users.delete_user(made)
    refused = refusal(users.find_users, name=made.name)
    assert (refused.status, refused.message) == (404, "user not found")


def test_an_authorization_from_its_creation_to_its_end(plant):
    authorizations, bucket = plant.operator.authorizations_api(), plant.bucket()
    permissions = [plant.on_bucket("read", bucket), plant.on_bucket("write", bucket)]
    wanted = Authorization(org_id=plant.org_id, permissions=permissions, description="press 4")
    made = authorizations.create_authorization(authorization=wanted)
    assert (made.status, made.description, made.user, made.org) == ("active", "press 4", USER, ORGANIZATION)
    granted = [(held.action, held.resource.type, held.resource.id, held.resource.name) for held in made.permissions]
    assert granted == [(action, "buckets", bucket.id, bucket.name) for action in ("read", "write")]

    secret = made.token
    client = plant.client(secret)
    plant.write(client, bucket, "press,line=L1 speed=1 1")
    assert plant.server.rows(bucket.name, "SELECT speed FROM press", secret) == [{"speed": 1.0}]

    found = authorizations.find_authorization_by_id(made.id)
    assert (found.id, found.token) == (made.id, "redacted")
    plant.set_status(made, "inactive")
    assert refusal(plant.write, client, bucket, "press speed=2 2").status == 401
    assert authorizations.find_authorization_by_id(made.id).status == "inactive"
    plant.set_status(made, "active")
    plant.write(client, bucket, "press,line=L1 speed=3 3")

    assert authorizations.delete_authorization(made) is None
    assert refusal(plant.write, client, bucket, "press speed=4 4").status == 401
    refused = refusal(authorizations.delete_authorization, made)
    assert (refused.status, refused.message) == (404, NO_AUTHORIZATION)
    assert refusal(authorizations.find_authorization_by_id, made.id).status == 404
    assert plant.count(bucket) == 2


def test_finding_authorizations(plant):
    authorizations, user = plant.operator.authorizations_api(), plant.user()
    wanted = Authorization(org_id=plant.org_id, user_id=user.id, permissions=[plant.on_bucket("read")])
    made = sorted(authorizations.create_authorization(authorization=wanted).id for _ in range(3))

    def ids(**filters):
        return [one.id for one in authorizations.find_authorizations(**filters)]

    assert [one.id for one in authorizations.find_authorizations_by_user_name(user.name)] == made
    assert ids(user_id=user.id) == ids(user=user.name, org=ORGANIZATION) == made
    assert ids(user_id=user.id, org_id=plant.org_id) == made
    assert set(made) < set(ids(org_id=plant.org_id)) <= set(ids())
    assert ids(user=USER, org_id=UNKNOWN_ID) == [] and ids(user_id=UNKNOWN_ID) == []
    refused = refusal(authorizations.find_authorizations, user="nobody")
    assert (refused.status, refused.message) == (404, "user not found")
    for listed in authorizations.find_authorizations():
        assert listed.token == "redacted"


def test_a_clone_is_a_token_of_its_own(plant):
    authorizations, bucket = plant.operator.authorizations_api(), plant.bucket()
    first = plant.authorization(plant.on_bucket("write", bucket), plant.on_bucket("read", bucket))
    clone = authorizations.clone_authorization(first.id)
    assert clone.id != first.id and clone.token not in (first.token, "redacted")
    granted = [(held.action, held.resource.id) for held in clone.permissions]
    assert granted == [("write", bucket.id), ("read", bucket.id)]
    authorizations.delete_authorization(first)
    plant.write(plant.client(clone.token), bucket, "press speed=1 1")
    assert plant.count(bucket) == 1


def test_a_whole_authorization_sent_back_changes_status_and_description_only(plant):
    authorizations, bucket = plant.operator.authorizations_api(), plant.bucket()
    made = plant.authorization(plant.on_bucket("read", bucket))
    created_at = made.created_at
    made.permissions = [plant.on_bucket("write")]
    made.description, made.token = "changed", "another"
    changed = authorizations.update_authorization(made)
    assert (changed.description, changed.token, changed.created_at) == ("changed", "redacted", created_at)
    assert [(held.action, held.resource.id) for held in changed.permissions] == [("read", bucket.id)]


def test_nobody_gives_away_what_he_does_not_hold(plant):
    bucket = plant.bucket()
    own = [plant.on_bucket("read", bucket), *(plant.on_type(action, "authorizations") for action in ("read", "write"))]
    client = plant.client(plant.authorization(*own).token)
    authorizations = client.authorizations_api()
    before = len(plant.operator.authorizations_api().find_authorizations())
    for wanted in [plant.on_bucket("write", bucket), plant.on_bucket("read"), plant.on_type("write", "users")]:
        refused = refusal(authorizations.create_authorization, plant.org_id, [wanted])
        assert refused.status == 403 and json.loads(refused.body)["code"] == "forbidden"
    assert len(plant.operator.authorizations_api().find_authorizations()) == before
    made = authorizations.create_authorization(plant.org_id, [plant.on_bucket("read", bucket)])
    authorizations.delete_authorization(made)
    refused = refusal(client.users_api().create_user, fresh_name("user"))
    assert (refused.status, refused.message) == (401, "write:users is unauthorized")


def test_what_is_wrong_is_said(plant):
    authorizations, buckets = plant.operator.authorizations_api(), plant.operator.buckets_api()
    cases = [
        (lambda: authorizations.find_authorization_by_id("0123456789abcdef"), 404, "not found", NO_AUTHORIZATION),
        (lambda: authorizations.find_authorization_by_id("17"), 400, "invalid", "id must have a length of 16 bytes"),
        (lambda: authorizations.find_authorization_by_id("x" * 16), 400, "invalid", "invalid ID"),
        (lambda: authorizations.delete_authorization("null"), 400, "invalid", "id must have a length of 16 bytes"),
        (
            lambda: authorizations.create_authorization(plant.org_id, []),
            400, "invalid", "authorization must include permissions",
        ),
        (
            lambda: authorizations.create_authorization(plant.org_id, [plant.on_type("read", "presses")]),
            400, "invalid", "invalid resource type for permission: unknown resource type for permission",
        ),
        (lambda: buckets.find_bucket_by_id(UNKNOWN_ID), 404, "not found", "bucket not found"),
        (
            lambda: buckets.create_bucket(bucket_name="_mine", org=ORGANIZATION),
            400, "invalid", "bucket name _mine is invalid. Buckets may not start with underscore",
        ),
    ]
    for call, status, code, message in cases:
        refused = refusal(call)
        assert (refused.status, json.loads(refused.body)) == (status, {"code": code, "message": message})


def test_what_this_server_does_not_do_is_answered_501(plant):
    calls = [
        lambda: plant.operator.query_api().query(f'from(bucket: "{BUCKET}") |> range(start: -1h)'),
        lambda: plant.operator.delete_api().delete("1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "", BUCKET),
    ]
    for call in calls:
        refused = refusal(call)
        assert (refused.status, json.loads(refused.body)["code"]) == (501, "not implemented")


def test_a_user_signs_in(plant):
    user = plant.user(PASSWORD)
    with plant.signed_in(user.name, PASSWORD) as client:
        assert client.users_api().me().id == user.id
    for name, password in [(user.name, "wrong-password"), ("nobody", PASSWORD)]:
        client = plant.signed_in(name, password)
        refused = refusal(client.users_api().me)
        assert (refused.status, refused.message) == (401, "unauthorized access")
