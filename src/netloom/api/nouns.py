"""All endpoints: the tables of all nouns, put together. A new noun's module is added here."""

from __future__ import annotations

from netloom.api import additions, constants, data_centers, events, jobs, networks, root, users
from netloom.api.routes import Router

MODULES = (
    additions.routes,
    constants.routes,
    data_centers.routes,
    events.routes,
    jobs.routes,
    jobs.additions,
    networks.routes,
    users.routes,
)


def router() -> Router:
    """The whole table."""
    table = [route for routes in MODULES for route in routes.table]
    return Router([*root.routes_for(table).table, *table])
