"""Assigning addresses of subnets to vNICs and releasing them.

Parts of other commands: they check no permissions, and record events only when a vNIC cannot get a former address
again.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final, Literal, Protocol, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from netweft.core.addresses import AddressRange, drawn, given_out, next_free
from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check
from netweft.core.rules import vnic_address as rules
from netweft.engine import audit
from netweft.engine.actor import SYSTEM
from netweft.engine.db import Tx, insert_if_absent
from netweft.engine.model.subnets import AddressPool, vnic_addresses
from netweft.engine.operations.races import translate_constraint_errors
from netweft.engine.queries import subnets as queries
from netweft.engine.statements import Answer, Statement, Texts

AUTO: Final = "auto"
"""Assign one address of each IP version that the network has subnets of."""
RequestedAddresses: TypeAlias = tuple[str, ...] | Literal["auto"]
"""The requested addresses of a vNIC: these, none, or :data:`AUTO`."""

LOST = 10956
"""Event code (Netweft's own)."""

_TRIES = 8
"""Random addresses of which the database assigns the first that is free; when none is, all used ones are read. With the
pools half full that is one time in 256.
"""

_VERSIONS = (4, 6)


class OfSubnet(Protocol):
    """A vNIC's network with one of its subnets (None where it has none), as far as assigning addresses needs it."""

    @property
    def network_name(self) -> str:
        """Its name."""

    @property
    def subnet_id(self) -> str | None:
        """That of the subnet."""

    @property
    def subnet_name(self) -> str | None:
        """Its name."""

    @property
    def cidr(self) -> str | None:
        """Its CIDR."""

    @property
    def gateway(self) -> str | None:
        """Its gateway, empty for none."""

    @property
    def dhcp_server(self) -> str | None:
        """The DHCP server's address, empty for none."""

    @property
    def allocation_pools(self) -> tuple[AddressPool, ...] | None:
        """The ranges that addresses are assigned from."""


@dataclass(frozen=True, slots=True)
class _Subnet:
    """A subnet that addresses are assigned from."""

    id: str
    name: str
    network_name: str
    cidr: str
    gateway: str
    dhcp_server: str
    pools: tuple[tuple[str, str], ...]

    @property
    def ranges(self) -> tuple[AddressRange, ...]:
        """The ranges that addresses are assigned from."""
        reserved = tuple(address for address in (self.gateway, self.dhcp_server) if address)
        return given_out(self.cidr, reserved, self.pools)

    @property
    def version(self) -> int:
        return 6 if ":" in self.cidr else 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """An assignment of addresses in progress. ``drawn``: the subnets that an address was assigned from."""

    vnic_id: str
    network: str | None
    subnets: Sequence[_Subnet]
    requested: RequestedAddresses
    drawn: Answer[tuple[Any, ...]] | None


def begin(tx: Tx, vnic_id: str, found: Sequence[OfSubnet], requested: RequestedAddresses = AUTO) -> Assignment:
    """Begin to assign addresses to a new vNIC; :func:`finish` continues when the database has answered. ``found``: its
    network with each of its subnets, nothing for a vNIC on no network.

    Commands that do so at the same time do not wait for each other: addresses are picked at random, so that one that
    was released is not soon reused either. Takes no statement for a network without subnets, usually one otherwise.
    """
    subnets = _subnets(found)
    answer = _draw(tx, vnic_id, [choice[0] for choice in _by_version(subnets).values()]) if requested == AUTO else None
    network = found[0].network_name if found else None
    return Assignment(vnic_id=vnic_id, network=network, subnets=subnets, requested=requested, drawn=answer)


def finish(tx: Tx, action: str, assignment: Assignment) -> None:
    """Raises ValidationError when a requested address cannot be assigned, or none is free."""
    if assignment.requested != AUTO:
        _assign_requested(tx, action, assignment, assignment.requested)
        return
    for version, choice in _left(tx, assignment).items():
        names = [one.name for one in choice]
        check(action, rules.subnets_have_room(choice[0].network_name, version, names, found=False))


def give(tx: Tx, action: str, vnic_id: str, found: Sequence[OfSubnet], requested: RequestedAddresses = AUTO) -> None:
    """:func:`begin` and :func:`finish`. Raises ValidationError; BusyError when a subnet has just been removed."""
    with translate_constraint_errors(action, lambda _: None):
        finish(tx, action, begin(tx, vnic_id, found, requested))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """An existing vNIC before and after a command. The ids are those of profiles; None for no network."""

    vnic_id: str
    network_id: str | None
    before: str | None
    after: str | None


def follow(tx: Tx, action: str, moved: Moved, requested: RequestedAddresses | Keep) -> tuple[str, ...] | None:
    """Update the addresses of a vNIC: new ones when its network has changed, or the requested ones. Returns the former
    ones, None when they stay. Raises ValidationError as :func:`finish` does.
    """
    if moved.before == moved.after and requested is KEEP:
        return None
    found = queries.of_profiles(tx, (moved.after,))[moved.after] if moved.after else []
    if requested is KEEP and moved.network_id == (found[0].network_id if found else None):
        return None
    had = tuple(row.address for row in queries.of_vnics(tx, (moved.vnic_id,))[moved.vnic_id])
    if had:
        _take_back(tx, moved.vnic_id)
    give(tx, action, moved.vnic_id, found, AUTO if requested is KEEP else requested)
    return had


def give_again(tx: Tx, vnic_id: str, found: Sequence[OfSubnet], addresses: Sequence[str]) -> None:
    """Restore the addresses of a vNIC. Those that another one uses meanwhile are replaced, if others are free, with an
    event.
    """
    subnets, missing = _subnets(found), set()
    _take_back(tx, vnic_id)
    for text in addresses:
        home = _home_of(ip_address(text), subnets)
        if home is not None and not _take(tx, home.id, text, vnic_id):
            missing.add(home.version)
            user = queries.user_of(tx, home.id, text)
            message = (
                f"Address {text} of network {home.network_name} is in use by vNIC {user} and cannot be reassigned."
            )
            audit.record(tx, SYSTEM, LOST, message, audit.Severity.WARNING)
    lost = [one for one in subnets if one.version in missing]
    first = [choice[0] for choice in _by_version(lost).values()]
    assignment = Assignment(
        vnic_id=vnic_id, network=None, subnets=lost, requested=AUTO, drawn=_draw(tx, vnic_id, first)
    )
    _left(tx, assignment)


def addresses_of(tx: Tx, vnic_ids: Sequence[str]) -> Mapping[str, list[str]]:
    """The addresses of each vNIC, for :func:`give_again`."""
    found = queries.of_vnics(tx, vnic_ids)
    return {vnic_id: [row.address for row in found[vnic_id]] for vnic_id in vnic_ids}


def _subnets(found: Sequence[OfSubnet]) -> list[_Subnet]:
    return [
        _Subnet(
            id=row.subnet_id,
            name=row.subnet_name or "",
            network_name=row.network_name,
            cidr=row.cidr or "",
            gateway=row.gateway or "",
            dhcp_server=row.dhcp_server or "",
            pools=tuple((one.first, one.last) for one in row.allocation_pools or ()),
        )
        for row in found
        if row.subnet_id is not None
    ]


def _by_version(subnets: Sequence[_Subnet]) -> dict[int, list[_Subnet]]:
    found: defaultdict[int, list[_Subnet]] = defaultdict(list)
    for one in subnets:
        found[one.version].append(one)
    return found


def _assign_requested(tx: Tx, action: str, assignment: Assignment, requested: Sequence[str]) -> None:
    check(action, rules.addresses_are_few(len(requested)), *(rules.address_is_valid(text) for text in requested))
    for address in dict.fromkeys(ip_address(text) for text in requested):
        home = _home_of(address, assignment.subnets)
        check(action, rules.address_has_subnet(address, assignment.network, [one.cidr for one in assignment.subnets]))
        if home is None:
            raise AssertionError("unreachable: the rule holds")
        check(action, rules.address_is_for_hosts(address, home.cidr, home.gateway, home.dhcp_server))
        while not _take(tx, home.id, str(address), assignment.vnic_id):
            check(action, rules.address_is_free(str(address), queries.user_of(tx, home.id, str(address))))


def _home_of(address: IPv4Address | IPv6Address, subnets: Sequence[_Subnet]) -> _Subnet | None:
    return next((one for one in subnets if address in ip_network(one.cidr)), None)


def _left(tx: Tx, assignment: Assignment) -> dict[int, list[_Subnet]]:
    """Search addresses of the versions that were not drawn; returns subnets by version without a free address."""
    given = _givers(assignment.drawn)
    left = {v: choice for v, choice in _by_version(assignment.subnets).items() if choice[0].id not in given}
    return {version: choice for version, choice in left.items() if not _search(tx, assignment.vnic_id, choice)}


def _givers(answer: Answer[tuple[Any, ...]] | None) -> set[str]:
    """The ids of the subnets that an address was assigned from."""
    return {subnet_id for (subnet_id,) in answer.all()} if answer else set()


def _draw(tx: Tx, vnic_id: str, subnets: Sequence[_Subnet]) -> Answer[tuple[Any, ...]] | None:
    """Try some random addresses of subnets, one subnet for each version."""
    if not subnets:
        return None
    values: dict[str, Any] = {"vnic_id": vnic_id}
    for version in _VERSIONS:
        values |= {f"subnet_{version}": "", f"addresses_{version}": ()}
    for one in subnets:
        tried = drawn(one.ranges, _TRIES, secrets.randbelow)
        texts = [_text(one.version, number) for number in tried]
        values |= {f"subnet_{one.version}": one.id, f"addresses_{one.version}": texts}
    return _DRAW[tx.dialect.name].ask(tx, **values)


def _search(tx: Tx, vnic_id: str, subnets: Sequence[_Subnet]) -> bool:
    """Search each subnet for a free address, from a random start; False when there is none."""
    for one in subnets:
        if one is not subnets[0] and _givers(_draw(tx, vnic_id, (one,))):
            return True
        ranges = one.ranges
        total = sum(part.size for part in ranges)
        while total and (free := next_free(ranges, _used(tx, one.id), secrets.randbelow(total))) is not None:
            if _take(tx, one.id, _text(one.version, free), vnic_id):
                return True
    return False


def _used(tx: Tx, subnet_id: str) -> list[int]:
    return sorted(int(ip_address(address)) for address in queries.used_addresses(tx, subnet_id))


def _take(tx: Tx, subnet_id: str, address: str, vnic_id: str) -> bool:
    return insert_if_absent(tx, vnic_addresses, subnet_id=subnet_id, address=address, vnic_id=vnic_id)


def _take_back(tx: Tx, vnic_id: str) -> None:
    tx.execute(sa.delete(vnic_addresses).where(vnic_addresses.c.vnic_id == vnic_id))


def _text(version: int, number: int) -> str:
    return str(IPv4Address(number) if version == _VERSIONS[0] else IPv6Address(number))


def _drawing(insert: Any, listed: Any) -> Statement[tuple[Any, ...]]:  # noqa: ANN401 - the two dialects' inserts share no type
    """Insert the first address that is free of each list, if any is."""
    found = []
    for version in _VERSIONS:
        subnet = sa.bindparam(f"subnet_{version}", type_=sa.String)
        tried = listed(sa.bindparam(f"addresses_{version}", type_=Texts()), f"of_{version}")
        # A value, and no EXISTS, which PostgreSQL turns into a join with all addresses of the subnet.
        same = vnic_addresses.c.subnet_id == subnet, vnic_addresses.c.address == tried.c.value
        user = sa.select(vnic_addresses.c.vnic_id).where(*same).scalar_subquery()
        choice = sa.select(subnet.label("subnet_id"), tried.c.value.label("address")).where(user.is_(None))
        found.append(sa.select(choice.limit(sa.literal_column("1")).subquery(f"free_{version}")))
    every = sa.union_all(*found).subquery("free")
    values = sa.select(every.c.subnet_id, every.c.address, sa.bindparam("vnic_id", type_=sa.String)).where(
        every.c.address.is_not(None)  # so that SQLite does not take ON CONFLICT for the condition of a join
    )
    into = insert(vnic_addresses).from_select(["subnet_id", "address", "vnic_id"], values)
    return Statement(into.on_conflict_do_nothing().returning(vnic_addresses.c.subnet_id))


def _unnested(texts: sa.BindParameter[Any], name: str) -> sa.TableValuedAlias:
    return sa.func.unnest(texts).table_valued("value", name=name).render_derived()


def _each(texts: sa.BindParameter[Any], name: str) -> sa.TableValuedAlias:
    return sa.func.json_each(texts).table_valued("value", name=name)


_DRAW = {"postgresql": _drawing(postgresql.insert, _unnested), "sqlite": _drawing(sqlite.insert, _each)}
