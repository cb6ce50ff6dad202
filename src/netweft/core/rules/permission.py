"""Rules on giving and taking roles."""

from __future__ import annotations

from collections.abc import Collection

from netweft.core.errors import Problem


def grants_only_own_permissions(role: str, missing: Collection[str]) -> Problem | None:
    """Nobody gives more than they have. oVirt lets only super users give any role for administrators.

    ``missing``: what the role allows and the giver may not do on that thing.
    """
    if not missing:
        return None
    text = f"You cannot grant the role {role} here, because you lack {', '.join(sorted(missing))} yourself."
    return Problem("PERMISSION_ADD_FAILED_ONLY_SYSTEM_SUPER_USER_CAN_GIVE_ADMIN_ROLES", text)


def super_user_remains(is_super_user: bool, others: int) -> Problem | None:
    """At least one super user remains. ``others``: how many other super users there are."""
    if not is_super_user or others:
        return None
    text = "This is the last super user of the system. Grant the role to another user first."
    return Problem("ACTION_TYPE_FAILED_LAST_SUPER_USER", text)
