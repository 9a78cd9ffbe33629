# What happens to each host of fixtures/boot-image.

# Both ways in which vfio-pci comes first, by id and by address, and the way back.
prove_cards() {
  change apply --yes --run-commands
  reboot
  check_applied
  change rollback --yes --run-commands
  state | same "rollback left" "$work/state" -
  reboot
  check_before
}

# Virtual functions are there after the boot. Nobody confirms the change: the host itself takes it back and boots again.
prove_functions() {
  change apply --yes --run-commands --confirm-after-boot 10
  reboot
  check_applied
  expected waits | same "the wait for a confirmation" - "$seen/waits"
  state | same "the host left" "$work/state" -
  reboot
  check_before
}

# change COMMAND…: hostpci on the host in its directory.
change() { with_grub "$hostpci" --root "$root" "$@" >"$work/change" 2>&1 || fail "$1" "$work/change"; }

prove() {
  make_host
  show_kernel
  remember
  "prove_$host"
}

# /sys and /proc of a host as it is before anything is applied: what its plan is then made from.
record() {
  make_host
  touch "$root/etc/boot-test-record"
  reboot
  tar cJf "$shape/kernel.tar.xz" -C "$seen" --owner=0 --group=0 --mtime=@0 --sort=name proc sys
}
