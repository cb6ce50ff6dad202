"""What is allowed to be done with the snapshots of a virtual machine.

oVirt's commands: CreateSnapshotForVm, RemoveSnapshot, TryBackToAllSnapshotsOfVm, RestoreAllSnapshots.
"""

from __future__ import annotations

from netweft.core.errors import Problem


def memory_is_not_requested(*, requested: bool) -> Problem | None:
    """A snapshot contains a machine's configuration and vNICs, not its memory."""
    if not requested:
        return None
    text = "Snapshots do not include the memory of a running VM. Set persist_memorystate to false."
    return Problem("ACTION_TYPE_FAILED_SNAPSHOT_WITH_MEMORY_NOT_SUPPORTED", text)


def memory_is_not_restored(*, requested: bool) -> Problem | None:
    """No snapshot has memory to go on with."""
    if not requested:
        return None
    text = "Snapshots do not include the memory of a running VM, so none can be restored. Leave restore_memory out."
    return Problem("ACTION_TYPE_FAILED_MEMORY_RESTORE_NOT_SUPPORTED", text)


def is_regular(*, regular: bool) -> Problem | None:
    """Only snapshots that users created can be restored or removed: not the machine's present state, nor that before a
    preview or a stateless run.
    """
    if regular:
        return None
    text = "This snapshot belongs to the VM itself. Choose one of type 'regular'."
    return Problem("ACTION_TYPE_FAILED_VM_SNAPSHOT_TYPE_NOT_REGULAR", text)


def shows_itself(vm: str, *, in_preview: bool) -> Problem | None:
    """The machine is not previewing one of its snapshots."""
    if not in_preview:
        return None
    text = f"VM {vm} is previewing a snapshot. Commit that or undo it first."
    return Problem("ACTION_TYPE_FAILED_VM_IN_PREVIEW", text)


def shows_a_snapshot(vm: str, *, in_preview: bool) -> Problem | None:
    """There is a preview that can be committed or undone."""
    if in_preview:
        return None
    return Problem("ACTION_TYPE_FAILED_VM_NOT_IN_PREVIEW", f"VM {vm} is not previewing a snapshot.")


def keeps_its_state(vm: str, *, stateless: bool) -> Problem | None:
    """The machine is not in a run of which nothing is kept."""
    if not stateless:
        return None
    text = f"VM {vm} runs stateless, so its changes are not kept. Stop it first."
    return Problem("ACTION_TYPE_FAILED_VM_RUNNING_STATELESS", text)
