"""A provider of external networks that is there at once: a further module for a kind of system, as anybody may write
one, found by an entry point. What it has and how it fails, tests say by the host of its URL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from urllib.parse import urlsplit

from netweft.providers.contract import (
    ENTRY_POINTS,
    Account,
    CertificateError,
    LoginError,
    MissingError,
    ProviderError,
    ProviderNetwork,
    ProviderSubnet,
)
from netweft.providers.installed import Installed

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nof memory\n-----END CERTIFICATE-----\n"
PASSWORD = "only this one"
INSTALLED = Installed({"neutron": EntryPoint("neutron", "memory_provider:connect", ENTRY_POINTS)})

NETWORKS = (
    ProviderNetwork(id="2", name="blue"),
    ProviderNetwork(id="1", name="red", description="a red one", mtu=1442),
)
SUBNETS = {
    "1": (
        ProviderSubnet(id="11", name="low", cidr="192.0.2.0/24", ip_version=4, gateway="192.0.2.1"),
        ProviderSubnet(id="12", name="six", cidr="2001:db8::/64", ip_version=6, dns_servers=("2001:db8::53",)),
    ),
    "2": (),
}


class MemoryProvider:
    """One such system. ``down.example``: it is not reached; ``tls.example``: only with its certificate."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def test(self) -> None:
        host = urlsplit(self._account.url).hostname
        if host == "down.example":
            raise ProviderError("The provider cannot be reached: nobody is there")
        if host == "tls.example" and self._account.certificate != CERTIFICATE:
            raise CertificateError("The TLS certificate of the provider is not trusted: self-signed")
        if self._account.requires_authentication and self._account.password != PASSWORD:
            raise LoginError("The provider does not let us in: wrong password")

    def networks(self) -> Sequence[ProviderNetwork]:
        self.test()
        return NETWORKS

    def subnets(self, network_id: str) -> Sequence[ProviderSubnet]:
        self.test()
        if network_id not in SUBNETS:
            raise MissingError(f"The provider has no such thing: network {network_id}")
        return SUBNETS[network_id]


@contextmanager
def connect(account: Account) -> Iterator[MemoryProvider]:
    yield MemoryProvider(account)
