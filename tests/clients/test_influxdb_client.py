"""The unmodified Python client of InfluxDB 2 writes with a database token, and learns at once that it was revoked."""

import json

import pytest
from influxdb_client import InfluxDBClient, Point, WriteOptions, WritePrecision
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

# It has the form of a token, but nobody ever issued it.
UNKNOWN_TOKEN = "apiv1_" + "A" * 86


def client_for(server, token, gzip=False):
    return InfluxDBClient(url=server.url, token=token, org="any", enable_gzip=gzip)


def written(server, database):
    _, reader = server.create_token(("read", database))
    return server.rows(database, "SELECT line, speed, count, running, note FROM press ORDER BY time", reader)


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_synchronous_write(server, database, gzip):
    _, token = server.create_token(("write", database))
    point = (
        Point("press")
        .tag("line", "L 1,north=a")
        .field("speed", 12.5)
        .field("count", 7)
        .field("running", True)
        .field("note", 'said "stop", twice')
        .time(1_700_000_000_000_000_000, WritePrecision.NS)
    )
    with client_for(server, token, gzip) as client:
        client.write_api(write_options=SYNCHRONOUS).write(bucket=database, record=point)
    assert written(server, database) == [
        {"line": "L 1,north=a", "speed": 12.5, "count": 7, "running": True, "note": 'said "stop", twice'}
    ]


@pytest.mark.parametrize("precision, factor", [("s", 10**9), ("ms", 10**6), ("us", 10**3), ("ns", 1)])
def test_precision_of_time(server, database, precision, factor):
    _, token = server.create_token(("write", database), ("read", database))
    seconds = 1_700_000_000
    with client_for(server, token) as client:
        record = f"press speed=1 {seconds * 10**9 // factor}"
        client.write_api(write_options=SYNCHRONOUS).write(bucket=database, record=record, write_precision=precision)
    rows = server.rows(database, "SELECT time FROM press", token)
    assert rows == [{"time": "2023-11-14T22:13:20"}]


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_batching_write(server, database, gzip):
    _, token = server.create_token(("write", database), ("read", database))
    errors = []
    options = WriteOptions(batch_size=100, flush_interval=1_000, max_retries=0)
    with client_for(server, token, gzip) as client:
        with client.write_api(write_options=options, error_callback=lambda *arguments: errors.append(arguments[-1])) as writer:
            for number in range(1_050):
                writer.write(bucket=database, record=f"press,line=L{number % 3} count={number}i {number + 1}")
    assert errors == []
    rows = server.rows(database, "SELECT count(*) AS n, sum(count) AS total FROM press", token)
    assert rows == [{"n": 1_050, "total": sum(range(1_050))}]


def test_wrong_token(server, database):
    with client_for(server, UNKNOWN_TOKEN) as client:
        with pytest.raises(ApiException) as refused:
            client.write_api(write_options=SYNCHRONOUS).write(bucket=database, record="press speed=1 1")
    assert refused.value.status == 401
    assert UNKNOWN_TOKEN not in str(refused.value)


def test_token_without_write_permission(server, database):
    _, token = server.create_token(("read", database))
    with client_for(server, token) as client:
        with pytest.raises(ApiException) as refused:
            client.write_api(write_options=SYNCHRONOUS).write(bucket=database, record="press speed=1 1")
    assert refused.value.status == 403


def test_revoked_token_is_refused_at_once_on_the_same_connection(server, database):
    token_id, token = server.create_token(("write", database))
    with client_for(server, token) as client:
        writer = client.write_api(write_options=SYNCHRONOUS)
        writer.write(bucket=database, record="press,line=L1 speed=1,count=1i,running=true,note=\"a\" 1")
        server.revoke_token(token_id)
        with pytest.raises(ApiException) as refused:
            writer.write(bucket=database, record="press,line=L1 speed=2,count=2i,running=true,note=\"b\" 2")
    assert refused.value.status == 401
    assert [row["speed"] for row in written(server, database)] == [1.0]


def test_revoked_token_stops_a_batching_writer(server, database):
    token_id, token = server.create_token(("write", database), ("read", database))
    errors = []
    options = WriteOptions(batch_size=10, flush_interval=100, max_retries=5)
    with client_for(server, token) as client:
        server.revoke_token(token_id)
        with client.write_api(write_options=options, error_callback=lambda *arguments: errors.append(arguments[-1])) as writer:
            for number in range(30):
                writer.write(bucket=database, record=f"press count={number}i {number + 1}")
    assert len(errors) == 3
    assert all(isinstance(error, InfluxDBError) and error.response.status == 401 for error in errors)


def test_bad_line_is_an_error_that_names_it(server, database):
    _, token = server.create_token(("write", database))
    with client_for(server, token) as client:
        with pytest.raises(ApiException) as refused:
            client.write_api(write_options=SYNCHRONOUS).write(bucket=database, record="press speed=1 1\npress speed= 2")
    assert refused.value.status == 400
    answer = json.loads(refused.value.body)
    assert answer["code"] == "invalid"
    assert answer["line"] == 2
    assert "line 2" in answer["message"]


def test_ping_and_health(server):
    with client_for(server, UNKNOWN_TOKEN) as client:
        assert client.ping()
        assert client.version()
