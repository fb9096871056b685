import os
import uuid

import pytest
from console_browser import World, chromium, window
from tidegate_server import Server
from tidegate_v2 import Plant


def started(directory):
    running = Server(os.environ["TIDEGATE_BIN"], directory / "data")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    yield from started(tmp_path_factory.mktemp("server"))


@pytest.fixture
def database(server):
    name = f"db-{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    return name


@pytest.fixture(scope="session")
def server_for_v2(tmp_path_factory):
    yield from started(tmp_path_factory.mktemp("v2"))


@pytest.fixture(scope="session")
def plant(server_for_v2):
    """A server of its own: after its set-up the names of organization and buckets are others."""
    return Plant(server_for_v2)


@pytest.fixture(scope="session")
def server_for_console(tmp_path_factory):
    yield from started(tmp_path_factory.mktemp("console"))


@pytest.fixture(scope="session")
def world(server_for_console):
    """A server of its own, with something to see in its console."""
    world = World(server_for_console)
    world.furnish()
    return world


@pytest.fixture
def new_server(tmp_path):
    """A server that nobody has set up."""
    yield from started(tmp_path)


@pytest.fixture(scope="module")
def browser():
    """For one module at a time: its event loop would be in the way of others'."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser):
    with window(browser) as page:
        yield page
