from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.rig import Authority, Engine, served
from netweft.agent.wire import ENGINE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netweft.agent.identity import Identity


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def engine_identity(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return authority.issue(tmp_path_factory.mktemp("engine"), ENGINE_NAME)


@pytest.fixture
def engine(authority: Authority, engine_identity: Identity, tmp_path: Path) -> Iterator[Engine]:
    """The engine's connection to one simulated host."""
    with served(tmp_path, authority) as url:
        engine = Engine(url, engine_identity)
        yield engine
        engine.client.close()
