#!/usr/bin/env bash
# `apply`, then the programs that read what it wrote, then `rollback`, in a Debian 12 for each host of fixtures/chroot.
# Usage: run.sh HOSTPCI [HOST…]. The Debian is built once: $HOSTPCI_CHROOT, or hostpci/bookworm.ext4 in the user's cache.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
fixtures=$(realpath "$here/../../fixtures")
image=${HOSTPCI_CHROOT:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/hostpci/bookworm.ext4}
loops=({10..63})  # grub-mkconfig leaves systems out that are on /dev/loop0 to 9

# What an installation can mend is a failure where CI asks for this test; what the machine does not allow is not.
leave_out() { echo "chroot: left out: $1" && exit 77; }
missing() { if [ -n "${HOSTPCI_CI:-}" ]; then echo "chroot: $1" && exit 1; else leave_out "$1"; fi; }
[ "$(id -u)" = 0 ] || leave_out "it needs root"
command -v debootstrap >/dev/null || missing "\`debootstrap\` is not installed"
[ -e /dev/loop-control ] || leave_out "there are no loop devices"
unshare --mount true 2>/dev/null || leave_out "this machine lets nobody mount"
# Whatever is mounted here is unmounted with the name space, however this ends.
[ -n "${HOSTPCI_OWN_MOUNTS:-}" ] || HOSTPCI_OWN_MOUNTS=1 exec unshare --mount "$0" "$@"

mounts_images() {
  local try n=
  try=$(mktemp -d) && truncate -s 4M "$try/image" && mkfs.ext4 -q "$try/image" && mkdir "$try/mounted" || return
  for n in "${loops[@]}"; do losetup "/dev/loop$n" "$try/image" 2>/dev/null && break; done
  mount "/dev/loop$n" "$try/mounted" 2>/dev/null && mknod "$try/mounted/null" c 1 3 && umount "$try/mounted"
  local status=$?
  losetup -d "/dev/loop$n" 2>/dev/null || true
  rm -rf --one-file-system "$try"
  return $status
}
mounts_images || leave_out "this machine mounts no images"

program=$(realpath "$1") && shift
[ $# -gt 0 ] || set -- $(ls "$fixtures/chroot")
[ -e "$image" ] || "$here/build.sh" "$image"
work=$(mktemp -d) hostpci=$work/hostpci
trap 'rm -rf --one-file-system "$work"' EXIT
cp "$program" "$hostpci"

for host; do
  start=$SECONDS
  (. "$here/host.sh" && . "$here/checks.sh" && prove "$host")
  umount "$work/$host/real/proc" "$work/$host"
  rm "$work/$host.ext4"
  echo "chroot: $host: $((SECONDS - start)) s"
done
