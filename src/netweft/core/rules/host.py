"""What is allowed to be done with a host: join, change, leave, go up, go into maintenance."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from netweft.core.errors import Problem
from netweft.core.limits import PORT_MAX
from netweft.core.rules import fields

REMOVABLE = frozenset({"maintenance", "down", "installing", "install_failed", "non_responsive", "non_operational"})
"""In these statuses no operation of ours can be running on the host; an ``up`` host goes into maintenance first."""

INSTALLABLE = frozenset({"installing", "install_failed", "maintenance"})
"""In these statuses the engine may install, or reinstall, the agent of a host."""

_FINGERPRINT = re.compile(r"SHA256:[0-9A-Za-z+/]{43}")
"""Of an SSH host key, as ssh-keygen -l prints it."""

ACTIVATABLE = frozenset(
    {
        "maintenance",
        "preparing_for_maintenance",
        "down",
        "install_failed",
        "non_operational",
        "non_responsive",
        "unassigned",
    }
)


def name_is_valid(name: str) -> Problem | None:
    """The name has the letters and the length that names of hosts may have."""
    if fields.MACHINE_NAME.fullmatch(name):
        return None
    text = f"The Host name '{name}' is not valid: use 1 to 255 letters, digits, '.', '_' and '-'."
    return Problem("VALIDATION_VDS_NAME_INVALID", text)


def name_is_free(name: str, used: Collection[str]) -> Problem | None:
    """No other host has the name."""
    return fields.name_is_free("Host", name, used, code="ACTION_TYPE_FAILED_NAME_ALREADY_USED")


def address_is_valid(address: str) -> Problem | None:
    """The address names a machine, with a port or without: ``host``, ``192.0.2.1:54322``, ``[2001:db8::1]:54322``."""
    try:
        parts = urlsplit(f"//{address}")
        good = bool(parts.hostname) and parts.netloc == address and "@" not in address and parts.port != 0
    except ValueError:
        good = False
    if good and len(address) <= 255 and not any(character.isspace() for character in address):  # noqa: PLR2004 -- the column's width, as oVirt's
        return None
    text = (
        f"The Host address '{address}' is not valid: give a name or an IP address, if needed followed by ':' and a "
        "port."
    )
    return Problem("VALIDATION_VDS_HOSTNAME_HOSTNAME_OR_IP", text)


def address_is_free(address: str, taken: Collection[str]) -> Problem | None:
    """No other host has the address."""
    if address not in taken:
        return None
    text = f"Host with the same address already exists: another Host of this engine has the address '{address}'."
    return Problem("ACTION_TYPE_FAILED_VDS_WITH_SAME_HOST_EXIST", text)


def ssh_port_is_valid(port: int) -> Problem | None:
    """The port at which a host's SSH server listens is one."""
    if 0 < port <= PORT_MAX:
        return None
    return Problem("VALIDATION_VDS_SSH_PORT_RANGE", f"The SSH port {port} is not valid: give one from 1 to {PORT_MAX}.")


def ssh_fingerprint_is_valid(fingerprint: str) -> Problem | None:
    """The fingerprint of a host's SSH key is valid; empty: the key is trusted on first use."""
    if not fingerprint or _FINGERPRINT.fullmatch(fingerprint):
        return None
    text = (
        f"The SSH fingerprint '{fingerprint}' is not valid: give it as 'ssh-keygen -lf"
        " /etc/ssh/ssh_host_ed25519_key.pub' prints it on the Host, SHA256: and 43 characters."
    )
    return Problem("VALIDATION_VDS_SSH_FINGERPRINT_INVALID", text)


def agent_package_is_there(*, has_package: bool) -> Problem | None:
    """The engine can install an agent only when it has its package."""
    if has_package:
        return None
    text = (
        "This engine has no agent to install: start it with --agent-package FILE (NETWEFT_AGENT_PACKAGE), the Debian"
        " package netweft-agent. A Host that is added without root_password and ssh.authentication_method waits until"
        " its agent joins with the command that 'netweft host token' shows."
    )
    return Problem("VDS_CANNOT_INSTALL_NO_AGENT_PACKAGE", text)


def credentials_are_given(*, by_key: bool, password: str) -> Problem | None:
    """The engine gets into a host with root's password, or with its own key."""
    if by_key or password:
        return None
    text = (
        "The password is empty: give root_password, or let root of the Host accept the engine's own key ('netweft host"
        " ssh-key' shows it) and set ssh.authentication_method to publickey."
    )
    return Problem("VDS_CANNOT_INSTALL_EMPTY_PASSWORD", text)


def engine_is_reachable(engine_url: str, address: str) -> Problem | None:
    """A host joins the engine at the address of the request that adds it. A loopback address works only if the engine
    runs on that host.
    """
    if not _is_loopback(urlsplit(engine_url).hostname or "") or _is_loopback(urlsplit(f"//{address}").hostname or ""):
        return None
    text = (
        f"The Host is to join the engine at the address of this request, and cannot reach {engine_url}: use a name or"
        " an address of the engine that hosts can reach (NETWEFT_URL, and --listen and --name of the engine)."
    )
    return Problem("VDS_CANNOT_INSTALL_ENGINE_IS_LOOPBACK", text)


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def may_be_installed(status: str) -> Problem | None:
    """The agent is installed on a host that is out of service."""
    if status in INSTALLABLE:
        return None
    text = f"The Host status is {status}. Switch it to maintenance mode first."
    return Problem("VDS_CANNOT_INSTALL_STATUS_ILLEGAL", text)


def has_joined(host: str, agent_url: str) -> Problem | None:
    """Requests that need a host's agent require that it has one (``agent_url``: empty when not)."""
    if agent_url:
        return None
    text = f"Host {host} has never joined an engine: join it with the command that 'netweft host token {host}' shows."
    return Problem("HOST_NEVER_JOINED", text)


def may_enroll_certificate(host: str, status: str) -> Problem | None:
    """A host gets new certificates over the connection to its agent, so there has to be one. Unlike oVirt's it need not
    be in maintenance: nothing is started again.
    """
    if status not in {"installing", "non_responsive"}:
        return None
    text = (
        f"Host {host} is in status {status}: its agent cannot be reached. If its certificate has expired, join it"
        " again with a new token."
    )
    return Problem("CANNOT_ENROLL_CERTIFICATE_HOST_STATUS_ILLEGAL", text)


def may_move_to_cluster(status: str) -> Problem | None:
    """A host changes its cluster only while it is out of service."""
    if status in {"maintenance", "installing", "install_failed"}:
        return None
    text = f"Host is in status {status}. Switch it to maintenance mode before you change its cluster."
    return Problem("VDS_STATUS_NOT_VALID_FOR_UPDATE", text)


def waits_for_no_rollout(name: str, *, waits: bool) -> Problem | None:
    """No rollout has a pending change for the host: its present networks belong to its cluster."""
    if not waits:
        return None
    text = f"Host {name} waits for a change of its networks. Resume the rollout, or revert it (netweft rollout)."
    return Problem("HOST_WAITS_FOR_ROLLOUT", text)


def networks_known_in_cluster(host: str, cluster: str, missing: Sequence[str]) -> Problem | None:
    """Every network that the host carries has a namesake in the cluster that it moves to."""
    if not missing:
        return None
    names = ", ".join(sorted(missing))
    text = (
        f"Host {host} carries networks that Cluster {cluster} does not have: {names}."
        " Remove them from the Host or attach networks of these names to the Cluster first."
    )
    return Problem("NETWORK_NOT_EXISTS_IN_CLUSTER", text)


def may_be_removed(status: str) -> Problem | None:
    """Only a host that is out of service leaves."""
    if status in REMOVABLE:
        return None
    text = f"Host is in status {status}. Please switch it to maintenance mode first."
    return Problem("VDS_CANNOT_REMOVE_VDS_STATUS_ILLEGAL", text)


def may_be_cleaned(status: str) -> Problem | None:
    """Networks can only be removed from a host that is reachable."""
    if status in {"maintenance", "non_operational"}:
        return None
    text = (
        f"Host is in status {status} and cannot be reached, so its networks cannot be taken off it. Remove it with"
        " force; then they stay on it until 'netweft agent --leave' is run there."
    )
    return Problem("VDS_CANNOT_CLEAN_HOST_STATUS_ILLEGAL", text)


def runs_no_vms_to_remove(vms: Sequence[str]) -> Problem | None:
    """A host that runs virtual machines stays."""
    if not vms:
        return None
    text = f"Virtual Machines run on the Host, or are suspended there: {', '.join(sorted(vms))}. Stop them first."
    return Problem("VDS_CANNOT_REMOVE_VDS_DETECTED_RUNNING_VM", text)


def may_be_activated(status: str) -> Problem | None:
    """Only a host that is out of service can be activated."""
    if status == "up":
        return Problem("VDS_ALREADY_UP", "Host in Up status.")
    if status in ACTIVATABLE:
        return None
    return Problem("ACTION_TYPE_FAILED_VDS_STATUS_ILLEGAL", f"The Host status is {status}. Wait until it changes.")


def may_be_deactivated(status: str) -> Problem | None:
    """Only a host that is in service can be deactivated."""
    if status != "maintenance":
        return None
    return Problem("VDS_CANNOT_MAINTENANCE_VDS_IS_IN_MAINTENANCE", "Host is already in Maintenance mode.")


def is_reachable_with_guests(status: str, vms: Sequence[str]) -> Problem | None:
    """A host that is silent cannot send its guests away."""
    if not vms or status not in {"non_responsive", "down", "install_failed", "installing"}:
        return None
    text = f"Host is in status {status} and runs Virtual Machines: {', '.join(sorted(vms))}. Wait until it answers."
    return Problem("VDS_CANNOT_MAINTENANCE_VDS_IS_NOT_RESPONDING_WITH_VMS", text)


def guests_can_leave(stuck: Mapping[str, str]) -> Problem | None:
    """A host goes into maintenance when its guests can migrate to other hosts (``stuck``: by name of each that never
    can, why).
    """
    if not stuck:
        return None
    reasons = " ".join(reason for _, reason in sorted(stuck.items()))
    text = (
        f"Virtual Machines run on the Host and cannot be moved: {', '.join(sorted(stuck))}. {reasons} Stop them first."
    )
    return Problem("VDS_CANNOT_MAINTENANCE_IT_INCLUDES_NON_MIGRATABLE_VM", text)


def is_reachable_for_work(status: str, *, installs: bool = False) -> Problem | None:
    """Work on a host's networking needs a host that answers (1.3 A): up, in maintenance or not operational; being
    installed only for that.
    """
    if status in {"up", "maintenance", "non_operational"} or (installs and status == "installing"):
        return None
    text = f"Host status is {status}: its networks can be changed while it is Up, in Maintenance or Non Operational."
    return Problem("VDS_STATUS_ILLEGAL", text)
