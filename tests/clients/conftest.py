import os
import uuid

import pytest
from tidegate_server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = Server(os.environ["TIDEGATE_BIN"], tmp_path_factory.mktemp("server") / "data")
    yield running
    assert running.stop() == 0


@pytest.fixture
def database(server):
    name = f"db-{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    return name
