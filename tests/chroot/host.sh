# A host in a directory: Debian 12, devices as a real kernel showed them (fixtures/captures), the boot set-up of fixtures/chroot/HOST.

# make_host HOST: sets $root, $release and $shape.
make_host() {
  shape=$fixtures/chroot/$1 root=$work/$1
  mkdir "$root"
  mount_copy "$work/$1.ext4"
  release=$(ls "$root/lib/modules")
  show_kernel
  cp -a "$shape/root/." "$root"
  ln -s nodes/pve1 "$root/etc/pve/local"
  ln -s nodes/pve1/qemu-server "$root/etc/pve/qemu-server"
  echo pve1 >"$root/etc/hostname"
  install -m 755 "$hostpci" "$root/usr/sbin/hostpci"
  inside sh -c 'update-initramfs -u -k all && if [ -e /etc/default/grub ]; then update-grub; fi' >"$work/boot.log" 2>&1 || fail "boot set-up" "$work/boot.log"
}

mount_copy() {
  cp --sparse=always "$image" "$1"
  local n
  for n in "${loops[@]}"; do losetup "/dev/loop$n" "$1" 2>/dev/null && break; done
  mount "/dev/loop$n" "$root"
  losetup -d "/dev/loop$n"  # now it ends with the mount
  mknod "$root/dev/loop$n" b 7 "$n"
}

# /proc and /sys are recordings; what is about the processes themselves leads to the real one.
show_kernel() {
  local name
  tar xJf "$fixtures/captures/$(sed -n 's/^capture //p' "$shape/host").tar.xz" -C "$root" proc sys
  (cd "$root" && rm -rf $(sed -n 's/^without //p' "$shape/host"))
  mount -t proc proc "$root/real/proc"
  for name in self mounts filesystems devices partitions swaps; do ln -s "../real/proc/$name" "$root/proc/$name"; done
  touch "$root/sys/bus/pci/drivers_probe"  # the recording has no attributes that are only written
  mkdir -p "$root/proc/sys/kernel"
  echo "$release" >"$root/proc/sys/kernel/osrelease"
}

# Runs a program in the host, as hostpci's own environment is.
inside() { env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root chroot "$root" "$@"; }
