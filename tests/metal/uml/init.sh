#!/bin/bash
# The first process of the User-Mode Linux: puts a layer in memory over the machine's files, and runs the script there.
# It must be bash: busybox starts its own commands through /proc/self/exe, which is the machine's until /proc is mounted.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb
mount -t proc proc /proc
for word in $(</proc/cmdline); do
    case $word in
        modules=*) export MODULES=${word#*=} ;;
        script=*) export SCRIPT=${word#*=} ;;
        out=*) export OUT=${word#*=} ;;
    esac
done
insmod "$MODULES/$(uname -r)/kernel/fs/overlayfs/overlay.ko"
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
mkdir -p /mnt/root/lib/modules /mnt/root/out /mnt/root/old
cd /mnt/root && pivot_root . old && exec chroot . /bin/bash -c '
    mount -t proc proc /proc
    mount -t sysfs sys /sys
    mount -t devtmpfs dev /dev
    mkdir -p /dev/pts /dev/shm
    mount -t devpts devpts /dev/pts
    mount -t tmpfs tmpfs /dev/shm
    mount -t tmpfs tmpfs /run
    mount -t hostfs none /out -o "$OUT"
    mount --bind "$MODULES" /lib/modules
    ip link set lo up
    bash "$SCRIPT"
    echo $? >/out/status
    sync
    echo o >/proc/sysrq-trigger
    sleep 10' </dev/null >/dev/console 2>&1
