# A host in a directory: the Debian of build.sh, the boot set-up and the VMs of fixtures/boot-image/HOST.

# Makes it in $root; sets $release.
make_host() {
  mkdir "$root"
  tar xf "$archive" -C "$root"
  release=$(ls "$root/lib/modules")
  cp -a "$shape/root/." "$root"
  ln -s nodes/pve1 "$root/etc/pve/local"
  ln -s nodes/pve1/qemu-server "$root/etc/pve/qemu-server"
  echo pve1 >"$root/etc/hostname"
  echo "UUID=$disk_id / ext4 errors=remount-ro 0 1" >"$root/etc/fstab"
  install_drivers
  install_test
  with_grub inside sh -c 'update-initramfs -c -k all && update-grub' >"$work/set-up" 2>&1 || fail "boot set-up" "$work/set-up"
}

# The initramfs of a Proxmox VE has the drivers of nearly every device; this one has those of the machine, but not that of the network
# cards for virtual machines: it would bring vfio-pci along, and nothing could be seen of what does so for the other cards.
install_drivers() {
  printf "MODULES=list\nCOMPRESSLEVEL=1\n" >"$root/etc/initramfs-tools/conf.d/small"
  cat >"$root/etc/initramfs-tools/hooks/drivers" <<'END'
#!/bin/sh
[ "$1" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
manual_add_modules ext4 virtio_pci virtio_blk e1000 nvme xhci_pci snd_hda_intel bochs
END
  chmod +x "$root/etc/initramfs-tools/hooks/drivers"
}

install_test() {
  install -m 755 "$hostpci" "$root/usr/sbin/hostpci"
  install -m 755 "$here/inside.sh" "$root/usr/local/sbin/boot-test"
  printf '[Unit]\nAfter=multi-user.target\n[Service]\nType=oneshot\nExecStart=/usr/local/sbin/boot-test\n' \
    >"$root/etc/systemd/system/boot-test.service"
  mkdir "$root/etc/systemd/system/default.target.wants"
  ln -s ../boot-test.service "$root/etc/systemd/system/default.target.wants"
}

# What a boot of this very host showed (run.sh --record), with the release of the kernel that the Debian has now.
show_kernel() {
  tar xJf "$shape/kernel.tar.xz" -C "$root"
  sed -i "s/[0-9.]*-[0-9]*-amd64/$release/g" "$root"/proc/{cmdline,version,sys/kernel/osrelease}
}

# Runs a program in the host, as hostpci's own environment is.
inside() { env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root chroot "$root" "$@"; }

# with_grub COMMAND…: while GRUB's tools find what will be there on the disk, and not the disk that the tree is on.
with_grub() {
  local status=0 probe=$root/usr/sbin/grub-probe
  mv "$probe" "$probe.real"
  printf '%s\n' "$grub_probe" >"$probe" && chmod +x "$probe"
  mkdir -p "$root/dev/disk/by-uuid" && touch "$root/dev/disk/by-uuid/$disk_id"
  "$@" || status=$?
  rm -r "$root/dev/disk"
  mv "$probe.real" "$probe"
  return $status
}

grub_probe="#!/bin/sh
case \"\$*\" in
  *target=device*) echo /dev/vda1 ;;
  *fs_uuid*) echo $disk_id ;;
  *partmap*) echo msdos ;;
  *target=fs* | *-t\ fs*) echo ext2 ;;
esac"
