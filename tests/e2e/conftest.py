from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.site import Site, site
from ovs_host import entered, namespace


@pytest.fixture(scope="session", autouse=True)
def _own_network() -> Iterator[None]:
    """A network namespace for this process: labs use addresses of the machine, and several processes run at once."""
    with namespace() as name, entered(name):
        yield


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all end-to-end tests; each restores the hosts."""
    with site(tmp_path_factory.mktemp("site")) as built:
        yield built
