"""Who asks: passed to every command, written into every job and event."""

from __future__ import annotations

from dataclasses import dataclass, field

from netweft.engine.db import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A user at work. ``filtered``: the client asked to see only what the user has permissions on (header ``Filter:
    true``). ``everywhere``: action groups that the user is known to hold on the system, when the request came in.
    """

    user_id: str | None
    name: str
    correlation_id: str = field(default_factory=new_id)
    filtered: bool = False
    everywhere: frozenset[str] = frozenset()

    @property
    def is_system(self) -> bool:
        """Whether it is the engine itself, which may do all."""
        return self.user_id is None


SYSTEM = Actor(user_id=None, name="SYSTEM", correlation_id="")
"""The engine itself."""
