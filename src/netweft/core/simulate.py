"""Play steps on a host as a value, refusing what a kernel, an OVSDB or ovs-vswitchd refuses.

The effects of the steps are in :mod:`netweft.core.world`, and why a step may not be done in
:mod:`netweft.core.refusals`. The contract tests hold both against the real things.

The agent sets ``net.ipv4.conf.all.promote_secondaries``, so an address that is removed takes no other address with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netweft.core import steps as s
from netweft.core.errors import HostError
from netweft.core.refusals import addressing, links, ovs, shaping
from netweft.core.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from netweft.core.host import Host


class StepRefusedError(HostError):
    """A kernel or an OVSDB refuses the step."""

    code = "ACTION_TYPE_FAILED_HOST_REFUSED"


class Simulation:
    """A host that steps are played on one after the other."""

    def __init__(self, host: Host) -> None:
        self.world = World(host)

    def apply(self, step: s.Step) -> None:
        """Do the step; raises StepRefusedError, and changes nothing, where the real thing refuses it."""
        problem = REFUSALS[type(step)](self.world, step)
        if problem:
            raise StepRefusedError(problem)
        self.world.apply(step)

    @property
    def host(self) -> Host:
        """The host as it is now."""
        return self.world.freeze()


def simulate_all(host: Host, steps: Iterable[s.Step]) -> Host:
    """The host after all steps. Raises StepRefusedError at the first that the real thing refuses."""
    simulation = Simulation(host)
    for step in steps:
        simulation.apply(step)
    return simulation.host


REFUSALS: Mapping[type, Callable[..., str | None]] = {
    **links.REFUSALS,
    **addressing.REFUSALS,
    **shaping.REFUSALS,
    **ovs.REFUSALS,
}
"""Why a step of each kind may be refused."""
