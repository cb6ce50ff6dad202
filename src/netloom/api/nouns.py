"""All endpoints: the tables of all nouns, put together. A new noun's module is added here."""

from __future__ import annotations

from netloom.api import data_centers, networks
from netloom.api.routes import Router

MODULES = (data_centers, networks)


def router() -> Router:
    """The whole table."""
    return Router([route for module in MODULES for route in module.routes.table])
