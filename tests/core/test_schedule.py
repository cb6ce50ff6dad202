"""Where a guest may run: each filter, each weight, and what holds whatever the hosts are."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.strategies import sources
from netweft.core.candidates import (
    CarriedVnic,
    FreeFunctions,
    GuestNeeds,
    HostState,
    NetworkOn,
    ProvidedNetwork,
    ProviderAgent,
    Reservation,
    Uplink,
)
from netweft.core.schedule import WEIGHTS, Policy, choose

GOOD = NetworkOn(has_boot_protocol=True, uplink="eth0")
HOST = HostState(
    id="h1",
    name="one",
    status="up",
    cluster_id="c",
    networks={"mgmt": GOOD, "blue": replace(GOOD, uplink="bond0")},
    guest_drivers=("libvirt",),
    guests=0,
    memory=1000,
    memory_free=1000,
    uplinks={"eth0": Uplink(), "bond0": Uplink(ports=2, ports_up=2)},
)
GUEST = GuestNeeds(
    id="vm",
    cluster_id="c",
    networks={"blue": "blue net"},
    required={"mgmt": "ovirtmgmt"},
    display=("mgmt", "ovirtmgmt"),
    memory=100,
    switch_type="legacy",
)
STALE, SILENT = replace(GOOD, in_sync=False), replace(GOOD, has_boot_protocol=False)
AGENT = ProviderAgent(is_alive=True, physical_networks=frozenset({"wire1"}))
TUNNELS = ProvidedNetwork(name="tunnels", provider_id="p", provider_name="P")
WIRE = ProvidedNetwork(name="wire", provider_id="p", provider_name="P", physical_network="wire1")
BLUE = CarriedVnic(name="nic1", network_id="blue")
CARD = FreeFunctions(nic="0000:05:00.0", free=1, is_card=True)
TWO_VFS = {"nic1": "blue", "nic2": ""}


def test_a_guest_that_names_its_driver_goes_where_that_is() -> None:
    assert choose(replace(GUEST, driver="libvirt"), [HOST]).host == "h1"
    (problem,) = choose(replace(GUEST, driver="namespace"), [HOST]).refusals["h1"]
    assert problem.code == "VAR__DETAIL__NO_GUEST_DRIVER"
    assert problem.text == "Host one has no guest driver 'namespace', only libvirt."
    bare = replace(HOST, guest_drivers=())
    assert choose(replace(GUEST, driver="namespace"), [bare]).host is None


def test_a_host_that_has_all_fits() -> None:
    choice = choose(GUEST, [HOST])
    assert (choice.host, choice.refusals) == ("h1", {})
    assert choose(GUEST, []).host is None


REFUSED = [
    ({}, {"leases": True}, "NO_DHCP_SERVER", "has no dnsmasq, which the VM needs"),
    ({"cluster_id": "d", "status": "down"}, {}, "NOT_IN_CLUSTER", "another Cluster"),
    ({"status": "maintenance"}, {}, "HOST_NOT_UP", "in status maintenance"),
    ({"guest_drivers": ()}, {}, "NO_GUEST_DRIVER", "has no guest driver"),
    (
        {"guest_drivers": ("namespace",)},
        {"driver": "libvirt"},
        "NO_GUEST_DRIVER",
        "no guest driver 'libvirt', only name",
    ),
    ({"guest_drivers": ()}, {"driver": "libvirt"}, "NO_GUEST_DRIVER", "has no guest driver"),
    ({"memory_free": 99}, {}, "NOT_ENOUGH_MEMORY", "99 octets of memory left, and the VM needs 100"),
    ({"switch_type": "ovs"}, {}, "SWITCH_TYPE_DIFFERENT", "switch type ovs, and the VM is on legacy"),
    ({"networks": {"mgmt": GOOD}}, {}, "NETWORK_MISSING", "blue net"),
    ({"networks": {"mgmt": GOOD, "blue": STALE}}, {}, "NETWORK_OUT_OF_SYNC", "blue net"),
    (
        {"status": "non_operational", "uplinks": {"bond0": Uplink(ports=2, ports_up=0)}},
        {},
        "NETWORK_HAS_NO_LINK",
        "blue net",
    ),
    ({}, {"display": ("show", "screens")}, "DISPLAY_NETWORK_MISSING", "screens"),
    (
        {"networks": {"mgmt": SILENT, "blue": GOOD}},
        {},
        "DISPLAY_NETWORK_HAS_NO_BOOT_PROTOCOL",
        "no boot protocol for the display network ovirtmgmt",
    ),
    ({}, {"passthrough": TWO_VFS}, "NO_SUITABLE_VF", "for 0 of the 2 pass-through vNICs"),
    (
        {"functions": (FreeFunctions(nic="eth0", free=1),)},
        {"passthrough": TWO_VFS},
        "NO_SUITABLE_VF",
        "for 1 of the 2 pass-through vNICs",
    ),
    (
        {"networks": {"mgmt": GOOD}, "carried": {"blue": "ucsm"}, "functions": (CARD,)},
        {"carried": {"nic1": replace(BLUE, obstacle="a network filter")}},
        "NOT_ON_DYNAMIC_VNIC",
        "nic1 has a network filter",
    ),
    (
        {"networks": {"mgmt": GOOD}, "carried": {"blue": "ucsm"}},
        {"carried": {"nic1": BLUE}},
        "NO_FREE_DYNAMIC_VNIC",
        "has 0 free dynamic vNICs for the 1 vNICs",
    ),
    (
        {
            "networks": {"mgmt": GOOD},
            "carried": {"blue": "ucsm"},
            "functions": (CARD, FreeFunctions(nic="eth0", free=9)),
        },
        {"carried": {"nic1": BLUE, "nic2": BLUE}},
        "NO_FREE_DYNAMIC_VNIC",
        "has 1 free dynamic vNICs for the 2 vNICs",
    ),
    (
        {"functions": (CARD,)},
        {"passthrough": {"nic1": ""}},
        "NO_SUITABLE_VF",
        "for 0 of the 1 pass-through vNICs",
    ),
    (
        {"carried": {"blue": "ucsm"}, "functions": (CARD,)},
        {"carried": {"nic1": BLUE}, "implemented": {"blue": "ucsm"}},
        "NETWORK_IMPLEMENTED_DIFFERENTLY",
        "blue net (native, and the VM has it ucsm)",
    ),
    (
        {"networks": {"mgmt": GOOD}, "carried": {"blue": "ucsm"}, "functions": (CARD,)},
        {"carried": {"nic1": BLUE}, "implemented": {"blue": "native"}},
        "NETWORK_IMPLEMENTED_DIFFERENTLY",
        "blue net (ucsm, and the VM has it native)",
    ),
    ({}, {"provided": {"t": TUNNELS}}, "PROVIDER_NETWORK_MISSING", "tunnels (provider P has no agent there)"),
    (
        {"agents": {"p": AGENT}, "twin": "Host h2, which is called h1 as well"},
        {"provided": {"t": TUNNELS}},
        "PROVIDER_NETWORK_MISSING",
        "tunnels (provider P may confuse it with Host h2, which is called h1 as well)",
    ),
    (
        {"agents": {"p": replace(AGENT, is_alive=False)}},
        {"provided": {"t": TUNNELS}},
        "PROVIDER_NETWORK_MISSING",
        "tunnels (provider P has an agent there that does not work)",
    ),
    (
        {"agents": {"p": AGENT}},
        {"provided": {"w": replace(WIRE, physical_network="wire2"), "t": TUNNELS}},
        "PROVIDER_NETWORK_MISSING",
        ": wire (provider P has no physical network wire2 there).",
    ),
]


def test_a_host_with_dnsmasq_serves_a_guest_its_addresses() -> None:
    assert choose(replace(GUEST, leases=True), [replace(HOST, dhcp_server=True)]).host == "h1"


def test_a_host_fits_where_the_provider_of_each_network_has_an_agent() -> None:
    guest = replace(GUEST, provided={"w": WIRE, "t": TUNNELS})
    assert choose(guest, [replace(HOST, agents={"p": AGENT})]).host == "h1"
    assert choose(guest, [replace(HOST, agents={"q": AGENT})]).host is None


@pytest.mark.parametrize(("host", "guest", "code", "words"), REFUSED)
def test_a_refused_host_has_a_reason(host: dict[str, object], guest: dict[str, object], code: str, words: str) -> None:
    choice = choose(replace(GUEST, **guest), [replace(HOST, **host)])
    assert choice.host is None
    (problem,) = choice.refusals["h1"]
    assert problem.code == f"VAR__DETAIL__{code}"
    assert problem.text.startswith("Host one ")
    assert words in problem.text


def test_all_reasons_are_reported() -> None:
    host = replace(HOST, status="down", memory_free=0, networks={"mgmt": GOOD, "blue": STALE})
    guest = replace(GUEST, networks={"blue": "blue net", "red": "red net"})
    codes = [problem.code for problem in choose(guest, [host]).refusals["h1"]]
    assert codes == [
        f"VAR__DETAIL__{code}"
        for code in ("HOST_NOT_UP", "NOT_ENOUGH_MEMORY", "NETWORK_MISSING", "NETWORK_OUT_OF_SYNC")
    ]


def test_what_the_guest_does_not_ask_for_is_not_looked_at() -> None:
    asks_little = GuestNeeds(cluster_id="c", networks={}, memory=0)
    bare = replace(HOST, switch_type="ovs", networks={}, uplinks={}, memory=0, memory_free=0)
    (only,) = choose(asks_little, [bare]).ranking
    assert only.scores == {"networks": 100, "bond_health": 100, "uplink_load": 100, "guests": 100, "memory": 0}


def test_networks_that_are_not_required_can_be_ignored() -> None:
    policy = Policy(only_required=True)
    without = replace(HOST, id="h0", name="a", networks={"mgmt": SILENT})
    choice = choose(GUEST, [without, HOST], policy=policy)
    assert [one.host_id for one in choice.ranking] == ["h1", "h0"]
    assert [one.scores["networks"] for one in choice.ranking] == [100, 0]
    lacking = replace(GUEST, required=GUEST.networks)
    assert choose(lacking, [without], policy=policy).refusals["h0"][0].code == "VAR__DETAIL__NETWORK_MISSING"


def test_a_host_that_lacks_a_required_network_serves_guests_that_do_without_it() -> None:
    impaired = replace(HOST, id="h0", name="a", status="non_operational", guests=0, uplinks={"eth0": Uplink()})
    strained = replace(HOST, guests=9, memory_free=100)
    needs_more = replace(GUEST, required={"store": "storage", "mgmt": "ovirtmgmt"})
    choice = choose(needs_more, [impaired, strained])
    assert [one.host_id for one in choice.ranking] == ["h1", "h0"], "those that are up come first, however full"
    assert choose(needs_more, [impaired]).host == "h0"
    dark = replace(impaired, uplinks={"eth0": Uplink(), "bond0": Uplink(ports=2, ports_up=0)})
    assert choose(needs_more, [dark]).host is None
    assert choose(replace(needs_more, networks={}), [dark]).host == "h0"


BETTER = [
    ("bond_health", {"uplinks": {"bond0": Uplink(ports=2, ports_up=1)}}, 50),
    ("uplink_load", {"uplinks": {"bond0": Uplink(load=0.75)}}, 25),
    ("guests", {"guests": 3}, 25),
    ("memory", {"memory_free": 400}, 40),
]


@pytest.mark.parametrize(("score", "fields", "points"), BETTER)
def test_what_makes_a_host_worse(score: str, fields: dict[str, object], points: float) -> None:
    worse = replace(HOST, id="h0", name="a", **fields)  # type: ignore[arg-type] # fields of HostState
    choice = choose(GUEST, [worse, HOST])
    assert [one.host_id for one in choice.ranking] == ["h1", "h0"]
    best, other = choice.ranking
    assert other.scores == {**best.scores, score: points}
    assert other.total == pytest.approx(best.total - WEIGHTS[score] * (100 - points) / sum(WEIGHTS.values()))


def test_uplinks_that_the_guest_does_not_use_do_not_count() -> None:
    busy = replace(HOST, uplinks={"eth0": Uplink(load=1, ports_up=0), "bond0": Uplink()})
    assert choose(GUEST, [busy]).ranking[0].total == 100


def test_of_equals_the_first_by_name() -> None:
    twin = replace(HOST, id="h0", name="two")
    assert choose(GUEST, [twin, HOST]).host == "h1"


def test_weights_can_be_others() -> None:
    full = replace(HOST, id="h0", name="a", memory_free=500)
    crowded = replace(HOST, guests=9)
    assert choose(GUEST, [full, crowded]).host == "h0"
    assert (
        choose(GUEST, [full, crowded], policy=Policy(weights={**dict.fromkeys(WEIGHTS, 0), "memory": 1})).host == "h1"
    )


VFS = replace(
    HOST,
    functions=(FreeFunctions(nic="eth4", free=1), FreeFunctions(nic="eth5", free=1, networks=frozenset({"blue"}))),
)


def test_virtual_functions_are_dealt_out_so_that_all_get_one() -> None:
    guest = replace(GUEST, passthrough={"nic1": "blue", "nic2": "red"})
    (best,) = choose(guest, [VFS]).ranking
    assert best.functions == {"nic1": "eth5", "nic2": "eth4"}


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (Reservation(guest_id="other", host_id="h1", memory=950), "NOT_ENOUGH_MEMORY"),
        (Reservation(guest_id="other", host_id="h1", functions={"eth5": 1}), "NO_SUITABLE_VF"),
        (Reservation(guest_id="other", host_id="h2", memory=950, functions={"eth5": 1}), ""),
        (Reservation(guest_id="vm", host_id="h1", memory=950, functions={"eth5": 1}), ""),
    ],
)
def test_what_others_were_promised_is_gone(one: Reservation, code: str) -> None:
    guest = replace(GUEST, passthrough={"nic1": "blue", "nic2": "red"})
    choice = choose(guest, [VFS], [one])
    assert [problem.code for problem in choice.refusals.get("h1", ())] == [f"VAR__DETAIL__{code}"][: len(code)]


def test_a_network_of_a_fabric_needs_no_set_up_where_a_card_is() -> None:
    guest = replace(GUEST, carried={"nic1": BLUE})
    fabric = replace(HOST, id="h2", name="two", networks={"mgmt": GOOD}, carried={"blue": "ucsm"}, functions=(CARD,))
    other = replace(HOST, id="h3", name="three", networks={"mgmt": GOOD})
    choice = choose(guest, [HOST, fabric, other])
    assert {one.host_id: dict(one.functions) for one in choice.ranking} == {"h1": {}, "h2": {"nic1": CARD.nic}}
    (problem,) = choice.refusals["h3"]
    assert problem.code == "VAR__DETAIL__NETWORK_MISSING"
    taken = Reservation(guest_id="x", host_id="h2", functions={CARD.nic: 1})
    assert choose(guest, [fabric], [taken]).host is None
    # It migrates between those that have it in one way.
    assert choose(replace(guest, implemented={"blue": "native"}), [HOST, fabric]).host == "h1"
    assert choose(replace(guest, implemented={"blue": "ucsm"}), [HOST, fabric]).host == "h2"


NATIVE_ON_CARD = "native, on a host with a card"
WAYS = ("native", NATIVE_ON_CARD, "ucsm", "ufm")


def that_has_it(way: str, *, provider: bool) -> HostState:
    """A host that has network blue in one of the ways, and perhaps what the provider of network tunnels needs."""
    has = {
        "networks": HOST.networks if way in {"native", NATIVE_ON_CARD} else {"mgmt": GOOD},
        "carried": {} if way == "native" else {"blue": "ucsm" if way == NATIVE_ON_CARD else way},
        "functions": () if way == "native" else (CARD,),
        "agents": {"p": AGENT} if provider else {},
    }
    return replace(HOST, **has)  # type: ignore[arg-type] # keys are fields


@pytest.mark.parametrize("provider", [True, False])
@pytest.mark.parametrize("target", WAYS)
@pytest.mark.parametrize("source", WAYS)
def test_a_guest_moves_where_each_of_its_networks_is_implemented_alike(
    source: str, target: str, *, provider: bool
) -> None:
    """Of native networks, fabrics and providers, every pair."""
    leaves = that_has_it(source, provider=True)
    guest = replace(
        GUEST,
        carried={"nic1": BLUE},
        provided={"t": TUNNELS},
        implemented={"blue": leaves.implements("blue")},
    )
    refusals = choose(guest, [that_has_it(target, provider=provider)]).refusals.get("h1", ())
    is_alike = source == target or {source, target} == {"native", NATIVE_ON_CARD}
    expected = [] if is_alike else ["VAR__DETAIL__NETWORK_IMPLEMENTED_DIFFERENTLY"]
    expected += [] if provider else ["VAR__DETAIL__PROVIDER_NETWORK_MISSING"]
    assert [one.code for one in refusals] == expected


def test_a_network_of_a_fabric_counts_as_connected() -> None:
    guest, policy = replace(GUEST, carried={"nic1": BLUE}), Policy(only_required=True)
    bare = replace(HOST, networks={"mgmt": GOOD})
    (there,) = choose(guest, [replace(bare, carried={"blue": "ucsm"}, functions=(CARD,))], policy=policy).ranking
    (missing,) = choose(guest, [bare], policy=policy).ranking
    assert (there.scores["networks"], missing.scores["networks"]) == (100, 0)


def test_a_promised_place_counts_as_a_guest() -> None:
    promised = [Reservation(guest_id=f"vm{n}", host_id="h1") for n in range(3)]
    assert choose(GUEST, [HOST], promised).ranking[0].scores["guests"] == 25


# Properties

NETWORKS = ("blue", "red", "mgmt")


def random_host(random: Random, number: int) -> HostState:
    """Mostly fit, so that often some are and some are not."""
    likely = random.choice((0.99, 0.8))

    def mostly() -> bool:
        return random.random() < likely

    return HostState(
        id=f"h{number}",
        name=random.choice(("a", "b")),
        status="up" if mostly() else random.choice(("down", "maintenance", "non_operational")),
        cluster_id="c" if mostly() else "d",
        networks={
            name: NetworkOn(in_sync=mostly(), has_boot_protocol=mostly(), uplink=random.choice(("eth0", "bond0")))
            for name in NETWORKS
            if mostly()
        },
        guest_drivers=("libvirt", "simulated") if mostly() else random.choice(((), ("simulated",))),
        guests=random.randint(0, 2),
        memory=10,
        memory_free=random.randint(2, 10),
        switch_type="legacy" if mostly() else "ovs",
        dhcp_server=mostly(),
        uplinks={"eth0": Uplink(load=random.choice((0, 0.5)), ports_up=random.choice((0, 1, 1, 1)))},
        functions=tuple(
            FreeFunctions(
                nic=f"eth{n}",
                free=random.randint(0, 2),
                networks=random.choice((None, frozenset({"blue"}), frozenset({"red", "mgmt"}))),
                is_card=random.random() < 0.2,
            )
            for n in range(random.randint(0, 3))
        ),
        carried={name: "ucsm" for name in NETWORKS if not mostly()},
        agents={
            name: ProviderAgent(is_alive=mostly(), physical_networks=frozenset({"wire"} if mostly() else ()))
            for name in ("p", "q")
            if mostly()
        },
    )


def random_guest(random: Random) -> GuestNeeds:
    networks = random.sample(NETWORKS, random.randint(0, 2))
    carried = [name for name in networks if random.random() < 0.3]
    return GuestNeeds(
        id="vm",
        cluster_id="c",
        networks={name: name for name in networks},
        carried={f"v{name}": CarriedVnic(name="v", network_id=name) for name in carried},
        implemented={name: random.choice(("native", "ucsm")) for name in carried if random.random() < 0.5},
        required={name: name for name in random.sample(NETWORKS, random.randint(0, 2))},
        display=random.choice((None, ("mgmt", "mgmt"))),
        memory=random.randint(0, 4),
        passthrough={f"n{n}": random.choice(("", "blue", "red")) for n in range(random.choice((0, 0, 1, 2, 3)))},
        switch_type=random.choice(("", "legacy")),
        driver=random.choice(("", "", "simulated", "libvirt")),
        provided={
            f"{provider}{wire}": ProvidedNetwork(
                name=wire, provider_id=provider, provider_name=provider, physical_network=wire
            )
            for provider, wire in random.sample([("p", ""), ("p", "wire"), ("q", "wire")], random.choice((0, 0, 1, 2)))
        },
        leases=random.choice((False, True)),
    )


def random_reservations(random: Random) -> list[Reservation]:
    return [
        Reservation(
            guest_id=random.choice(("vm", "x", "y")),
            host_id=f"h{random.randint(0, 2)}",
            memory=random.randint(0, 3),
            functions={f"eth{random.randint(0, 2)}": random.randint(0, 2)},
        )
        for _ in range(random.randint(0, 3))
    ]


def can(guest: GuestNeeds, host: HostState, reservations: list[Reservation], *, only_required: bool) -> bool:
    """The same question, answered the long way."""
    others = [one for one in reservations if one.guest_id != guest.id and one.host_id == host.id]
    desired = {name for name in guest.networks if not only_required or name in guest.required}
    dark = {
        name for name, on in host.networks.items() if on.uplink in host.uplinks and not host.uplinks[on.uplink].ports_up
    }
    serves = host.status == "up" or (host.status == "non_operational" and not dark & desired)
    shown = guest.display is None or only_required or host.networks.get("mgmt", SILENT).has_boot_protocol
    return (
        (host.cluster_id, serves, bool(host.guest_drivers), shown) == ("c", True, True, True)
        and guest.switch_type in {"", host.switch_type}
        and guest.driver in {"", *host.guest_drivers}
        and (host.dhcp_server or not guest.leases)
        and all(host.networks[name].in_sync if name in host.networks else name in host.carried for name in desired)
        and all(how_on(host, name) in {"", how} for name, how in guest.implemented.items())
        and guest.memory + sum(one.memory for one in others) <= host.memory_free
        and seats(guest, host, others)
        and all(
            one.provider_id in host.agents
            and host.agents[one.provider_id].is_alive
            and one.physical_network in {"", *host.agents[one.provider_id].physical_networks}
            for one in guest.provided.values()
        )
    )


def how_on(host: HostState, name: str) -> str:
    return "native" if name in host.networks else host.carried.get(name, "")


def seats(guest: GuestNeeds, host: HostState, others: list[Reservation]) -> bool:
    """Whether some way to deal out single functions gives one to each vNIC."""
    single = []
    for one in host.functions:
        taken = sum(other.functions.get(one.nic, 0) for other in others)
        single += [(one.is_card, one.networks)] * (one.free - taken)
    desired = [(False, name) for name in guest.passthrough.values()]
    carried = [one.network_id for one in guest.carried.values()]
    desired += [(True, name) for name in carried if how_on(host, name) == "ucsm"]
    return any(
        all(
            of_card == is_card and (nets is None or not name or name in nets)
            for (of_card, nets), (is_card, name) in zip(way, desired, strict=True)
        )
        for way in permutations(single, len(desired))
    )


@pytest.mark.no_cover
@given(sources, st.booleans())
def test_never_a_host_that_cannot_and_always_one_that_can(random: Random, only_required: bool) -> None:
    guest, reservations = random_guest(random), random_reservations(random)
    hosts = [random_host(random, number) for number in range(random.randint(1, 3))]
    choice = choose(guest, hosts, reservations, Policy(only_required=only_required))
    able = {host.id for host in hosts if can(guest, host, reservations, only_required=only_required)}
    assert {one.host_id for one in choice.ranking} == able
    assert choice.refusals.keys() == {host.id for host in hosts} - able
    assert all(choice.refusals.values())
    assert all(one.functions.keys() >= guest.passthrough.keys() for one in choice.ranking)


@pytest.mark.no_cover
@given(sources)
def test_the_order_of_the_hosts_changes_nothing(random: Random) -> None:
    guest, reservations = random_guest(random), random_reservations(random)
    hosts = [random_host(random, number) for number in range(3)]
    choice = choose(guest, hosts, reservations)
    random.shuffle(hosts)
    random.shuffle(reservations)
    assert choose(guest, hosts, reservations) == choice


@pytest.mark.no_cover
@given(sources)
def test_another_host_never_makes_it_fail_nor_worse(random: Random) -> None:
    guest = random_guest(random)
    hosts = [random_host(random, number) for number in range(random.randint(0, 2))]
    before = choose(guest, hosts)
    more = choose(guest, [*hosts, random_host(random, 9)])
    assert [one for one in more.ranking if one.host_id != "h9"] == list(before.ranking)
    assert max((one.total for one in before.ranking), default=0) <= max((o.total for o in more.ranking), default=0)
    drivers = ("libvirt", "simulated")
    fit = replace(HOST, id="fit", memory_free=10, guest_drivers=drivers, functions=(FreeFunctions(nic="eth9", free=3),))
    wired = replace(AGENT, physical_networks=frozenset({"wire"}))
    agents = {"p": wired, "q": wired}
    fit = replace(fit, networks=dict.fromkeys(NETWORKS, GOOD), agents=agents, dhcp_server=True)
    assert choose(replace(guest, implemented={}), [*hosts, fit]).host is not None
