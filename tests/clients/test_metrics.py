"""The parsers of the Prometheus project read what `/metrics` answers, in both text formats."""

import urllib.error
import urllib.request

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def scrape(server, token, accept):
    headers = {"Accept": accept, "Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(server.url + "/metrics", headers=headers)) as response:
        return response.headers["Content-Type"], response.read().decode()


def samples(families):
    return {(sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples}


@pytest.mark.parametrize(
    "accept, parse",
    [
        ("text/plain;version=0.0.4", text_string_to_metric_families),
        (f"{OPENMETRICS}, text/plain;version=0.0.4;q=0.5", openmetrics.text_string_to_metric_families),
    ],
    ids=["text", "openmetrics"],
)
def test_a_scrape_is_understood(server, database, accept, parse):
    token_id, token = server.create_token(("read", database))
    server.rows(database, "SELECT 1", token)
    server.revoke_token(token_id)
    with pytest.raises(urllib.error.HTTPError):
        server.rows(database, "SELECT 1", token)
    content_type, text = scrape(server, server.management_token, accept)
    assert content_type.startswith(accept.split(";")[0])
    found = samples(parse(text))
    for name in ["token_check", "query", "revocation"]:
        assert found[(f"tidegate_{name}_duration_seconds_count",)] >= 1
        assert found[(f"tidegate_{name}_duration_seconds_sum",)] > 0
    assert found[("tidegate_http_refused_requests_total", ("reason", "unauthorized"))] >= 1
    assert found[("tidegate_credentials",)] >= 1
    assert token[6:40] not in text and database not in text


def test_a_database_token_cannot_read_them(server, database):
    _, token = server.create_token(("read", "*"), ("write", "*"))
    with pytest.raises(urllib.error.HTTPError) as refused:
        scrape(server, token, "text/plain")
    assert refused.value.code == 401
