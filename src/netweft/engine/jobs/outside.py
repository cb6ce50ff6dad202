"""Everything outside of the engine that jobs reach, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from netweft.engine.agents import Agents
from netweft.engine.jobs.providers import Providers


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The agents of hosts, and the providers of networks."""

    agents: Agents
    providers: Providers
