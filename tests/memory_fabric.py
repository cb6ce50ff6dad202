"""A configuration provider that is there at once: a further module for a kind of fabric, found by an entry point.

What it has lasts as long as the process, for each host of a URL by itself; how it fails, tests say by :func:`fabric`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import RLock
from urllib.parse import urlsplit

from netweft.providers.configuration import MtuError, PortProfile, ProfileSpec, Server, SystemClass
from netweft.providers.contract import Account, LoginError, MissingError, ProviderError, RefusedError

PASSWORD = "only this one"
DOWN = ProviderError("The fabric cannot be reached: nobody is there")
FOREIGN = PortProfile(name="theirs", vlan_id=7)
CLASS = "best-effort"


@dataclass
class Fabric:
    """What one has. ``is_told``: ports come onto profiles by their GUIDs, and not by themselves. ``fault``: called with
    the name of each method before it acts, ``lost`` after it has acted; both may raise. ``used``: the owners of
    profiles that guests use.
    """

    profiles: dict[str, PortProfile] = field(default_factory=lambda: {FOREIGN.name: FOREIGN})
    specs: dict[str, ProfileSpec] = field(default_factory=dict)
    servers: list[Server] = field(default_factory=lambda: [Server(uuid="4c4c4544-0001", name="blade-1")])
    classes: dict[str, int] = field(default_factory=lambda: {CLASS: 1500, "gold": 9216})
    used: set[str] = field(default_factory=set)
    is_told: bool = False
    fault: Callable[[str], None] = lambda _: None
    lost: Callable[[str], None] = lambda _: None
    calls: list[str] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)


_FABRICS: dict[str, Fabric] = {}


def fabric(url: str) -> Fabric:
    """The fabric at a URL."""
    return _FABRICS.setdefault(urlsplit(url).hostname or "", Fabric())


def forget(url: str) -> None:
    """The fabric at a URL begins anew."""
    _FABRICS.pop(urlsplit(url).hostname or "", None)


class MemoryFabric:
    """A connection to one. ``down.example``: it is not reached."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @contextmanager
    def _called(self, method: str) -> Iterator[Fabric]:
        if urlsplit(self._account.url).hostname == "down.example":
            raise DOWN
        if self._account.password != PASSWORD:
            raise LoginError("The fabric refused the login: wrong password")
        here = fabric(self._account.url)
        with here.lock:
            here.calls.append(method)
            here.fault(method)
            yield here
            here.lost(method)

    def test(self) -> None:
        with self._called("test"):
            return

    def servers(self) -> Sequence[Server]:
        with self._called("servers") as here:
            return list(here.servers)

    def profiles(self) -> Sequence[PortProfile]:
        with self._called("profiles") as here:
            return sorted(here.profiles.values(), key=lambda one: one.name)

    def ensure_profile(self, spec: ProfileSpec) -> PortProfile:
        with self._called("ensure_profile") as here:
            of = spec.qos_policy or CLASS
            if of not in here.classes:
                raise RefusedError(f"The fabric has no QoS policy {of}.")
            if spec.mtu > here.classes[of]:
                raise MtuError(f"Class {of} carries {here.classes[of]} octets, not {spec.mtu}.", system_class=of)
            name = f"nw-{spec.id[:8]}"
            found = here.profiles.get(name, PortProfile(name=name, owner=spec.id))
            here.profiles[name] = replace(found, vlan_id=spec.vlan_id, mtu=here.classes[of])
            here.specs[spec.id] = spec
            return here.profiles[name]

    def remove_profile(self, owner: str) -> None:
        with self._called("remove_profile") as here:
            for one in [one for one in here.profiles.values() if one.owner == owner]:
                if owner in here.used or one.members:
                    raise RefusedError(f"Port profile {one.name} is in use.")
                del here.profiles[one.name]

    def system_classes(self) -> Sequence[SystemClass]:
        with self._called("system_classes") as here:
            return [SystemClass(name=name, mtu=mtu) for name, mtu in sorted(here.classes.items())]

    def raise_mtu(self, system_class: str, mtu: int) -> SystemClass:
        with self._called("raise_mtu") as here:
            if system_class not in here.classes:
                raise MissingError(f"There is no class {system_class}.")
            here.classes[system_class] = max(here.classes[system_class], mtu)
            return SystemClass(name=system_class, mtu=here.classes[system_class])

    def ensure_member(self, owner: str, guid: str) -> None:
        with self._called("ensure_member") as here:
            if not here.is_told:
                raise RefusedError(f"Port {guid} comes to {owner} by itself.")
            mine = next((one for one in here.profiles.values() if one.owner == owner), None)
            if mine is None:
                raise MissingError(f"There is no port profile for {owner}.")
            here.profiles[mine.name] = replace(mine, members=mine.members | {guid})

    def remove_member(self, owner: str, guid: str) -> None:
        with self._called("remove_member") as here:
            if not here.is_told:
                raise RefusedError(f"Port {guid} leaves {owner} by itself.")
            for one in [one for one in here.profiles.values() if one.owner == owner]:
                here.profiles[one.name] = replace(one, members=one.members - {guid})


@contextmanager
def connect(account: Account) -> Iterator[MemoryFabric]:
    yield MemoryFabric(account)
