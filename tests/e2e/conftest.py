from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.site import Site, site


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all end-to-end tests; each leaves the hosts as it found them."""
    with site(tmp_path_factory.mktemp("site")) as built:
        yield built
