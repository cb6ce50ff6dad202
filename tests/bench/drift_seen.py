"""Time until a manual change of a host is reported as drift: each kind that the tests have, on a
real host in a namespace; alone, and with many simulated hosts beside it.

It begins when the command has ended, and ends when the API shows the difference. Each time is the longest of its
rounds.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from figures import Figure

from e2e.drift_site import (
    OF_A_GUEST,
    OF_BRIDGES,
    OF_ITS_LINKS,
    OF_OPEN_VSWITCH,
    drift,
    guest_port,
    host_of_bridges,
    in_sync,
    networks_of_open_vswitch,
    policy_table,
    said,
    set_up,
    vsctl,
)
from e2e.site import HOST, Site, site, wait

BESIDE = "200"
ROUNDS = 3
PATIENCE = 60.0


def measure(beside: str = BESIDE) -> list[Figure]:
    """A line for each kind of drift. ``beside``: the number of further simulated hosts of the engine."""
    alone = _all_kinds(())
    among = _all_kinds(("--simulated-hosts", beside))
    return [
        Figure(
            what=f"drift seen among {beside} hosts: {kind}",
            ours=taken,
            unit="s",
            goal="5 s",
            floor=alone[kind],
            floor_is="the host alone",
            ratio=taken / alone[kind],
        )
        for kind, taken in among.items()
    ]


def _all_kinds(options: tuple[str, ...]) -> dict[str, float]:
    """Seconds by the kind of drift. ``options``: of the engine."""
    with host_of_bridges(options) as whole:
        _come_up(whole, options)
        table = policy_table(whole)
        taken = {
            kind: _longest(whole, tuple(command.format(table=table).split()), group, text.format(table=table))
            for kind, (command, group, text) in OF_BRIDGES.items()
        }
    with _host_of_open_vswitch(options) as whole:
        _come_up(whole, options)
        for kind, (words, group, text) in OF_OPEN_VSWITCH.items():
            taken[f"Open vSwitch, {kind}"] = _longest(whole, vsctl(whole, words), group, text)
        for kind, (command, group, texts) in OF_ITS_LINKS.items():
            taken[f"Open vSwitch, {kind}"] = _longest(whole, ("sh", "-c", command), group, *texts)
        with guest_port(whole) as port:
            for kind, (words, text) in OF_A_GUEST.items():
                taken[kind] = _longest(whole, vsctl(whole, words.format(port=port)), "guest_ports", text)
    return taken


@contextmanager
def _host_of_open_vswitch(options: tuple[str, ...]) -> Iterator[Site]:
    with (
        tempfile.TemporaryDirectory(prefix="nl") as folder,  # sockets in it need a short name
        site(Path(folder), options=options) as whole,
        networks_of_open_vswitch(whole),
    ):
        yield whole


def _come_up(whole: Site, options: tuple[str, ...]) -> None:
    """Wait until the simulated hosts of ``options`` are up, too."""
    count = len(whole.place.hosts) + sum(int(one) for one in options[1:])
    wait("all hosts are up", lambda: len(whole.client.list("hosts", search="status=up")) == count, PATIENCE)


def _longest(whole: Site, command: tuple[str, ...], group: str, *texts: str) -> float:
    """Seconds until the change is reported with these texts, the longest of the rounds; each change is corrected."""
    longest = 0.0
    for _ in range(ROUNDS):
        wait("the host is as desired", lambda: in_sync(whole) == "true", PATIENCE)
        done = whole.place.run(HOST, *command)
        begun = time.perf_counter()
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        wait(f"{command} is seen as {texts}", lambda: set(texts) <= said(whole, group), PATIENCE)
        longest = max(longest, time.perf_counter() - begun)
        wait("nothing is in the way", lambda: not drift(whole)["obstacle"], PATIENCE)
        set_up(whole)
    return longest
