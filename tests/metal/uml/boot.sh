#!/bin/bash
# boot.sh FOLDER SCRIPT OUT: run SCRIPT as root on another kernel, over this machine's own files, which stay as they are.
# FOLDER was made by prepare.sh. SCRIPT finds OUT as /out; everything else that it writes is gone afterwards. The status is SCRIPT's,
# or 125 when the kernel did not get as far as running it.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
folder=$(readlink -f "$1") script=$(readlink -f "$2") out=$(readlink -f "$3")
rm -f "$out/status"
# The memory of the guest is a file below TMPDIR, which must allow to run what it holds.
TMPDIR=/dev/shm LD_PRELOAD="$folder/wide-registers.so" setsid --wait "$folder/usr/bin/linux.uml" \
    mem="${MEMORY:-1G}" root=/dev/root rootfstype=hostfs rootflags=/ ro quiet con=null con0=null,fd:1 con1=null \
    init="$here/init.sh" modules="$folder/lib/modules" script="$script" out="$out" </dev/null 2>&1 || true
exit "$(cat "$out/status" 2>/dev/null || echo 125)"
