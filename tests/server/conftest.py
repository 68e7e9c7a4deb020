"""A server for all tests that need no server of their own: it starts once for each worker."""

import pytest

from benchmarks.clients import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("server") / "data")
    yield running
    running.stop()
