"""Verbs of a provider's networks beside the usual ones: having one as a network of a data centre."""

from __future__ import annotations

import click

from netweft.cli.job_progress import run_job
from netweft.cli.lookup import completes, resolve
from netweft.cli.nouns import noun
from netweft.cli.session import calls_engine
from netweft.client import Client

_PROVIDER, _NETWORK = noun("provider"), noun("provider network")


@click.command("import")
@click.argument("provider", metavar="PROVIDER", shell_complete=completes("provider"))
@click.argument("network", metavar="NETWORK", shell_complete=completes("provider network"))
@click.option(
    "--datacenter",
    default="Default",
    show_default=True,
    help="The data centre that shall have it.",
    shell_complete=completes("datacenter"),
)
@calls_engine
def import_network(client: Client, provider: str, network: str, datacenter: str) -> None:
    """Have a network that a provider has as a network of a data centre, by the same name. It is not changed there, and
    stays there when it is removed here.

    Example: netweft provider network import neutron blue
    """
    found = resolve(client, _NETWORK, network, (provider,))
    owner = resolve(client, _PROVIDER, provider)
    body = {"data_center": {"id": resolve(client, noun("datacenter"), datacenter)["id"]}}
    run_job(client, f"openstacknetworkproviders/{owner['id']}/networks/{found['id']}/import", body)


COMMANDS = (import_network,)
