"""Reads of providers."""

from __future__ import annotations

import sqlalchemy as sa

from netweft.engine.model.providers import CONFIGURATION, NETWORKS, ProviderRow, providers
from netweft.engine.noun import Noun, ObjectType, searched

_SEARCH = searched(providers, type=providers.c.type, url=providers.c.url)

PROVIDERS = Noun(
    providers,
    ProviderRow,
    "provider",
    sa.select(providers).where(providers.c.purpose == NETWORKS),
    search=_SEARCH,
    object_type=ObjectType.PROVIDER,
)
"""Those of external networks."""

CONFIGURATION_PROVIDERS = Noun(
    providers,
    ProviderRow,
    "configuration provider",
    sa.select(providers).where(providers.c.purpose == CONFIGURATION),
    search=_SEARCH,
    object_type=ObjectType.PROVIDER,
)
"""Those that configure fabrics."""

BY_PURPOSE = {NETWORKS: PROVIDERS, CONFIGURATION: CONFIGURATION_PROVIDERS}

_ANY = Noun(providers, ProviderRow, "provider")
get = _ANY.get
find = _ANY.find
