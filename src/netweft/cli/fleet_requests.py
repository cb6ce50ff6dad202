"""Makes the changes that the file of a fleet asks for, by the same requests as all other commands."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from netweft.cli import nouns
from netweft.cli.fleet_file import Todo
from netweft.cli.fleet_setups import setup_body
from netweft.cli.job_progress import run_job
from netweft.cli.noun_types import NOTHING, Field
from netweft.cli.verbs import entity_of, query_of
from netweft.client import Client
from netweft.client.tree import ADDITIONS, Tree
from netweft.core.fleet.changes import HOST_NETWORKS, Change
from netweft.core.fleet.items import Key, referred
from netweft.core.network_filters import IDS
from netweft.core.rules.provider import certificates_of

OPTIONS = {
    "ca": "ca_file",
    "data_center": "datacenter",
    "password": "login_password_file",
    "pools": "pool",
    "properties": "property",
    "ranges": "range",
    "root_password": "root_password_file",
    "routes": "route",
    "url": "address",
}
"""Options of the command line whose fields are called otherwise in the file."""
_MANAGEMENT = "management"


class Requests:
    """Makes changes one by one. ``commit``: what runs on a host then is also what its boot restores."""

    def __init__(self, client: Client, todo: Todo, *, commit: bool) -> None:
        self._client = client
        self._before = todo.state.fleet.things
        self._ids = dict(todo.state.ids)
        self._wanted = todo.wanted
        self._commit = commit

    def make(self, change: Change) -> None:
        """Make one. Raises ApiError, UnreachableError, click.exceptions.Exit."""
        key = change.noun, change.names
        if change.noun == HOST_NETWORKS:
            host = self._ids["host", change.names]
            run_job(self._client, f"hosts/{host}/setupnetworks", self._setup(change))
        elif change.action == "remove":
            self._client.remove(self._path(key))
        elif key in self._ids:  # also what came along with something that was added
            self._update(key, change)
        else:
            self._add(key, change)

    def _setup(self, change: Change) -> Tree:
        return {**setup_body(change, self._before, self._ids), "commit_on_success": self._commit}

    def _add(self, key: Key, change: Change) -> None:
        noun, names = key
        values = _after(change)
        label = values.pop("label", None)
        if noun == "cluster network":
            body = {"id": self._ids[self._network(names)], **_cluster_network(values)}
            query: dict[str, str | int] = {}
        else:
            given = self._options(key, values)
            body = {"name": names[-1], **self._entity(key, given), **self._besides(key)}
            query = query_of(nouns.noun(noun), given)
        self._ids[key] = self._client.add(self._collection(key), body, **query)["id"]
        if label:
            self._client.add(f"{self._path(key)}/networklabels", {"id": label})
        self._take_along(key)

    def _update(self, key: Key, change: Change) -> None:
        values = _after(change)
        label = [values.pop("label")] if "label" in values else []
        if change.noun == "cluster network":
            self._client.update(self._path(key), _cluster_network(values))
        elif values:
            self._client.update(self._path(key), self._entity(key, self._options(key, values)))
        for one in label:
            self._label(key, change, one)

    def _label(self, key: Key, change: Change, label: str | None) -> None:
        labels = f"{self._path(key)}/networklabels"
        before = next(one.before for one in change.differences if one.path == ("label",))
        if before:
            self._client.remove(f"{labels}/{before}")
        if label:
            self._client.add(labels, {"id": label})

    def _take_along(self, key: Key) -> None:
        """Learn the ids of what the engine has added with a thing."""
        noun, names = key
        if noun == "datacenter":
            self._learn("network", names, f"{self._path(key)}/networks")
        elif noun == "network":
            self._learn("profile", names, f"{self._path(key)}/vnicprofiles")
        elif noun == "cluster":
            self._learn("cluster network", names, f"{self._path(key)}/networks")

    def _learn(self, noun: str, above: tuple[str, ...], path: str) -> None:
        for one in self._client.list(path):
            key = noun, (*above, one["name"])
            self._ids[key] = one["id"]
            self._take_along(key)

    def _besides(self, key: Key) -> Tree:
        """What a thing is added with that is no field of its own in the file."""
        noun, names = key
        if noun == "network":
            is_named = ("profile", names) in self._wanted.collections
            return {
                "data_center": {"name": names[0]},
                "profile_required": not is_named or ("profile", (*names, names[1])) in self._wanted.things,
            }
        if noun == "profile":
            return {"network": {"id": self._ids[self._holder(key)]}}
        if noun == "cluster":
            managed = [
                one[1]
                for (kind, one), values in self._wanted.things.items()
                if kind == "cluster network" and one[0] == names[0] and _MANAGEMENT in values.get("roles", ())
            ]
            return {"management_network": {"name": managed[0]}} if managed else {}
        return {}

    def _entity(self, key: Key, given: Mapping[str, Any]) -> Tree:
        def refer(field: Field, value: Any) -> str:  # noqa: ANN401 -- what a field holds
            return IDS[value] if field.names == "filter" else self._ids[referred(key, field.names, value)]

        return entity_of(nouns.noun(key[0]), given, refer)

    def _options(self, key: Key, values: Mapping[str, Any]) -> dict[str, Any]:
        """The fields as options of the command line."""
        options = {field.parameter: field for field in nouns.noun(key[0]).fields}
        given: dict[str, Any] = {}
        for name, value in values.items():
            option = OPTIONS.get(name, name)
            field = options.get(option)
            if field is not None and field.removable and value in (None, []):
                given[option] = (NOTHING,) if field.many else NOTHING
            elif value is not None:
                given[option] = _spoken(name, value)
        return given

    def _path(self, key: Key) -> str:
        noun = key[0]
        if noun == "subnet":
            return f"{ADDITIONS}/subnets/{self._ids[key]}"
        return f"{self._collection(key)}/{self._ids[key]}"

    def _collection(self, key: Key) -> str:
        noun, names = key
        if noun == "qos":
            return f"datacenters/{self._ids[self._holder(key)]}/qoss"
        if noun == "subnet":
            return f"{ADDITIONS}/networks/{self._ids[self._holder(key)]}/subnets"
        if noun == "cluster network":
            return f"clusters/{self._ids['cluster', names[:1]]}/networks"
        return nouns.noun(noun).path

    def _holder(self, key: Key) -> Key:
        noun, names = key
        return ("datacenter" if noun == "qos" else "network"), names[:-1]

    def _network(self, names: tuple[str, ...]) -> Key:
        """The network of a cluster, in the data centre of that."""
        cluster = "cluster", names[:1]
        cluster_values = {**self._before.get(cluster, {}), **self._wanted.things.get(cluster, {})}
        return "network", (cluster_values["data_center"], names[1])


def _after(change: Change) -> dict[str, Any]:
    return {one.path[0]: one.after for one in change.differences}


def _cluster_network(values: Mapping[str, Any]) -> Tree:
    names = {"roles": "usages"}
    return {names.get(name, name): value for name, value in values.items()}


def _spoken(name: str, value: Any) -> Any:  # noqa: ANN401 -- what a field holds
    """A value as the command line has it once its option is read."""
    if name == "properties":
        return [{"name": one, "value": text} for one, text in value.items()]
    if name == "ca":
        return [{"content": one} for one in certificates_of(value)]
    if name in {"password", "root_password"}:
        return _secret(value)
    return value


def _secret(place: Mapping[str, str]) -> str:
    """A secret, from the place that the file names. Raises click.ClickException."""
    if "env" in place:
        if place["env"] not in os.environ:
            raise click.ClickException(f"The environment variable {place['env']}, which holds a secret, is not set.")
        return os.environ[place["env"]]
    try:
        return Path(place["file"]).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{place['file']}, which holds a secret, cannot be read: {error}") from error
