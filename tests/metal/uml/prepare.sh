#!/bin/bash
# prepare.sh FOLDER [PACKAGE]: make FOLDER ready to boot a User-Mode Linux from, with 8021q, bonding and openvswitch as modules.
# Unpacks Debian's package user-mode-linux (PACKAGE if there is such a file, else fetched by apt-get) without installing it.
# Does nothing when that has been done. Needs apt-get, dpkg, gcc and kmod.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
folder=$(mkdir -p "$1" && readlink -f "$1")
package=${2:-}
[ -e "$folder/ready" ] && exit 0

if [ -z "$package" ]; then
    # Unpacked where apt's own user may write, and thrown away after: the package is as large as what comes out of it.
    fetched=$(mktemp -d)
    trap 'rm -rf "$fetched"' EXIT
    chmod 755 "$fetched" && chown _apt "$fetched"
    (cd "$fetched" && apt-get download -q user-mode-linux)
    package=$(ls "$fetched"/user-mode-linux_*.deb)
fi
dpkg -x "$package" "$folder"
release=$(ls "$folder/usr/lib/uml/modules")

# modprobe looks below lib/modules; the package keeps its modules elsewhere.
mkdir -p "$folder/lib"
ln -sfn ../usr/lib/uml/modules "$folder/lib/modules"
depmod -b "$folder" "$release"

gcc -O2 -Wall -shared -fPIC -o "$folder/wide-registers.so" "$here/wide_registers.c"
touch "$folder/ready"
