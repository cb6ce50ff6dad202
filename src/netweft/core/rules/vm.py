"""What is allowed to be done with a virtual machine."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from netweft.core.errors import Problem
from netweft.core.migration import STAYING_DRIVERS
from netweft.core.rules import fields

_PATH = re.compile(r"/[^\x00-\x1f\x7f]{0,4095}")

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")

PROPERTIES = {
    "cpu": _WORD,
    "disk": _PATH,
    "disk_format": re.compile(r"raw|qcow2"),
    "display": re.compile(r"[0-9A-Fa-f.:]{2,45}"),
    "driver": re.compile(r"libvirt|namespace|simulated"),
    "machine": _WORD,
}
"""Custom properties of virtual machines: the guest driver that runs them (the host's first by default), and its
settings (core.protocol.GuestSpec).
"""

MEMORY_MIN = 16 * 1024**2
"""Octets. No known kernel starts with less; oVirt's own minimum is similar."""


def name_is_valid(name: str) -> Problem | None:
    """The name has the letters and the length that names of virtual machines may have."""
    if fields.MACHINE_NAME.fullmatch(name):
        return None
    text = f"The VM name '{name}' is not valid: use 1 to 255 letters, digits, '.', '_' and '-'."
    return Problem("ACTION_TYPE_FAILED_VM_NAME_CONTAINS_INVALID_CHARS", text)


def name_is_free(name: str, used: Collection[str]) -> Problem | None:
    """No other virtual machine has the name."""
    return fields.name_is_free("VM", name, used, code="ACTION_TYPE_FAILED_NAME_ALREADY_USED")


def memory_is_enough(octets: int) -> Problem | None:
    """The memory is one that a guest can start with."""
    if octets >= MEMORY_MIN:
        return None
    text = f"The memory of {octets} octets is too small: give at least {MEMORY_MIN} octets (16 MiB)."
    return Problem("ACTION_TYPE_FAILED_MIN_MEMORY_CANNOT_EXCEED_MEMORY_SIZE", text)


def cpus_are_valid(sockets: int, cores: int, threads: int) -> Problem | None:
    """There is at least one of each."""
    if min(sockets, cores, threads) >= 1:
        return None
    text = f"The CPU topology {sockets}x{cores}x{threads} (sockets, cores, threads) is not valid: each is at least 1."
    return Problem("ACTION_TYPE_FAILED_MIN_CPU_SOCKETS", text)


def boot_is_valid(kernel: str, initrd: str, cmdline: str) -> Problem | None:
    """Kernel and initial RAM disk are whole paths on the host; the RAM disk and the command line are a kernel's."""
    wrong = [path for path in (kernel, initrd) if path and not _PATH.fullmatch(path)]
    if wrong:
        text = f"The path '{wrong[0][:100]}' is not valid: give the whole path of a file on the host, from '/'."
        return Problem("ACTION_TYPE_FAILED_INVALID_BOOT_PATH", text)
    if not cmdline.isprintable():
        text = "The kernel's command line contains a control character. Leave it out."
        return Problem("ACTION_TYPE_FAILED_INVALID_KERNEL_PARAMETERS", text)
    if (initrd or cmdline) and not kernel:
        text = "An initial RAM disk or a command line is given without a kernel. Give the kernel's path, too."
        return Problem("ACTION_TYPE_FAILED_BOOT_PARAMETERS_WITHOUT_KERNEL", text)
    return None


def os_type_is_valid(name: str) -> Problem | None:
    """The operating system is named in a word, as oVirt names them (``rhel_9x64``, ``other``); any word will do."""
    if _WORD.fullmatch(name):
        return None
    text = f"The operating system '{name[:100]}' is not valid: name it in a word, such as 'other' or 'rhel_9x64'."
    return Problem("ACTION_TYPE_FAILED_ILLEGAL_OS_TYPE", text)


def properties_are_known(properties: Mapping[str, str]) -> Problem | None:
    """Custom properties are ones that a virtual machine has, with values that it takes."""
    for name, value in properties.items():
        allowed = PROPERTIES.get(name)
        if allowed is None:
            text = f"There is no custom property '{name}' for VMs. Use one of {', '.join(sorted(PROPERTIES))}."
            return Problem("ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_INVALID_KEYS", text)
        if not allowed.fullmatch(value):
            text = f"The custom property '{name}' cannot be '{value[:100]}': it is to match {allowed.pattern}."
            return Problem("ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_INVALID_VALUES", text)
    return None


def is_down(name: str, status: str, *, or_suspended: bool = False) -> Problem | None:
    """A change of cluster needs a virtual machine that is down; a start and a removal take a suspended one, too."""
    if status == "down" or (or_suspended and status == "suspended"):
        return None
    return Problem("ACTION_TYPE_FAILED_VM_IS_RUNNING", f"VM {name} is running (status {status}). Stop it first.")


def may_stop(status: str) -> Problem | None:
    """Only what runs or is suspended can be stopped, and not while its memory is on its way to or from the disk."""
    if status in {"saving_state", "restoring_state"}:
        text = "VM is in saving/restoring state. Please try again when the VM is either up or down."
        return Problem("ACTION_TYPE_FAILED_VM_IS_SAVING_RESTORING", text)
    return Problem("ACTION_TYPE_FAILED_VM_IS_NOT_RUNNING", "VM is not running.") if status == "down" else None


def may_shut_down(name: str, status: str) -> Problem | None:
    """Only a running system receives a shutdown request. (oVirt stops all others at once, without a request; so it does
    suspended ones.)
    """
    if status in {"up", "powering_down", "suspended"}:
        return None
    text = f"VM {name} is in status {status}: only a VM that is up can be shut down. Stop it instead."
    return Problem("ACTION_TYPE_FAILED_VM_IS_NOT_UP", text)


def may_suspend(name: str, status: str) -> Problem | None:
    """Only what is up can be suspended."""
    if status == "up":
        return None
    text = f"VM {name} is in status {status}: only a VM that is up can be suspended."
    if status in {"wait_for_launch", "unknown"}:
        return Problem("ACTION_TYPE_FAILED_VM_STATUS_ILLEGAL", text)
    return Problem("ACTION_TYPE_FAILED_VM_IS_NOT_UP", text)


def functions_are_unplugged(name: str, vnics: Sequence[str]) -> Problem | None:
    """The state of a virtual function of a NIC cannot be saved, nor that of a dynamic vNIC that the guest drives
    directly (``vnics``: names of those that are plugged in).
    """
    if not vnics:
        return None
    text = (
        f"VM {name} has devices of the host's NICs, which cannot be saved: {', '.join(vnics)}. Deactivate them first."
    )
    return Problem("ACTION_TYPE_FAILED_SUSPEND_NOT_SUPPORTED", text)


def may_reboot(name: str, status: str) -> Problem | None:
    """Only what is up can start again."""
    if status == "up":
        return None
    return Problem(
        "ACTION_TYPE_FAILED_VM_IS_NOT_UP", f"VM {name} is in status {status}: only a VM that is up can be rebooted."
    )


def resumes_where_it_was_saved(vm: str, host: str, *, same: bool) -> Problem | None:
    """The memory of a suspended machine lies on the host that it ran on."""
    if same:
        return None
    text = f"VM {vm} is suspended, and its memory is saved on Host {host}. Start it there, or stop it first."
    return Problem("ACTION_TYPE_FAILED_VM_IS_SAVED_ON_ANOTHER_HOST", text)


def may_migrate(name: str, status: str) -> Problem | None:
    """Only what runs, and is not on its way, migrates."""
    if status == "up":
        return None
    text = f"VM {name} is in status {status}: only a VM that is up can migrate."
    return Problem("ACTION_TYPE_FAILED_VM_IS_NOT_UP", text)


def passthrough_may_migrate(vm: str, vnics: Collection[str]) -> Problem | None:
    """The profile of every plugged pass-through vNIC allows migration (``vnics``: names of those whose profile does
    not).
    """
    if not vnics:
        return None
    text = (
        f"VM {vm} has plugged passthrough vNICs that may not migrate: {', '.join(sorted(vnics))}. Unplug them, or give"
        " them a profile that is migratable."
    )
    return Problem("ACTION_TYPE_FAILED_MIGRATION_NON_MIGRATABLE_PASSTHROUGH_VNICS", text)


def driver_moves_guests(vm: str, driver: str) -> Problem | None:
    """What runs the guest can move it to another host."""
    if driver not in STAYING_DRIVERS:
        return None
    text = f"VM {vm} is a guest of the driver {driver}, whose guests stay on their host."
    return Problem("ACTION_TYPE_FAILED_VM_IS_NON_MIGRTABLE", text)


def target_is_another(vm: str, host: str, *, same: bool) -> Problem | None:
    """A migration leads to another host."""
    if not same:
        return None
    return Problem("ACTION_TYPE_FAILED_MIGRATION_TO_SAME_HOST", f"VM {vm} runs on Host {host} already.")


def networks_in_cluster(cluster: str, missing: Sequence[str]) -> Problem | None:
    """Every network of its vNICs is attached to its cluster."""
    if not missing:
        return None
    names = ", ".join(sorted(set(missing)))
    text = f"The following networks are not attached to Cluster {cluster}: {names}. Attach them, or change the vNICs."
    return Problem("ACTION_TYPE_FAILED_NETWORK_NOT_IN_CLUSTER", text)


def networks_are_for_vms(bridgeless: Sequence[str]) -> Problem | None:
    """Every network of its vNICs is a VM network."""
    if not bridgeless:
        return None
    text = f"The following networks are not VM networks: {', '.join(sorted(set(bridgeless)))}."
    return Problem("ACTION_TYPE_FAILED_NOT_A_VM_NETWORK", text)


def a_host_fits(refusals: Sequence[Problem], fit: bool) -> Problem | None:
    """Some host can run it; otherwise the sentence gives each host's reasons."""
    if fit:
        return None
    detail = " ".join(refusal.text for refusal in refusals) or "The Cluster has no Hosts."
    text = f"There is no host that satisfies current scheduling constraints. See below for details: {detail}"
    return Problem("SCHEDULING_ALL_HOSTS_FILTERED_OUT", text, tuple(refusals))


def addresses_are_valid(bad: Sequence[str]) -> Problem | None:
    """The addresses for its vNICs are addresses."""
    if not bad:
        return None
    text = (
        f"These addresses for vNICs are not valid: {', '.join(bad)}. Give an IP address and a netmask or prefix length."
    )
    return Problem("ACTION_TYPE_FAILED_INVALID_INITIALIZATION_ADDRESS", text)


def gateways_are_reachable(bad: Sequence[str]) -> Problem | None:
    """The gateways of vNICs are in the networks of their addresses (``bad``: those that are not)."""
    if not bad:
        return None
    text = f"These gateways of vNICs are not in the networks of their addresses: {', '.join(bad)}. Correct either."
    return Problem("ACTION_TYPE_FAILED_INVALID_INITIALIZATION_GATEWAY", text)


def architecture_is_clusters(requested: str, cluster: str, has: str) -> Problem | None:
    """The architecture of a virtual machine, if given, is that of its cluster."""
    if requested in {has, "undefined"}:
        return None
    text = f"The CPU architecture cannot be '{requested}': Cluster {cluster} has '{has}'. Leave it out."
    return Problem("ACTION_TYPE_FAILED_VM_CLUSTER_DIFFERENT_ARCHITECTURES", text)


def may_be_removed(name: str, *, protected: bool) -> Problem | None:
    """What is protected is not removed."""
    if not protected:
        return None
    text = f"{name} is protected from being removed. Set delete_protected to false first."
    return Problem("ACTION_TYPE_FAILED_DELETE_PROTECTION_ENABLED", text)


def permissions_stay(*, requested: bool) -> Problem | None:
    """A new machine or template has the permissions that its creator gives; none come with the original."""
    if not requested:
        return None
    text = "Permissions are not copied along. Leave clone_permissions out, and add them to what is new."
    return Problem("ACTION_TYPE_FAILED_CLONE_PERMISSIONS_NOT_SUPPORTED", text)


def resumes_as_it_was(name: str, changed: Sequence[str]) -> Problem | None:
    """A suspended machine resumes as it was; nothing can be changed for that run (``changed``: what was)."""
    if not changed:
        return None
    text = f"VM {name} is suspended and resumes as it was, so nothing can be changed for this run. Stop it first."
    return Problem("ACTION_TYPE_FAILED_RUN_ONCE_WITH_SUSPENDED_VM", text)


def stateless_is_not_suspended(name: str, *, stateless: bool) -> Problem | None:
    """The memory of a run that leaves nothing behind is not kept."""
    if not stateless:
        return None
    text = f"VM {name} runs stateless, so it cannot be suspended. Stop it instead."
    return Problem("VM_CANNOT_SUSPEND_STATELESS_VM", text)
