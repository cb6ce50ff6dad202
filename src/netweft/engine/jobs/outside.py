"""Everything outside of the engine that jobs reach, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from netweft.engine.agents import Agents
from netweft.engine.jobs.providers import Providers
from netweft.engine.secrets import SecretBox


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The agents of hosts, and the providers of networks. ``agent_package``: the Debian package of the agent, which is
    installed on hosts, None where there is none; ``box`` decrypts what it takes to get into them.
    """

    agents: Agents
    providers: Providers
    box: SecretBox
    agent_package: Path | None = None
