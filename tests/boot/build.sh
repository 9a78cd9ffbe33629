#!/usr/bin/env bash
# A Debian 12 with the usual kernel and GRUB, as an archive: made once, outside the checkout, from the mirror that this host itself uses.
# Usage: build.sh ARCHIVE
set -euo pipefail
archive=$1 tree=$1.tree

packages=busybox,grub-common,grub-pc-bin,grub2-common,initramfs-tools,kmod,libpci3,linux-image-amd64,pci.ids,systemd,systemd-sysv,udev,zstd
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' 'Label: Debian' | head -n 1)
[ -n "$mirror" ] || { echo "this host's apt has no mirror of Debian 12; is it time for apt-get update?" >&2; exit 1; }

# What grub-install does, without a disk: its modules, and the image that reads grub.cfg from the partition behind it.
install_grub() {
  local grub=/boot/grub/i386-pc
  mkdir -p "$tree$grub"
  cp "$tree"/usr/lib/grub/i386-pc/{*.mod,*.lst,boot.img} "$tree$grub"
  chroot "$tree" grub-mkimage -O i386-pc -o "$grub/core.img" -p '(,msdos1)/boot/grub' biosdisk part_msdos ext2
}

trap 'rm -rf --one-file-system "$tree" "$archive.new"' EXIT
mkdir -p "$(dirname "$archive")" && rm -rf --one-file-system "$tree"
INITRD=No DPKG_FORCE=unsafe-io debootstrap --variant=minbase --include=$packages bookworm "$tree" "$mirror" >&2
rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,locale}
rm -rf "$tree"/lib/modules/*/kernel/drivers/gpu/drm/amd  # it comes for every card of its maker, and takes 16 s to load in emulation
chroot "$tree" depmod "$(ls "$tree/lib/modules")"
install_grub
tar cf "$archive.new" -C "$tree" .
mv "$archive.new" "$archive"
