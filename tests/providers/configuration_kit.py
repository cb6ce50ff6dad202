"""The conformance kit of configuration providers.

A subclass of :class:`ConfigurationKit` in a test module is one system's, with a fixture ``system`` that gives access to
it. After each test the system must have what it had before, by its own view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest

from netweft.providers.configuration import ConfigurationProvider, MtuError, PortProfile, ProfileSpec
from netweft.providers.contract import LoginError, MissingError, ProviderError, RefusedError
from providers.kit import NAMES, Failure


@dataclass(frozen=True, kw_only=True)
class FabricSystem:
    """A running system, and the tests' access to it.

    ``connect``: a connection by the module that is tested, ``unauthorized``: with a wrong password. ``view``: all
    objects, a line for each, read without that module. ``others``: creates a foreign object with VLAN 7, gives its
    name, and removes it at the end. ``failing``: a connection all of whose changes fail so. ``mtus``: one that the
    fabric carries, and one for which it would have to change as a whole, or that it never carries; ``used``: while a
    guest uses the port profile of a network; None where nobody can see that. ``takes_members``: whether it is told the
    ports of guests. ``policy``: a QoS policy that is there, empty where there is no such thing.
    """

    connect: Callable[[], AbstractContextManager[ConfigurationProvider]]
    unauthorized: Callable[[], AbstractContextManager[ConfigurationProvider]]
    view: Callable[[], Sequence[str]]
    others: Callable[[], AbstractContextManager[str]]
    failing: Callable[[Failure], AbstractContextManager[ConfigurationProvider]]
    mtus: tuple[int, int]
    used: Callable[[PortProfile], AbstractContextManager[None]] | None = None
    takes_members: bool = False
    policy: str = ""


def profile_spec(vlan_id: int = 100, name: str = "net") -> ProfileSpec:
    return ProfileSpec(id=str(uuid4()), name=name, vlan_id=vlan_id)


def listed(provider: ConfigurationProvider) -> list[PortProfile]:
    """The listed profiles without their MTUs, which may be known for single ones only."""
    return [replace(one, mtu=0) for one in provider.profiles()]


class ConfigurationKit:
    """The scenarios. A subclass has the fixture ``system``."""

    @pytest.fixture(autouse=True)
    def _leaves_nothing(self, system: FabricSystem) -> Iterator[None]:
        before = sorted(system.view())
        yield
        assert sorted(system.view()) == before

    @pytest.fixture
    def provider(self, system: FabricSystem) -> Iterator[ConfigurationProvider]:
        with system.connect() as provider:
            yield provider

    @pytest.fixture
    def spec(self, provider: ConfigurationProvider) -> Iterator[ProfileSpec]:
        """A network whose profile exists until the end."""
        spec = profile_spec()
        provider.ensure_profile(spec)
        yield spec
        provider.remove_profile(spec.id)

    def test_it_answers_and_checks_the_login(self, provider: ConfigurationProvider, system: FabricSystem) -> None:
        provider.test()
        for one in provider.servers():
            assert one.uuid == one.uuid.lower()
        with pytest.raises(LoginError), system.unauthorized() as unauthorized:
            unauthorized.test()

    @pytest.mark.parametrize("name", NAMES)
    def test_a_profile_is_created_once_changed_and_removed(
        self, provider: ConfigurationProvider, system: FabricSystem, name: str
    ) -> None:
        spec = profile_spec(name=name)
        made = provider.ensure_profile(spec)
        assert (made.owner, made.vlan_id, made.members) == (spec.id, 100, frozenset())
        assert replace(made, mtu=0) in listed(provider)
        there = sorted(system.view())
        assert provider.ensure_profile(spec) == made
        assert sorted(system.view()) == there
        changed = provider.ensure_profile(replace(spec, name=f"{name}2", vlan_id=101))
        assert (changed.owner, changed.vlan_id) == (spec.id, 101)
        assert [one for one in listed(provider) if one.owner == spec.id] == [replace(changed, mtu=0)]
        provider.remove_profile(spec.id)
        provider.remove_profile(spec.id)
        assert spec.id not in {one.owner for one in provider.profiles()}

    def test_untagged_is_refused(self, provider: ConfigurationProvider) -> None:
        with pytest.raises(RefusedError):
            provider.ensure_profile(replace(profile_spec(), vlan_id=None))

    def test_a_missing_policy_is_refused(self, provider: ConfigurationProvider, system: FabricSystem) -> None:
        spec = profile_spec()
        with pytest.raises(RefusedError):
            provider.ensure_profile(replace(spec, qos_policy="no-such-one"))
        if not system.policy:
            with pytest.raises(RefusedError):
                provider.ensure_profile(replace(spec, high_performance=True))
            return
        for changed in (spec, replace(spec, qos_policy=system.policy), replace(spec, high_performance=True), spec):
            provider.ensure_profile(changed)
            there = sorted(system.view())
            provider.ensure_profile(changed)
            assert sorted(system.view()) == there
        provider.remove_profile(spec.id)

    def test_foreign_objects_stay_unchanged(self, provider: ConfigurationProvider, system: FabricSystem) -> None:
        with system.others() as name:
            assert [one.owner for one in provider.profiles() if one.name == name] == [""]
            before = sorted(system.view())
            spec = profile_spec(vlan_id=7)
            try:
                provider.ensure_profile(spec)
            except RefusedError:
                assert sorted(system.view()) == before
            else:
                assert set(before) <= set(system.view())
                provider.ensure_profile(replace(spec, vlan_id=8))
                provider.ensure_profile(spec)
            provider.remove_profile(spec.id)
            assert sorted(system.view()) == before

    def test_a_profile_in_use_stays(self, provider: ConfigurationProvider, system: FabricSystem) -> None:
        spec = profile_spec()
        made = provider.ensure_profile(spec)
        if system.used:
            with system.used(made):
                with pytest.raises(RefusedError):
                    provider.remove_profile(spec.id)
                assert made.name in {one.name for one in provider.profiles()}
        provider.remove_profile(spec.id)

    def test_members_join_and_leave(
        self, provider: ConfigurationProvider, system: FabricSystem, spec: ProfileSpec
    ) -> None:
        guid = "0002c903000e0b72"
        if not system.takes_members:
            with pytest.raises(RefusedError):
                provider.ensure_member(spec.id, guid)
            with pytest.raises(RefusedError):
                provider.remove_member(spec.id, guid)
            return
        for _ in range(2):
            provider.ensure_member(spec.id, guid)
            assert provider.ensure_profile(spec).members == frozenset({guid})
        with pytest.raises(RefusedError):
            provider.remove_profile(spec.id)
        moved = provider.ensure_profile(replace(spec, vlan_id=102))
        assert moved.members == frozenset({guid})
        for _ in range(2):
            provider.remove_member(spec.id, guid.upper())
            assert provider.ensure_profile(replace(spec, vlan_id=102)).members == frozenset()
        with pytest.raises(MissingError):
            provider.ensure_member(str(uuid4()), guid)
        provider.remove_member(str(uuid4()), guid)

    def test_the_mtu_of_the_fabric_is_reported(self, provider: ConfigurationProvider, system: FabricSystem) -> None:
        spec, (low, high) = profile_spec(), system.mtus
        assert provider.ensure_profile(replace(spec, mtu=low)).mtu >= low
        before = sorted(system.view())
        with pytest.raises(MtuError) as refused:
            provider.ensure_profile(replace(spec, mtu=high))
        assert sorted(system.view()) == before
        classes = {one.name: one for one in provider.system_classes()}
        if not refused.value.system_class:
            with pytest.raises(RefusedError):
                provider.raise_mtu("any", high)
        else:
            assert classes[refused.value.system_class].mtu < high
        with pytest.raises(RefusedError if not classes else MissingError):
            provider.raise_mtu("no such class", high)
        provider.remove_profile(spec.id)

    def test_many_at_once(self, system: FabricSystem) -> None:
        specs = [profile_spec(vlan_id=200 + number) for number in range(8)]

        def make(some: Sequence[ProfileSpec]) -> list[str]:
            with system.connect() as provider:
                return [provider.ensure_profile(one).owner for one in some]

        with ThreadPoolExecutor(4) as pool:
            made = [one for some in pool.map(make, [specs[n::4] for n in range(4)]) for one in some]
        assert sorted(made) == sorted(one.id for one in specs)
        with system.connect() as provider:
            assert {one.vlan_id for one in provider.profiles() if one.owner} == {one.vlan_id for one in specs}
            for one in specs:
                provider.remove_profile(one.id)

    @pytest.mark.parametrize("failure", ["refuse", "close", "hang", "lose"])
    @pytest.mark.parametrize("step", ["made", "changed", "removed"])
    def test_a_repeated_request_completes_a_failed_one(
        self, provider: ConfigurationProvider, system: FabricSystem, step: str, failure: Failure
    ) -> None:
        spec = profile_spec()
        if step != "made":
            provider.ensure_profile(spec)
        changed = spec if step == "made" else replace(spec, vlan_id=103)

        def act(there: ConfigurationProvider) -> None:
            if step == "removed":
                there.remove_profile(spec.id)
            else:
                there.ensure_profile(changed)

        with system.failing(failure) as failing, pytest.raises(ProviderError):
            act(failing)
        act(provider)
        act(provider)
        there = [one.vlan_id for one in provider.profiles() if one.owner == spec.id]
        assert there == ([] if step == "removed" else [changed.vlan_id])
        provider.remove_profile(spec.id)
