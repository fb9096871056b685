"""A token or session that has ended can do nothing more, whatever the Python client asks for with it, and however it
ended: deleted, deactivated, its owner deleted or deactivated, signed out."""

import urllib.error

import pytest
from influxdb_client import Authorization, InfluxDBClient, SignoutService
from tidegate_v2 import ORGANIZATION, PASSWORD, UNKNOWN_ID, fresh_name, refusal

ALWAYS = ["1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z"]
# Everything that an owner of the organization may do, and so may who finds his token.
KINDS = ["authorizations", "buckets", "orgs", "users", "dbrp", "tasks"]


class Leaked:
    """A token of a user of its own, which is about to end, and everything that can be tried with it."""

    def __init__(self, plant):
        self.plant, self.user, self.bucket = plant, plant.user(), plant.bucket()
        permissions = [plant.on_type(action, kind) for kind in KINDS for action in ("read", "write")]
        wanted = Authorization(org_id=plant.org_id, user_id=self.user.id, permissions=permissions)
        self.authorization = plant.operator.authorizations_api().create_authorization(authorization=wanted)
        self.token = self.authorization.token
        self.client = plant.client(self.token)
        plant.write(self.client, self.bucket, "press speed=1 1")

    def attempts(self):
        client, plant, bucket = self.client, self.plant, self.bucket
        authorizations, users = client.authorizations_api(), client.users_api()
        readable = [plant.on_bucket("read")]
        buckets, organizations = client.buckets_api(), client.organizations_api()
        active = Authorization(status="active", org_id=plant.org_id, permissions=self.authorization.permissions)
        active.id = self.authorization.id
        return {
            "write": lambda: plant.write(client, bucket, "press speed=2 2"),
            "list authorizations": authorizations.find_authorizations,
            "see its own authorization": lambda: authorizations.find_authorization_by_id(self.authorization.id),
            "see an unknown authorization": lambda: authorizations.find_authorization_by_id(UNKNOWN_ID),
            "make an authorization": lambda: authorizations.create_authorization(plant.org_id, readable),
            "make an authorization with nothing": lambda: authorizations.create_authorization(plant.org_id, []),
            "activate itself": lambda: authorizations.update_authorization(active),
            "delete itself": lambda: authorizations.delete_authorization(self.authorization.id),
            "clone itself": lambda: authorizations.clone_authorization(self.authorization.id),
            "list buckets": buckets.find_buckets,
            "find a bucket": lambda: buckets.find_bucket_by_name(bucket.name),
            "make a bucket": lambda: buckets.create_bucket(bucket_name=fresh_name("leak"), org=plant.org_id),
            "delete a bucket": lambda: buckets.delete_bucket(bucket),
            "list organizations": organizations.find_organizations,
            "see the organization": lambda: organizations.find_organization(plant.org_id),
            "make an organization": lambda: organizations.create_organization(name=fresh_name("leak")),
            "list users": users.find_users,
            "see itself": users.me,
            "make a user": lambda: users.create_user(fresh_name("leak")),
            "set a password": lambda: users.update_password(self.user.id, PASSWORD),
            "run Flux": lambda: client.query_api().query("buckets()"),
            "delete data": lambda: client.delete_api().delete(*ALWAYS, "", bucket.name),
        }

    def attempts_outside_of_the_client(self):
        server, name = self.plant.server, self.bucket.name
        return {
            "write to v3": lambda: server.write(name, "press speed=3 3", self.token),
            "query by SQL": lambda: server.rows(name, "SELECT * FROM press", self.token),
        }


def traces(plant, bucket):
    """What a caller may have left behind: names of everything there is, and rows."""
    operator = plant.operator
    return (
        plant.count(bucket),
        [(one.id, one.status, one.description) for one in operator.authorizations_api().find_authorizations()],
        [(one.id, one.name) for one in operator.buckets_api().find_buckets_iter(limit=100)],
        [(one.id, one.name) for one in operator.organizations_api().find_organizations(limit=100)],
        [(one.id, one.name, one.status) for one in operator.users_api().find_users(limit=100).users],
    )


ENDINGS = {
    "deactivated": lambda plant, leaked: plant.set_status(leaked.authorization, "inactive"),
    "deleted": lambda plant, leaked: plant.operator.authorizations_api().delete_authorization(leaked.authorization),
    "owner deactivated": lambda plant, leaked: plant.set_user_status(leaked.user, "inactive"),
    "owner deleted": lambda plant, leaked: plant.operator.users_api().delete_user(leaked.user),
    "by itself": lambda plant, leaked: leaked.client.authorizations_api().delete_authorization(leaked.authorization),
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS.keys())
def test_a_leaked_token_does_nothing_after_its_end(plant, end):
    leaked = Leaked(plant)
    end(plant, leaked)
    before = traces(plant, leaked.bucket)
    for attempt, call in leaked.attempts().items():
        refused = refusal(call)
        assert (refused.status, refused.message) == (401, "unauthorized access"), attempt
        assert leaked.token not in str(refused)
    for attempt, call in leaked.attempts_outside_of_the_client().items():
        with pytest.raises(urllib.error.HTTPError) as refused:
            call()
        assert refused.value.code == 401, attempt
    assert leaked.client.ping(), "what is open to everybody stays open"
    assert traces(plant, leaked.bucket) == before
    assert before[0] == 1


def test_tokens_of_the_same_user_live_on(plant):
    first, bucket = plant.authorization(plant.on_bucket("write")), plant.bucket()
    second = plant.authorization(plant.on_bucket("write"))
    plant.operator.authorizations_api().delete_authorization(first)
    plant.write(plant.client(second.token), bucket, "press speed=1 1")
    assert plant.count(bucket) == 1


def test_an_activated_owner_gives_his_tokens_back(plant):
    leaked = Leaked(plant)
    plant.set_user_status(leaked.user, "inactive")
    assert refusal(plant.write, leaked.client, leaked.bucket, "press speed=2 2").status == 401
    plant.set_user_status(leaked.user, "active")
    plant.write(leaked.client, leaked.bucket, "press speed=3 3")
    assert plant.count(leaked.bucket) == 2


def by_cookie(plant, cookie) -> InfluxDBClient:
    """Who holds nothing but a cookie that somebody else got."""
    client = InfluxDBClient(url=plant.server.url, token=None, org=ORGANIZATION)
    client.api_client.cookie = cookie
    return client


SESSION_ENDINGS = {
    "signed out": lambda plant, user, client: SignoutService(client.api_client).post_signout(),
    "password changed": lambda plant, user, client: plant.operator.users_api().update_password(user, "other-password"),
    "user deactivated": lambda plant, user, client: plant.set_user_status(user, "inactive"),
    "user deleted": lambda plant, user, client: plant.operator.users_api().delete_user(user),
}


@pytest.mark.parametrize("end", SESSION_ENDINGS.values(), ids=SESSION_ENDINGS.keys())
def test_a_session_does_nothing_after_its_end(plant, end):
    user = plant.user(PASSWORD)
    client = plant.signed_in(user.name, PASSWORD)
    client.users_api().me()
    other = by_cookie(plant, client.api_client.cookie)
    assert other.users_api().me().id == user.id
    end(plant, user, client)
    attempts = [
        other.users_api().me,
        other.authorizations_api().find_authorizations,
        other.buckets_api().find_buckets,
        lambda: other.users_api().update_password(user.id, PASSWORD),
        lambda: SignoutService(other.api_client).post_signout(),
    ]
    for call in attempts:
        refused = refusal(call)
        assert (refused.status, refused.message) == (401, "unauthorized access")
    # Else the client would sign out once more when it is collected.
    client.api_client.cookie = None
