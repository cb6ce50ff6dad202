"""Reads of providers of external networks."""

from __future__ import annotations

from netweft.engine.model.providers import ProviderRow, providers
from netweft.engine.noun import Noun, ObjectType, searched

PROVIDERS = Noun(
    providers,
    ProviderRow,
    "provider",
    search=searched(providers, type=providers.c.type, url=providers.c.url),
    object_type=ObjectType.PROVIDER,
)
get = PROVIDERS.get
find = PROVIDERS.find
