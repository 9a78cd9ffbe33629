#!/usr/bin/env bash
# `apply`, reboot, look, `rollback`, reboot, look: disks that really boot, by GRUB, initramfs and systemd, in QEMU.
# Usage: run.sh HOSTPCI [--record] [HOST…]. The Debian is built once: $HOSTPCI_BOOT, or hostpci/boot.tar in the user's cache.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
fixtures=$(realpath "$here/../../fixtures")
archive=${HOSTPCI_BOOT:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/hostpci/boot.tar}

# What an installation can mend is a failure where CI asks for this test; what the machine does not allow is not.
leave_out() { echo "boot: left out: $1" && exit 77; }
missing() { if [ -n "${HOSTPCI_CI:-}" ]; then echo "boot: $1" && exit 1; else leave_out "$1"; fi; }
[ "$(id -u)" = 0 ] || leave_out "it needs root"
for tool in debootstrap qemu-system-x86_64 mke2fs debugfs; do
  command -v $tool >/dev/null || missing "\`$tool\` is not installed"
done
work=$(mktemp -d) hostpci=$work/hostpci
trap 'rm -rf --one-file-system "$work"' EXIT
mknod "$work/null" c 1 3 2>/dev/null || leave_out "this machine lets nobody make device nodes"

program=$(realpath "$1") && shift
task=prove
[ "${1:-}" != --record ] || { task=record && shift; }
[ $# -gt 0 ] || set -- $(ls "$fixtures/boot-image")
[ -e "$archive" ] || "$here/build.sh" "$archive"
cp "$program" "$hostpci"
. "$here/disk.sh" && . "$here/machine.sh" && . "$here/host.sh" && . "$here/checks.sh" && . "$here/scenarios.sh"

start=$SECONDS
children=()
for host; do
  (
    shape=$fixtures/boot-image/$host work=$work/$host
    root=$work/tree
    mkdir "$work"
    $task
    echo "boot: $host: $((SECONDS - start)) s"
  ) &
  children+=($!)
done
status=0
for child in "${children[@]}"; do wait "$child" || status=1; done
exit $status
