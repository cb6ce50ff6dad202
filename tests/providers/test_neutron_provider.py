"""What of Neutron as a provider is its own: how its HTTP may fail."""

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
from netweft.providers.contract import Account, CertificateError, ProviderError
from netweft.providers.neutron import connect
from providers.faults import CLOSE, LONGEST, TRICKLES, FaultyProxy
from providers.neutron import Neutron
from providers.ovn import Ovn
from providers.waiting import until


@pytest.mark.parametrize("where", TRICKLES)
def test_an_answer_that_never_ends_is_given_up(where: str) -> None:
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
        ("https://127.0.0.1:{plain}", r"What answers there speaks no TLS \(.*:{plain}/\)\. Write http://.*"),
        ("http://127.0.0.1:{plain}", r"The provider cannot be reached: [^()]+ \(http://127.0.0.1:{plain}/\)\."),
    ],
)
def test_why_nobody_answers_is_a_sentence(url: str, reason: str) -> None:
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
    """A proxy that speaks TLS, and whose authority its certificate is of."""
    authority = Authority()
    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (tmp_path / "both.pem").write_text(authority.sign(key.public_key(), "localhost") + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with FaultyProxy("http://127.0.0.1:1", tls=context) as proxy:
        yield proxy, authority


def test_a_certificate_that_nobody_trusts_is_said(tls: tuple[FaultyProxy, Authority]) -> None:
    proxy, _ = tls
    with (
        connect(Account(url=proxy.url, timeout=30.0)) as provider,
        pytest.raises(CertificateError, match=r"is not trusted: [^()]+ \(https://127\.0\.0\.1:\d+/\)\.$"),
    ):
        provider.test()


def test_an_answer_that_never_ends_is_given_up_by_tls_too(tls: tuple[FaultyProxy, Authority]) -> None:
    proxy, authority = tls
    proxy.fail("GET", TRICKLES["body"], times=100)
    began = time.monotonic()
    with (
        connect(Account(url=proxy.url, certificate=authority.pem, timeout=1.0)) as provider,
        pytest.raises(ProviderError, match="cannot be reached"),
    ):
        provider.test()
    assert (proxy.seen, time.monotonic() - began < LONGEST / 4) == (["GET /"], True)


def test_all_hosts_are_listed_where_there_are_more_than_a_page(neutron: Neutron, ovn: Ovn) -> None:
    before = set(ovn.chassis)
    more = [f"many{number}" for number in range(11)]
    try:
        for number, name in enumerate(more):
            ovn.central.sbctl("chassis-add", name, "geneve", f"192.0.2.{number + 1}")
            row = ovn.central.sbctl("get", "Chassis", name, "_uuid").strip()
            ovn.central.sbctl("set", "Chassis", name, f"hostname={name}")
            ovn.central.sbctl("create", "Chassis_Private", f"name={name}", f"chassis={row}")
        with connect(Account(url=neutron.url)) as provider:
            until(lambda: {one.name for one in provider.hosts()} == before | set(more), "all hosts")
            assert len(provider.hosts()) == len(before) + len(more)
    finally:
        for name in more:
            ovn.central.sbctl("--if-exists", "destroy", "Chassis_Private", name)
            ovn.central.sbctl("--if-exists", "chassis-del", name)
        with httpx.Client(base_url=f"{neutron.url}/v2.0/agents", trust_env=False, timeout=60.0) as agents:
            for agent in agents.get("").json()["agents"]:
                if agent["host"] in more:
                    agents.delete(f"/{agent['id']}").raise_for_status()
