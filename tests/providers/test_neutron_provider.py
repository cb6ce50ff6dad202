"""Neutron as a provider: failures of HTTP."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.rig import Authority
from engine_process import free_port
from netweft.providers.contract import (
    Account,
    BindingError,
    CertificateError,
    NetworkSpec,
    PortSpec,
    ProviderError,
)
from netweft.providers.neutron import connect
from providers.faults import CLOSE, LONGEST, TRICKLES, Fault, FaultyProxy
from providers.neutron import Neutron
from providers.ovn import Ovn
from waiting import until


@pytest.mark.parametrize("where", TRICKLES)
def test_an_endless_answer_times_out(where: str) -> None:
    with FaultyProxy("http://127.0.0.1:1") as proxy:
        proxy.fail("GET", TRICKLES[where], times=100)
        began = time.monotonic()
        with (
            connect(Account(url=proxy.url, timeout=0.5)) as provider,
            pytest.raises(ProviderError, match="cannot be reached"),
        ):
            provider.test()
        assert time.monotonic() - began < LONGEST / 4


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:{nobody}", r"The provider cannot be reached: Connection refused \(.*:{nobody}/\)\."),
        ("https://127.0.0.1:{nobody}", r"The provider cannot be reached: Connection refused \(.*:{nobody}/\)\."),
        ("http://no.host.invalid", r"The provider cannot be reached: [^()]+ \(http://no.host.invalid/\)\."),
        ("https://127.0.0.1:{plain}", r"The provider does not use TLS \(.*:{plain}/\)\. Use http://.*"),
        ("http://127.0.0.1:{plain}", r"The provider cannot be reached: [^()]+ \(http://127.0.0.1:{plain}/\)\."),
    ],
)
def test_an_unreachable_service_is_reported_in_a_sentence(url: str, reason: str) -> None:
    with FaultyProxy("http://127.0.0.1:1") as proxy:
        proxy.fail("GET", CLOSE, times=100)
        ports = {"nobody": free_port("127.0.0.1"), "plain": proxy.url.rpartition(":")[2]}
        with (
            connect(Account(url=url.format(**ports), timeout=30.0)) as provider,
            pytest.raises(ProviderError) as caught,
        ):
            provider.test()
    assert re.fullmatch(reason.format(**ports), caught.value.text)
    assert type(caught.value) is ProviderError


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[FaultyProxy, Authority]]:
    """A proxy with TLS, and the authority of its certificate."""
    authority = Authority()
    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (tmp_path / "both.pem").write_text(authority.sign(key.public_key(), "localhost") + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with FaultyProxy("http://127.0.0.1:1", tls=context) as proxy:
        yield proxy, authority


def test_an_untrusted_certificate_is_reported(tls: tuple[FaultyProxy, Authority]) -> None:
    proxy, _ = tls
    with (
        connect(Account(url=proxy.url, timeout=30.0)) as provider,
        pytest.raises(CertificateError, match=r"is not trusted: [^()]+ \(https://127\.0\.0\.1:\d+/\)\.$"),
    ):
        provider.test()


def test_an_endless_answer_over_tls_times_out(tls: tuple[FaultyProxy, Authority]) -> None:
    proxy, authority = tls
    proxy.fail("GET", TRICKLES["body"], times=100)
    began = time.monotonic()
    with (
        connect(Account(url=proxy.url, certificate=authority.pem, timeout=1.0)) as provider,
        pytest.raises(ProviderError, match="cannot be reached"),
    ):
        provider.test()
    assert (proxy.seen, time.monotonic() - began < LONGEST / 4) == (["GET /"], True)


def test_hosts_of_several_pages_are_listed(neutron: Neutron, ovn: Ovn) -> None:
    more = [f"many{number}" for number in range(11)]
    try:
        for number, name in enumerate(more):
            ovn.central.sbctl("chassis-add", name, "geneve", f"192.0.2.{number + 1}")
            row = ovn.central.sbctl("get", "Chassis", name, "_uuid").strip()
            ovn.central.sbctl("set", "Chassis", name, f"hostname={name}")
            ovn.central.sbctl("create", "Chassis_Private", f"name={name}", f"chassis={row}")
        with connect(Account(url=neutron.url)) as provider:
            # Hosts of other tests may be there, too: Neutron keeps those whose chassis is gone.
            until(lambda: {one.name for one in provider.hosts()} >= {*ovn.chassis, *more}, "all hosts")
            names = [one.name for one in provider.hosts()]
            assert sorted(set(names)) == names
    finally:
        for name in more:
            ovn.central.sbctl("--if-exists", "destroy", "Chassis_Private", name)
            ovn.central.sbctl("--if-exists", "chassis-del", name)
        with httpx.Client(base_url=f"{neutron.url}/v2.0/agents", trust_env=False, timeout=60.0) as agents:
            for agent in agents.get("").json()["agents"]:
                if agent["host"] in more:
                    agents.delete(f"/{agent['id']}").raise_for_status()


def test_an_unsupported_vif_type_is_refused_by_name(neutron: Neutron) -> None:
    """A port bound by a driver for fabrics: by a port profile, not on a bridge."""
    owner = "8d1c3f0e-5f4e-4c53-9c8f-1d8f3d9a3c11"
    with FaultyProxy(neutron.url) as proxy, connect(Account(url=proxy.url)) as provider:
        network = provider.ensure_network(NetworkSpec(id=owner, name="carried"))
        try:
            spec = PortSpec(
                id=owner, network_id=network.id, name="nic1", mac_address="02:00:00:00:00:77", device_id="vm"
            )
            port = provider.ensure_port(spec)
            bound = {
                "id": port.id,
                "name": "nic1",
                "network_id": network.id,
                "binding:host_id": "h1",
                "binding:vif_type": "802.1qbh",
                "binding:vif_details": {"profileid": "OS-PP-100"},
            }
            proxy.fail(f"GET .*/ports/{port.id}$", Fault(kind="answer", status=200, body={"port": bound}), times=10)
            with pytest.raises(BindingError, match=r"as 802\.1qbh with the port profile OS-PP-100, and guests are"):
                provider.bind_port(owner, "h1")
        finally:
            provider.remove_port(owner)
            provider.remove_network(owner)
