"""UFM as a configuration provider: the conformance kit, its versions, its faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from netweft.providers import ufm
from netweft.providers.configuration import ConfigurationProvider, MtuError, PortProfile, Server
from netweft.providers.contract import Account, LoginError, ProviderError, RefusedError
from netweft.providers.marks import name_of
from providers.configuration_kit import ConfigurationKit, FabricSystem, profile_spec
from providers.faults import CLOSE, HANG, LOSE, TRICKLES, Fault, FaultyProxy, answer
from providers.kit import Failure
from providers.ufm_emulator import PASSWORD, USER, Fabric, emulated

FAULTS: dict[Failure, Fault] = {"refuse": answer(409), "close": CLOSE, "hang": HANG, "lose": LOSE}


@pytest.fixture(params=[False, True], ids=["404 for missing", "{} for missing"])
def fabric(request: pytest.FixtureRequest) -> Fabric:
    return Fabric(empty_for_missing=request.param)


@pytest.fixture
def url(fabric: Fabric) -> Iterator[str]:
    with emulated(fabric) as url:
        yield url


def account(url: str, timeout: float = 60.0, password: str = PASSWORD) -> Account:
    return Account(url=url, username=USER, password=password, timeout=timeout)


class TestUfm(ConfigurationKit):
    @pytest.fixture
    def system(self, fabric: Fabric, url: str) -> FabricSystem:
        @contextmanager
        def others() -> Iterator[str]:
            fabric.add({"pkey": "0x7", "partition_name": "by hand"})
            yield "0x7"
            fabric.remove("0x7")

        @contextmanager
        def failing(failure: Failure) -> Iterator[ConfigurationProvider]:
            with FaultyProxy(url) as proxy:
                proxy.fail("^(POST|PUT|DELETE) ", FAULTS[failure], times=1000)
                with ufm.connect(account(proxy.url, timeout=1.0 if failure == "hang" else 60.0)) as provider:
                    yield provider

        return FabricSystem(
            connect=lambda: ufm.connect(account(url)),
            unauthorized=lambda: ufm.connect(account(url, password="wrong")),
            view=lambda: [f"{key} {json.dumps(one)}" for key, one in fabric.partitions.items()],
            others=others,
            failing=failing,
            mtus=(2048, 9000),
            takes_members=True,
        )


def test_the_mtu_of_a_partition_is_changed_in_place(fabric: Fabric, url: str) -> None:
    spec = profile_spec()
    with ufm.connect(account(url)) as provider:
        assert provider.ensure_profile(spec).mtu == 2048
        fabric.partitions["0x64"]["qos_conf"]["service_level"] = 3
        assert provider.ensure_profile(replace(spec, mtu=4096)).mtu == 4096
        assert fabric.partitions["0x64"]["qos_conf"] == {"mtu_limit": 4, "service_level": 3, "rate_limit": 2.5}
        with pytest.raises(MtuError, match="2048 or 4096 octets, not 1500"):
            provider.ensure_profile(replace(spec, mtu=1500))


def test_another_vlan_keeps_memberships_and_settings(fabric: Fabric, url: str) -> None:
    """Manually set isolation, and UFM's defaults."""
    spec = profile_spec()
    with ufm.connect(account(url)) as provider:
        provider.ensure_profile(spec)
        guids = {"0002c903000e0b71": "limited", "0002c903000e0b72": "full"}
        for guid, membership in guids.items():
            fabric.join({"pkey": "0x64", "guids": [guid], "membership": membership})
        fabric.partitions["0x64"]["qos_conf"] |= {"mtu_limit": 4, "service_level": 3}
        moved = provider.ensure_profile(replace(spec, vlan_id=101))
        assert (moved.mtu, moved.members) == (4096, frozenset(guids))
        there = fabric.partitions["0x65"]
        assert {one["guid"].lower(): one["membership"] for one in there["guids"]} == guids
        assert (there["qos_conf"]["mtu_limit"], there["qos_conf"]["service_level"]) == (4, 3)


def test_unusual_foreign_guids_are_accepted(fabric: Fabric, url: str) -> None:
    fabric.join({"pkey": "0x7", "guids": ["0002c903000e0b720000", "0x0002C903000E0B72"]})
    spec = profile_spec()
    with ufm.connect(account(url)) as provider:
        assert provider.ensure_profile(spec).owner == spec.id
        (theirs,) = [one for one in provider.profiles() if one.name == "0x7"]
        assert theirs.members == frozenset({"0002c903000e0b720000", "0002c903000e0b72"})
        provider.remove_profile(spec.id)


def test_invalid_answers_are_reported(fabric: Fabric, url: str) -> None:
    fabric.partitions["all"] = {"partition": "x", "ip_over_ib": True, "guids": [{}], "qos_conf": {}}
    with ufm.connect(account(url)) as provider, pytest.raises(ProviderError, match="partitions without a PKey"):
        provider.profiles()


def test_partitions_have_our_mark_and_foreign_ones_stay(fabric: Fabric, url: str) -> None:
    spec = profile_spec()
    with ufm.connect(account(url)) as provider:
        provider.ensure_profile(spec)
        assert fabric.partitions["0x64"]["partition"] == name_of(spec.id)
        assert PortProfile(name="0x7fff", vlan_id=0x7FFF) in provider.profiles()
        with pytest.raises(RefusedError):
            provider.ensure_profile(replace(profile_spec(), vlan_id=0x7FFF))
        provider.remove_profile(spec.id)
    assert list(fabric.partitions) == ["0x7fff"]


def test_an_invalid_guid_is_refused(url: str) -> None:
    spec = profile_spec()
    with ufm.connect(account(url)) as provider:
        provider.ensure_profile(spec)
        with pytest.raises(RefusedError, match="is no GUID"):
            provider.ensure_member(spec.id, "02:00:00:00:00:01")


@pytest.mark.parametrize(
    ("version", "words"), [("6.21.9", "UFM 6.21, whose partitions have no names"), ("new", "has no version")]
)
def test_an_old_version_or_another_service_is_refused(fabric: Fabric, url: str, version: str, words: str) -> None:
    fabric.version = version
    with ufm.connect(account(url)) as provider, pytest.raises(ProviderError, match=words):
        provider.test()


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (answer(401), LoginError, "refused the login"),
        (answer(403), LoginError, "refused the login"),
        (answer(500), ProviderError, "HTTP status 500"),
        (CLOSE, ProviderError, "cannot be reached"),
        (HANG, ProviderError, "did not answer within 1 seconds"),
        *((trickle, ProviderError, "not complete after 3 seconds") for trickle in TRICKLES.values()),
    ],
)
def test_each_fault_is_reported(url: str, fault: Fault, error: type[ProviderError], words: str) -> None:
    with FaultyProxy(url) as proxy:
        proxy.fail("", fault, times=1000)
        with ufm.connect(account(proxy.url, timeout=1.0)) as provider, pytest.raises(error, match=words):
            provider.test()


def test_hosts_are_identified_by_the_guids_of_their_adapters(fabric: Fabric, url: str) -> None:
    """Virtual ports as in the vendor's documentation (UFM Enterprise REST API, Virtualization)."""
    port = {"virtual_port_state": "Active", "system_guid": "248A0703008A850A", "system_name": "r-ufm77"}
    fabric.vports = [
        {**port, "virtual_port_guid": "0002c90000000017"},
        {**port, "virtual_port_guid": "0002c90000000018"},
        {**port, "system_guid": "0xf452140300383a00", "system_name": "r-ufm51"},
        {**port, "system_guid": "N/A", "system_name": "r-ufm52"},
    ]
    with ufm.connect(account(url)) as provider:
        assert provider.servers() == [
            Server(uuid="f452140300383a00", name="r-ufm51"),
            Server(uuid="248a0703008a850a", name="r-ufm77"),
        ]
