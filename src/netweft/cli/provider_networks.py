"""Verbs of a provider's networks beside the usual ones: having one, or all, as networks of a data centre."""

from __future__ import annotations

import click

from netweft.cli.calls import calls_engine
from netweft.cli.completion import completes, named
from netweft.cli.job_progress import run_job
from netweft.cli.lookup import resolve
from netweft.cli.nouns import noun
from netweft.cli.output import pick, say, show_many
from netweft.cli.session import REFUSED, output_option
from netweft.cli.verbs import show_outcome
from netweft.client import Client

_PROVIDER, _NETWORK, _MADE = noun("provider"), noun("provider network"), noun("network")
_data_center = click.option(
    "--datacenter",
    default="Default",
    show_default=True,
    help="The data centre to import it into.",
    shell_complete=completes("datacenter"),
)


@click.command("import")
@named("provider")
@named("provider network")
@_data_center
@output_option
@calls_engine
def import_network(client: Client, provider: str, network: str, datacenter: str, form: str) -> None:
    """Import a network of a provider into a data centre, by the same name. It is never changed on the provider, and
    stays there when it is removed here.

    Example: netweft provider network import neutron blue
    """
    found = resolve(client, _NETWORK, network, (provider,))
    owner = resolve(client, _PROVIDER, provider)
    where = resolve(client, noun("datacenter"), datacenter)["id"]
    path = f"openstacknetworkproviders/{owner['id']}/networks/{found['id']}/import"
    run_job(client, path, {"data_center": {"id": where}})
    made = resolve(client, _MADE, found["name"], matching={"data_center.id": where})
    show_outcome(client, _MADE, made, form)


@click.command("import-all")
@named("provider")
@_data_center
@click.option("--plan", is_flag=True, help="Only list the networks that would be imported.")
@output_option
@calls_engine
def import_all(client: Client, provider: str, datacenter: str, *, plan: bool, form: str) -> None:
    """Import all networks of a provider that the data centre lacks. One that cannot be imported, since its name is in
    use, does not prevent the others.

    Example: netweft provider network import-all neutron --plan
    """
    owner = resolve(client, _PROVIDER, provider)
    where = resolve(client, noun("datacenter"), datacenter)
    path = f"openstacknetworkproviders/{owner['id']}/networks"
    present = _ids_here(client, owner["id"], where["id"])
    missing = [one for one in client.list(path) if one["id"] not in present]
    if plan or not missing:
        show_many(missing, _NETWORK.columns, form, _NETWORK.wide)
        return
    failed = False
    for one in missing:
        say(f"{one['name']}:")
        try:
            run_job(client, f"{path}/{one['id']}/import", {"data_center": {"id": where["id"]}})
        except click.exceptions.Exit:  # which has said why
            failed = True
    if failed:
        raise click.exceptions.Exit(REFUSED)


def _ids_here(client: Client, provider_id: str, data_center_id: str) -> set[str]:
    """The provider's ids of the networks that are in the data centre already, or were made there by this engine for
    any.
    """
    here = {one["id"] for one in client.list("networks") if pick(one, "data_center.id") == data_center_id}
    objects = client.addition("GET", f"providers/{provider_id}/objects")
    return {
        one["provision"]["external_id"]
        for one in objects
        if one["kind"] == "network" and (one["id"] in here or not one["provision"]["imported"])
    }


COMMANDS = (import_network, import_all)
