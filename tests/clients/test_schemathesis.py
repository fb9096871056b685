"""Schemathesis plays both OpenAPI documents against a server: what is documented is answered as documented."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tidegate_server import Server
from tidegate_v2 import PASSWORD, TOKEN, USER, Plant

HERE = Path(__file__).parent
DOCUMENTS = HERE.parent.parent / "docs"
DATA_TAGS = ["write", "query", "health"]


@pytest.fixture
def fresh_server(tmp_path):
    """A server of its own: the run creates, renames and deletes whatever it finds."""
    running = Server(os.environ["TIDEGATE_BIN"], tmp_path / "data")
    for database in ["plant7", "a/b"]:
        running.create_database(database)
    yield running
    assert running.stop() == 0


def run(document, configuration, dictionaries, environment, directory, capsys, *arguments):
    """Shows what Schemathesis found, whether or not it is content."""
    for file in HERE.glob("schemathesis_*.py"):
        shutil.copy(file, directory)
    shutil.copy(HERE / configuration, directory / "schemathesis.toml")
    for name, ids in dictionaries.items():
        (directory / f"{name}.dict").write_text("".join(f'"{one}"\n' for one in ids))
    tool = Path(sys.executable).parent / "schemathesis"
    url = environment["SERVER_URL"]
    done = subprocess.run(
        [tool, "run", DOCUMENTS / document, "--url", url, "--warnings", "off", *arguments],
        cwd=directory,
        # The files of hooks share a module.
        env={**os.environ, **environment, "PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    with capsys.disabled():
        first = done.stdout.find("= FAILURES =" if done.returncode else "= SUMMARY =")
        print("\n" + done.stdout[first:])
    assert done.returncode == 0, done.stderr


def play(server, directory, capsys, *arguments):
    _, database_token = server.create_token(("read", "*"), ("write", "*"))
    environment = {
        "MANAGEMENT_TOKEN": server.management_token,
        "DATABASE_TOKEN": database_token,
        "OWN_TOKEN_ID": server.management_token_id(),
        "SERVER_URL": server.url,
    }
    dictionaries = {"accounts": [server.account_id], "clusters": [server.cluster_id]}
    run("openapi.json", "schemathesis.toml", dictionaries, environment, directory, capsys, *arguments)


def test_management(fresh_server, tmp_path, capsys):
    excluded = [argument for tag in DATA_TAGS for argument in ("--exclude-tag", tag)]
    play(fresh_server, tmp_path, capsys, *excluded)


def test_data(fresh_server, tmp_path, capsys):
    included = [argument for tag in DATA_TAGS for argument in ("--include-tag", tag)]
    play(fresh_server, tmp_path, capsys, *included)


def test_v2(fresh_server, tmp_path, capsys):
    plant = Plant(fresh_server)
    bucket, user = plant.bucket(), plant.user(PASSWORD)
    session = plant.signed_in(USER, PASSWORD)
    session.users_api().me()
    cookie = session.api_client.cookie
    # Else the client would sign out when it is collected.
    session.api_client.cookie = None
    own = plant.onboarded.auth.id
    environment = {
        "OPERATOR_TOKEN": TOKEN,
        "OWN_AUTHORIZATION_ID": own,
        "OWN_USER_ID": plant.user_id,
        "ORGANIZATION_ID": plant.org_id,
        "USER_NAME": USER,
        "USER_PASSWORD": PASSWORD,
        "SESSION_KEY": cookie.split(";")[0].split("=", 1)[1],
        "SERVER_URL": fresh_server.url,
    }
    dictionaries = {
        "authorizations": [own, plant.authorization(plant.on_bucket("read")).id, plant.legacy_authorization().id],
        "buckets": [bucket.id, plant.onboarded.bucket.id],
        "mappings": [plant.mapping(bucket).id],
        "organizations": [plant.org_id],
        "users": [plant.user_id, user.id],
    }
    run("openapi-v2.json", "schemathesis_v2.toml", dictionaries, environment, tmp_path, capsys)
