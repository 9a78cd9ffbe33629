# What has to be true of a host that was really booted. fixtures/boot-image/HOST/expected has a line "KIND TEXT" for each thing that is looked for.

fail() { { echo "boot: $host: $1"; tail -n 60 "$2"; } >&2; exit 1; }
expected() { sed -n "s/^$1 //p" "$shape/expected"; }
# same WHAT WANTED FOUND: two files.
same() { diff "$2" "$3" >"$work/difference" || fail "$1" "$work/difference"; }

# Every file of the boot set-up by mode, owner and bytes. The initramfs images hold times.
state() {
  (cd "$root" && find etc boot -printf '%p %M %u:%g %l\n' | sort && find etc boot -type f ! -name 'initrd.img*' -exec sha256sum {} + | sort -k 2)
}

recorded_drivers() {
  local device driver
  for device in "$root"/sys/bus/pci/devices/*; do
    driver=$(readlink "$device/driver" || true)
    driver=${driver##*/}
    echo "${device##*/} ${driver:-none}"
  done
}

remember() {
  state >"$work/state"
  recorded_drivers >"$work/drivers"
  cp "$root/proc/cmdline" "$work/cmdline"
}

# The host comes up from a disk with all of the tree; the disk as it then is becomes the tree, and $seen what the host wrote down.
reboot() {
  local log=$work/console
  make_disk "$root" "$work/disk"
  boot "$work/disk" "$shape/machine" "$log"
  rm -rf --one-file-system "$root"
  mkdir "$root"
  read_disk "$work/disk" / "$root"
  seen=$root/var/lib/boot-test
  [ -s "$seen/doctor.status" ] || fail "the host did not come up" "$log"
  [ ! -s "$seen/failed-units" ] || fail "units failed" "$seen/failed-units"
  echo "boot: $host: up after $(xargs <"$seen/seconds" | sed 's/ / s, looked at after /') s"
}

# In the booted host: as planned, and nothing more to plan.
check_applied() {
  expected cmdline >"$work/wanted"
  sed 's/.* ro  *//' "$seen/cmdline" | same "/proc/cmdline" "$work/wanted" -
  expected driver >"$work/wanted"
  grep -Fxf "$work/wanted" "$seen/drivers" | same "drivers" "$work/wanted" -
  check_first
  [ "$(cat "$seen/plan" "$seen/plan.status")" = $'No changes.\n0' ] || fail "a plan in the booted host is not empty" "$seen/plan"
  grep -qx 0 "$seen/doctor.status" || fail "doctor" "$seen/doctor"
}

# vfio-pci came first: no driver said a word about any of its devices.
check_first() {
  local drivers='\(radeon\|bochs-drm\|snd_hda_intel\|xhci_hcd\|e1000e\|nvme\)'
  sed -n "s/^\(.*\) vfio-pci$/ $drivers \1/p" "$seen/drivers" >"$work/patterns"
  ! grep -f "$work/patterns" "$seen/dmesg" >"$work/first" || fail "another driver came first" "$work/first"
}

# As it was before anything was applied.
check_before() {
  same "drivers after the way back" "$work/drivers" "$seen/drivers"
  same "/proc/cmdline after the way back" "$work/cmdline" "$seen/cmdline"
}
