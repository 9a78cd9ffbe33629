#!/usr/bin/env bash
# A Debian 12 that boots by GRUB, as a file system in a file: made once, outside the checkout, from the mirror that this host itself uses.
# Usage: build.sh IMAGE
set -euo pipefail
image=$1 tree=$1.tree

packages=augeas-tools,busybox,grub-common,grub-pc-bin,grub2-common,initramfs-tools,kmod,linux-image-cloud-amd64,systemd,udev,zstd
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' 'Label: Debian' | head -n 1)
[ -n "$mirror" ] || { echo "this host's apt has no mirror of Debian 12; is it time for apt-get update?" >&2; exit 1; }

trap 'rm -rf --one-file-system "$tree" "$image.new"' EXIT
mkdir -p "$(dirname "$image")" && rm -rf --one-file-system "$tree"
debootstrap --variant=minbase --include=$packages bookworm "$tree" "$mirror" >&2
rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,locale}
mkdir -p "$tree"/{boot/grub,real/proc}
echo MODULES=list >"$tree/etc/initramfs-tools/conf.d/small"  # which drivers an image has is nothing that hostpci decides
truncate -s 1500M "$image.new"
mkfs.ext4 -q -O ^has_journal -d "$tree" "$image.new"
mv "$image.new" "$image"
