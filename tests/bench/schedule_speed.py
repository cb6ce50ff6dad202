"""Time of choosing the host of a guest: 1,000 hosts with 100 networks each, a guest with 10 vNICs; and where a fabric
carries its networks to half of the hosts, on dynamic vNICs of their cards.

The states of the hosts are computed once and kept until a report changes one; that has a figure of its own. Then the
same question through the API of an engine with simulated hosts, beside a question that nothing is decided for.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from figures import Figure, in_turn, median_seconds, paired

from engine_process import EngineProcess
from netweft.core.candidates import (
    CarriedVnic,
    FreeFunctions,
    GuestNeeds,
    HostState,
    NetworkOn,
    Reservation,
    Uplink,
)
from netweft.core.schedule import choose

HOSTS, NETWORKS, VNICS, ROUNDS = 1000, 100, 10, 30
SIMULATED = 200
GUEST = GuestNeeds(
    cluster_id="c",
    networks={f"n{i * 9}": f"net{i * 9}" for i in range(VNICS)},
    required={f"n{i}": f"net{i}" for i in range(VNICS)},
    display=("n0", "net0"),
    memory=2**30,
    switch_type="legacy",
)


def host(number: int, *, every: int) -> HostState:
    """A host; each of ``every`` lacks one of the guest's networks."""
    lacks = f"n{number % VNICS * 9}" if number % every else ""
    return HostState(
        id=f"h{number}",
        name=f"host{number}",
        status="up",
        cluster_id="c",
        networks={
            f"n{i}": NetworkOn(has_boot_protocol=i == 0, uplink=f"bond{i % 4}")
            for i in range(NETWORKS)
            if f"n{i}" != lacks
        },
        guest_drivers=("libvirt",),
        guests=number % 50,
        memory=2**38,
        memory_free=2**36 + number,
        uplinks={f"bond{i}": Uplink(load=(number * 7 + i) % 100 / 100, ports=2, ports_up=2) for i in range(4)},
    )


def measure() -> list[Figure]:
    size = f"{HOSTS:,} hosts x {NETWORKS} networks x {VNICS} vNICs"
    figures = []
    for every, what in ((1, "all fit"), (HOSTS, "all but one refused, with reasons")):
        hosts = [host(number, every=every) for number in range(HOSTS)]
        choice = choose(GUEST, hosts)
        assert len(choice.ranking) == HOSTS // every
        assert len(choice.ranking) + len(choice.refusals) == HOSTS
        took = median_seconds(partial(choose, GUEST, hosts), ROUNDS)
        figures.append(Figure(what=f"placement, {size}, {what}", ours=took * 1000, unit="ms", goal="< 10 ms"))
    figures.append(on_cards(size))
    took = median_seconds(partial(host, 1, every=1), HOSTS)
    what = f"state of a host for placement, {NETWORKS} networks, kept until its report changes"
    figures.append(Figure(what=what, ours=took * 1000, unit="ms", goal="none: beside it"))
    return [*figures, through_the_api()]


def on_cards(size: str) -> Figure:
    """Half of the hosts have a card with a dynamic vNIC for each vNIC, and one of them is promised to another guest on
    every second of these.
    """
    networks = list(GUEST.networks)
    carried = {f"v{i}": CarriedVnic(name=f"nic{i}", network_id=network) for i, network in enumerate(networks)}
    guest = replace(GUEST, carried=carried, display=None)
    card = FreeFunctions(nic="0000:81:00.0", free=VNICS, is_card=True)
    hosts = [
        replace(
            one,
            networks={network: on for network, on in one.networks.items() if network not in carried_by(number)},
            functions=(card,) if number % 2 else (),
            carried=dict.fromkeys(networks, "ucsm") if number % 2 else {},
        )
        for number, one in enumerate(host(number, every=1) for number in range(HOSTS))
    ]
    promised = [
        Reservation(guest_id=f"g{number}", host_id=f"h{number}", functions={card.nic: 1})
        for number in range(1, HOSTS, 4)
    ]
    choice = choose(guest, hosts, promised)
    assert len(choice.refusals) == HOSTS // 4
    took = median_seconds(partial(choose, guest, hosts, promised), ROUNDS)
    return Figure(
        what=f"placement, {size}, half of the hosts by dynamic vNICs", ours=took * 1000, unit="ms", goal="< 10 ms"
    )


def carried_by(number: int) -> frozenset[str]:
    """The networks that are not set up on a host, as its fabric carries them."""
    return frozenset(GUEST.networks) if number % 2 else frozenset()


def through_the_api() -> Figure:
    """Requests to an engine for the hosts of a VM."""
    options = ("--simulated-hosts", str(SIMULATED))
    with tempfile.TemporaryDirectory() as folder, EngineProcess(Path(folder), options=options) as engine:
        client = engine.client()
        deadline = time.monotonic() + 900  # seconds, on a machine that is busy with other things
        while sum(one["status"] == "up" for one in client.list("hosts", max=SIMULATED)) < SIMULATED:
            assert time.monotonic() < deadline, "the simulated hosts did not come up"
            time.sleep(1)
        vm = client.add("vms", {"name": "one", "cluster": {"name": "Default"}})["id"]
        profile = client.list("vnicprofiles")[0]["id"]
        client.add(f"vms/{vm}/nics", {"name": "nic1", "vnic_profile": {"id": profile}})
        assert len(client.addition("GET", f"vms/{vm}/placement")["fit"]) == SIMULATED
        pairs = in_turn(
            partial(median_seconds, lambda: client.get(f"vms/{vm}"), ROUNDS),
            partial(median_seconds, lambda: client.addition("GET", f"vms/{vm}/placement"), ROUNDS),
        )
        client.close()
    return paired(
        f"placement through the API, {SIMULATED} simulated hosts",
        pairs,
        unit="ms",
        scale=1000,
        goal="none: beside it",
        floor_is="reading the machine",
    )
