"""A server that was set up as the v2 clients' own test scripts expect it, and what the tests of those clients share."""

import uuid

import pytest
from influxdb_client import (
    DBRPCreate,
    DBRPsService,
    InfluxDBClient,
    LegacyAuthorizationPostRequest,
    LegacyAuthorizationsService,
    OnboardingRequest,
    Permission,
    PermissionResource,
    SetupService,
    User,
)
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from tidegate_server import Server

USER, PASSWORD, ORGANIZATION, BUCKET, TOKEN = "my-user", "my-password", "my-org", "my-bucket", "my-token"
UNKNOWN_ID = "ffffffffffffffff"


def fresh_name(kind):
    return f"{kind}-{uuid.uuid4().hex[:12]}"


def refusal(call, *arguments, **options):
    """The exception of a call that the server must refuse."""
    with pytest.raises(ApiException) as refused:
        call(*arguments, **options)
    return refused.value


class Plant:
    """A server after its set-up, with a client that holds the operator token."""

    def __init__(self, server: Server):
        self.server = server
        self.operator = self.client(TOKEN)
        request = OnboardingRequest(username=USER, password=PASSWORD, org=ORGANIZATION, bucket=BUCKET, token=TOKEN)
        answer = SetupService(self.client(None).api_client).post_setup(request)
        self.onboarded = answer
        self.org_id = answer.org.id
        self.user_id = answer.user.id

    def client(self, token, **options) -> InfluxDBClient:
        return InfluxDBClient(url=self.server.url, token=token, org=ORGANIZATION, **options)

    def signed_in(self, name, password) -> InfluxDBClient:
        return InfluxDBClient(url=self.server.url, username=name, password=password, org=ORGANIZATION)

    def bucket(self):
        return self.operator.buckets_api().create_bucket(bucket_name=fresh_name("bucket"), org=ORGANIZATION)

    def user(self, password=None):
        users = self.operator.users_api()
        user = users.create_user(fresh_name("user"))
        if password is not None:
            users.update_password(user, password)
        return user

    def on_bucket(self, action, bucket=None):
        """A permission on one bucket, else on all of the organization."""
        resource = PermissionResource(type="buckets", org_id=self.org_id, id=None if bucket is None else bucket.id)
        return Permission(action=action, resource=resource)

    def on_type(self, action, kind):
        return Permission(action=action, resource=PermissionResource(type=kind, org_id=self.org_id))

    def set_status(self, authorization, status):
        authorization.status = status
        return self.operator.authorizations_api().update_authorization(authorization)

    def set_user_status(self, user, status):
        return self.operator.users_api().update_user(User(id=user.id, name=user.name, status=status))

    def authorization(self, *permissions):
        return self.operator.authorizations_api().create_authorization(self.org_id, list(permissions))

    def legacy_authorization(self):
        """A v1 user name without a password."""
        wanted = LegacyAuthorizationPostRequest(
            org_id=self.org_id, token=fresh_name("legacy"), permissions=[self.on_bucket("read")]
        )
        service = LegacyAuthorizationsService(self.operator.api_client)
        return service.post_legacy_authorizations(legacy_authorization_post_request=wanted)

    def mapping(self, bucket):
        wanted = DBRPCreate(org_id=self.org_id, bucket_id=bucket.id, database=fresh_name("db"), retention_policy="week")
        return DBRPsService(self.operator.api_client).post_dbrp(dbrp_create=wanted)

    def write(self, client, bucket, lines):
        client.write_api(write_options=SYNCHRONOUS).write(bucket=bucket.name, record=lines)

    def count(self, bucket):
        """How many rows the table `press` of a bucket has, seen by the operator."""
        [row] = self.server.rows(bucket.name, "SELECT count(*) AS n FROM press", TOKEN)
        return row["n"]
