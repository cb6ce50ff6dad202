"""What the tests of this ring share: one OVN and one Neutron, started once. Each test leaves them as it found them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.neutron import Neutron
from providers.neutron import neutron as running_neutron
from providers.ovn import Ovn
from providers.ovn import ovn as running_ovn


def pytest_configure() -> None:
    """Have asserts of the kits say what they compared, as those of a test module do."""
    pytest.register_assert_rewrite("providers.kit", "providers.configuration_kit")


@pytest.fixture(scope="session")
def ovn() -> Iterator[Ovn]:
    """An OVN with the chassis h1 and h2."""
    with running_ovn() as running:
        yield running


@pytest.fixture(scope="session")
def neutron(ovn: Ovn) -> Iterator[Neutron]:
    """A Neutron on that OVN, with nothing in it."""
    with running_neutron(ovn.central) as running:
        yield running
