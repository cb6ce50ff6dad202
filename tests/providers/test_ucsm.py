"""The UCS Manager as a configuration provider: the conformance kit, each fault of its API, and Cisco's own client."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from netweft.providers import ucsm
from netweft.providers.configuration import ConfigurationProvider, MtuError, PortProfile, Server
from netweft.providers.contract import CertificateError, LoginError, MissingError, ProviderError, RefusedError
from netweft.providers.marks import name_of, owner_of
from providers.configuration_kit import ConfigurationKit, FabricSystem, profile_spec
from providers.kit import Failure
from providers.ucsm import HERE, PASSWORD, READER, READERS_PASSWORD, SDK, USER, Emulator
from waiting import until

FAULTS: dict[Failure, str] = {"refuse": "150", "close": "close", "hang": "hang", "lose": "lose"}
PATIENCE: dict[Failure, float] = {"hang": 1.0}


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    running.control(reset=True, sessions_max=32, lifetime=600.0)
    return running


@contextmanager
def failing(emulator: Emulator, failure: Failure) -> Iterator[ConfigurationProvider]:
    emulator.fail(FAULTS[failure], "configConfMos", times=1000)
    try:
        with ucsm.connect(emulator.account(timeout=PATIENCE.get(failure, 60.0))) as provider:
            yield provider
    finally:
        emulator.mend()


def system_of(emulator: Emulator) -> FabricSystem:
    @contextmanager
    def others() -> Iterator[str]:
        emulator.put("fabricVlan", "fabric/lan/net-theirs", name="theirs", id="7")
        emulator.put("vnicProfile", "fabric/lan/profiles/vnic-theirs", name="theirs", descr="by hand")
        emulator.put("vnicEtherIf", "fabric/lan/profiles/vnic-theirs/if-theirs", name="theirs", defaultNet="yes")
        yield "theirs"
        emulator.drop("fabric/lan/profiles/vnic-theirs")
        emulator.drop("fabric/lan/net-theirs")

    @contextmanager
    def used(profile: PortProfile) -> Iterator[None]:
        emulator.put("vmNic", "vmm/vm-1/nic-1", name="1", profileName=profile.name)
        yield
        emulator.drop("vmm/vm-1/nic-1")

    return FabricSystem(
        connect=lambda: ucsm.connect(emulator.account()),
        unauthorized=lambda: ucsm.connect(emulator.account(password="wrong")),
        view=emulator.view,
        others=others,
        failing=lambda failure: failing(emulator, failure),
        mtus=(1500, 9000),
        used=used,
        policy="gold",
    )


class TestUcsm(ConfigurationKit):
    @pytest.fixture
    def system(self, emulator: Emulator) -> FabricSystem:
        return system_of(emulator)


def test_servers_are_identified_by_their_hardware(emulator: Emulator) -> None:
    with ucsm.connect(emulator.account()) as provider:
        assert provider.servers() == [
            Server(uuid=f"4c4c4544-0000-4000-8000-00000000000{number}", name=f"host{number}") for number in (1, 2)
        ]


def test_a_class_is_raised_and_never_lowered(emulator: Emulator) -> None:
    spec = replace(profile_spec(), mtu=9000)
    with ucsm.connect(emulator.account()) as provider:
        with pytest.raises(MtuError, match="best-effort of the fabric carries frames of 1500 octets") as refused:
            provider.ensure_profile(spec)
        assert refused.value.system_class == "best-effort"
        assert provider.ensure_profile(replace(spec, qos_policy="gold")).mtu == 9216
        with pytest.raises(MtuError, match="best-effort"):  # class silver is not enabled
            provider.ensure_profile(replace(spec, qos_policy="silver"))
        assert provider.raise_mtu("best-effort", 9000).mtu == 9000
        assert provider.raise_mtu("best-effort", 1500).mtu == 9000
        assert provider.ensure_profile(spec).mtu == 9000
        with pytest.raises(RefusedError, match="silver is not enabled"):
            provider.raise_mtu("silver", 9000)
        with pytest.raises(MissingError):
            provider.raise_mtu("no such", 9000)
        provider.remove_profile(spec.id)
        assert {one.name: one.mtu for one in provider.system_classes()}["best-effort"] == 9000
    assert emulator.objects()["fabric/lan/classes/class-best-effort"]["mtu"] == "9000"


def test_vlans_with_the_same_id_stay_separate(emulator: Emulator) -> None:
    """Foreign VLANs, and those of two networks of ours: changing one does not affect the guests of the other."""
    emulator.put("fabricVlan", "fabric/lan/net-theirs", name="theirs", id="7", sharing="isolated")
    first, second = profile_spec(vlan_id=7), profile_spec(vlan_id=7)
    with ucsm.connect(emulator.account()) as provider:
        provider.ensure_profile(first)
        provider.ensure_profile(second)
        provider.ensure_profile(replace(first, vlan_id=200))
        assert {one.owner: one.vlan_id for one in provider.profiles()} == {first.id: 200, second.id: 7}
        there = emulator.objects()
        assert (there["fabric/lan/net-theirs"]["id"], there["fabric/lan/net-theirs"]["sharing"]) == ("7", "isolated")
        provider.remove_profile(first.id)
        provider.remove_profile(second.id)
        assert [one for one in emulator.objects() if "nw-" in one] == []


def test_our_vlan_stays_while_foreign_profiles_use_it(emulator: Emulator) -> None:
    spec = profile_spec()
    name = name_of(spec.id)
    emulator.put("vnicEther", "org-root/ls-host1/ether-eth0", name="eth0")
    with ucsm.connect(emulator.account()) as provider:
        provider.ensure_profile(spec)
        emulator.put("vnicEtherIf", f"org-root/ls-host1/ether-eth0/if-{name}", name=name)
        with pytest.raises(RefusedError, match="is used there by org-root/ls-host1/ether-eth0"):
            provider.remove_profile(spec.id)
        assert f"fabric/lan/net-{name}" in emulator.objects()
        emulator.drop(f"org-root/ls-host1/ether-eth0/if-{name}")
        provider.remove_profile(spec.id)
        assert [one for one in emulator.objects() if name in one] == []


def test_a_reserved_vlan_is_refused_with_the_managers_text(emulator: Emulator) -> None:
    with ucsm.connect(emulator.account()) as provider, pytest.raises(RefusedError, match="4000 is reserved"):
        provider.ensure_profile(profile_spec(vlan_id=4000))
    assert [one for one in emulator.objects() if "nw-" in one] == []


def test_a_user_who_may_only_read_changes_nothing(emulator: Emulator) -> None:
    account = emulator.account(username=READER, password=READERS_PASSWORD)
    with ucsm.connect(account) as provider:
        provider.test()
        with pytest.raises(ProviderError):
            provider.ensure_profile(profile_spec())


def test_one_session_is_used_refreshed_and_logged_out(emulator: Emulator) -> None:
    emulator.control(lifetime=2.0)
    with ucsm.connect(emulator.account()) as provider:
        provider.test()
        provider.profiles()
        told = emulator.control()
        assert (told["sessions"], told["seen"].count("aaaLogin")) == (1, 1)
        seen: list[str] = []

        def is_refreshed() -> bool:
            provider.profiles()
            seen.extend(emulator.control()["seen"])
            return "aaaRefresh" in seen

        until(is_refreshed, "a refresh")
        assert "aaaLogin" not in seen
        emulator.control(forget_sessions=True)
        provider.profiles()  # a lost session is replaced
        emulator.control(lifetime=600.0)
    assert emulator.control()["sessions"] == 0


@pytest.mark.parametrize(
    ("fault", "method", "error", "words"),
    [
        ("551", "aaaLogin", LoginError, "refused the login"),
        ("572", "aaaLogin", ProviderError, "as many sessions"),
        ("554", "aaaLogin", ProviderError, "as many sessions"),
        ("ERR-secondary-node", "aaaLogin", ProviderError, "subordinate fabric interconnect"),
        ("2001", "aaaLogin", ProviderError, "subordinate fabric interconnect"),
        ("http-500", "", ProviderError, "HTTP status 500"),
        ("truncate", "configResolveDns", ProviderError, "not XML, or incomplete"),
        ("hang", "configResolveDns", ProviderError, "did not answer within 2 seconds"),
        ("drip", "configResolveDns", ProviderError, "not complete after 6 seconds"),
        ("close", "configResolveDns", ProviderError, "cannot be reached"),
        ("ERR-xml-parse-error", "configResolveDns", RefusedError, "told to fail"),
    ],
)
def test_each_fault_is_reported(
    emulator: Emulator, fault: str, method: str, error: type[ProviderError], words: str
) -> None:
    emulator.fail(fault, method, times=1000)
    account = emulator.account(timeout=2.0 if fault in {"hang", "drip"} else 60.0)
    with pytest.raises(error, match=words), ucsm.connect(account) as provider:
        provider.test()
    emulator.mend()


def test_a_session_lost_once_is_no_error(emulator: Emulator) -> None:
    with ucsm.connect(emulator.account()) as provider:
        provider.test()
        emulator.fail("552", "configConfMos")
        spec = profile_spec()
        assert provider.ensure_profile(spec).owner == spec.id
        provider.remove_profile(spec.id)


def test_more_sessions_than_allowed_are_refused_by_name(emulator: Emulator) -> None:
    emulator.control(sessions_max=1)
    with ucsm.connect(emulator.account()) as first:
        first.test()
        with pytest.raises(ProviderError, match="as many sessions"), ucsm.connect(emulator.account()) as second:
            second.test()


def test_an_unreachable_and_a_different_service(emulator: Emulator) -> None:
    with (
        pytest.raises(ProviderError, match="cannot be reached"),
        ucsm.connect(emulator.account(url="http://127.0.0.1:9")) as provider,
    ):
        provider.test()
    with (
        pytest.raises(ProviderError, match="HTTP status 404"),
        ucsm.connect(emulator.account(url=f"{emulator.url}/elsewhere")) as provider,
    ):
        provider.test()


def test_a_service_without_tls_is_reported(emulator: Emulator) -> None:
    account = emulator.account(url=emulator.url.replace("http:", "https:"))
    with pytest.raises(ProviderError, match="does not use TLS"), ucsm.connect(account) as provider:
        provider.test()


def test_tls_is_verified(tmp_path: Path) -> None:
    pair = tmp_path / "pair.pem"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", pair]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    command = ["openssl", "req", "-x509", *key, *names, "-out", tmp_path / "ca"]
    subprocess.run(command, check=True, capture_output=True)
    certificate = (tmp_path / "ca").read_text()
    pair.write_text(pair.read_text() + certificate)
    with Emulator(certificate=pair, host="localhost") as emulator:
        with ucsm.connect(emulator.account(certificate=certificate)) as provider:
            provider.test()
        with pytest.raises(CertificateError, match="is not trusted"), ucsm.connect(emulator.account()) as provider:
            provider.test()
        other = replace(emulator.account(certificate=certificate), url=emulator.url.replace("localhost", "127.0.0.1"))
        with pytest.raises(CertificateError, match="is not trusted"), ucsm.connect(other) as provider:
            provider.test()


def test_assumptions_of_the_emulator_are_listed(emulator: Emulator) -> None:
    """The assumptions to compare with a real one."""
    guesses = emulator.control()["guesses"]
    assert {"upsert", "vlan overlap", "vlan id in place", "profile in use"} <= guesses.keys()
    print(json.dumps(guesses, indent=1))  # noqa: T201 - with pytest -s


@pytest.mark.parametrize("name", ["nw-", "nw-x", "theirs", "nw-" + "a" * 26, "nw-" + "A" * 26, "nw-" + "1" * 26])
def test_foreign_names_have_no_owner(name: str) -> None:
    owner = owner_of(name)
    assert owner == "" or name_of(owner) == name


def test_names_contain_their_owner() -> None:
    for _ in range(50):
        spec = profile_spec()
        name = name_of(spec.id)
        assert owner_of(name) == spec.id
        assert len(name) == 29
        assert owner_of(name.upper()) == ""


def sdk(emulator: Emulator, *words: str) -> list[dict[str, str]]:
    """The answer of Cisco's own client, as JSON."""
    command = [SDK, HERE / "ucsm_sdk.py", str(emulator.port), USER, PASSWORD, *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return list(json.loads(done.stdout))


def test_ciscos_client_and_ours_read_each_others_objects(emulator: Emulator) -> None:
    spec = replace(profile_spec(name="Zürich ☃ <net>"), qos_policy="gold", high_performance=True)
    with ucsm.connect(emulator.account()) as provider:
        made = provider.ensure_profile(spec)
        read = sdk(emulator, "read")
        assert [(one["class_id"], one["name"]) for one in read if one.get("name") == made.name] == [
            ("FabricVlan", made.name),
            ("VnicProfile", made.name),
            ("VnicEtherIf", made.name),
        ]
        (profile,) = [one for one in read if one["class_id"] == "VnicProfile"]
        assert (profile["host_nw_io_perf"], profile["qos_policy_name"]) == ("high-perf-reqd", "gold")
        assert profile["descr"] == "netweft: Z rich    net "
        sdk(emulator, "write")
        theirs = {one.name: one for one in provider.profiles() if not one.owner}
        assert theirs == {"n-555-pp": PortProfile(name="n-555-pp", vlan_id=555, mtu=1500)}
        provider.remove_profile(spec.id)
        assert {one["name"] for one in sdk(emulator, "read") if one["class_id"] == "VnicProfile"} == {"n-555-pp"}
        refused = sdk(emulator, "refusals")
        assert {one["what"]: one["code"] for one in refused} == {
            "there already": "103",
            "not there": "102",
            "not valid": "ERR-xml-parse-error",
            "not creatable": "105",
        }
        sdk(emulator, "remove")
    assert [one for one in emulator.objects() if "n-555" in one] == []
