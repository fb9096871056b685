"""Schemathesis plays the whole OpenAPI document against a server: what is documented is answered as documented."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tidegate_server import Server

HERE = Path(__file__).parent
DOCUMENT = HERE.parent.parent / "docs" / "openapi.json"
DATA_TAGS = ["write", "query", "health"]


@pytest.fixture
def fresh_server(tmp_path):
    """A server of its own: the run creates, renames and deletes whatever it finds."""
    running = Server(os.environ["TIDEGATE_BIN"], tmp_path / "data")
    for database in ["plant7", "a/b"]:
        running.create_database(database)
    yield running
    assert running.stop() == 0


def play(server, directory, capsys, *arguments):
    """Shows what Schemathesis found, whether or not it is content."""
    for name in ["schemathesis.toml", "schemathesis_hooks.py"]:
        shutil.copy(HERE / name, directory)
    (directory / "accounts.dict").write_text(f'"{server.account_id}"\n')
    (directory / "clusters.dict").write_text(f'"{server.cluster_id}"\n')
    _, database_token = server.create_token(("read", "*"), ("write", "*"))
    tool = Path(sys.executable).parent / "schemathesis"
    run = subprocess.run(
        [tool, "run", DOCUMENT, "--url", server.url, "--warnings", "off", *arguments],
        cwd=directory,
        env={
            **os.environ,
            "MANAGEMENT_TOKEN": server.management_token,
            "DATABASE_TOKEN": database_token,
            "OWN_TOKEN_ID": server.management_token_id(),
            "SERVER_URL": server.url,
        },
        capture_output=True,
        text=True,
        timeout=600,
    )
    with capsys.disabled():
        print("\n" + run.stdout[run.stdout.find("= FAILURES =") if run.returncode else run.stdout.find("= SUMMARY =") :])
    assert run.returncode == 0, run.stderr


def test_management(fresh_server, tmp_path, capsys):
    excluded = [argument for tag in DATA_TAGS for argument in ("--exclude-tag", tag)]
    play(fresh_server, tmp_path, capsys, *excluded)


def test_data(fresh_server, tmp_path, capsys):
    included = [argument for tag in DATA_TAGS for argument in ("--include-tag", tag)]
    play(fresh_server, tmp_path, capsys, *included)
