"""A module for providers that cannot be imported: a library of the system is missing that a library of it needs."""

raise ImportError("no libssl here")
