# What each consumer has to find after `apply`. fixtures/chroot/HOST/expected has a line "KIND TEXT" for each thing that a check looks for.

prove() {
  make_host "$1"
  local before=$work/$1.before
  state >"$before"
  complaints >"$work/$1.complaints"
  "$hostpci" --root "$root" apply 100 --yes --run-commands --confirm-after-boot 10 >"$work/$1.plan" 2>&1 || fail "apply" "$work/$1.plan"
  "$hostpci" --root "$root" plan 100 --exit-code >"$work/$1.again" || fail "a second plan is not empty" "$work/$1.again"
  if [ -e "$root/etc/default/grub" ]; then check_shell && check_grub; fi
  check_modprobe "$work/$1.complaints"
  check_initramfs
  check_systemd
  check_udev
  check_augeas
  "$hostpci" --root "$root" rollback --yes --run-commands >"$work/$1.undo" 2>&1 || fail "rollback" "$work/$1.undo"
  state | diff "$before" - >"$work/$1.diff" || fail "rollback left" "$work/$1.diff"
  check_rescue
  state | diff "$before" - >"$work/$1.diff" || fail "the rescue script left" "$work/$1.diff"
}

fail() { echo "chroot: ${shape##*/}: $1" && cat "$2" && exit 1; } >&2
expected() { sed -n "s/^$1 //p" "$shape/expected"; }
# same WHAT WANTED FOUND: two texts.
same() { [ "$2" = "$3" ] || { printf 'chroot: %s: %s\nwanted: %s\nfound:  %s\n' "${shape##*/}" "$1" "$2" "$3" >&2 && exit 1; }; }

# Every file of the boot set-up by mode, owner and bytes. The images hold times; what is in them is looked at by check_initramfs.
state() {
  (cd "$root" && find etc boot -printf '%p %M %u:%g %l\n' | sort && find etc boot -type f ! -name 'initrd.img*' -exec sha256sum {} + | sort -k 2)
}

# /bin/sh reads the files as grub-mkconfig does.
check_shell() {
  inside sh -n /etc/default/grub
  same "GRUB's arguments" "$(expected cmdline)" "$(inside sh -euc '
    . /etc/default/grub
    for file in /etc/default/grub.d/*.cfg; do if [ -e "$file" ]; then . "$file"; fi; done
    echo $GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT')"
}

check_grub() {
  inside update-grub >"$work/grub.log" 2>&1 || fail "update-grub" "$work/grub.log"
  same "the first entry of grub.cfg" "$(expected cmdline)" \
    "$(sed -n 's/^[ \t]*linux[ \t].* ro  *//p' "$root/boot/grub/grub.cfg" | head -n 1 | xargs)"
}

complaints() { inside modprobe -S "$release" --showconfig 2>&1 >/dev/null; }
check_modprobe() {
  complaints | diff "$1" - >"$work/new" || fail "modprobe complains" "$work/new"
  inside modprobe -S "$release" --showconfig 2>/dev/null | grep -v '^alias' | tr -s ' ' >"$work/config"
  expected modprobe | while read -r line; do grep -Fxq "$line" "$work/config" || fail "modprobe does not see: $line" "$work/config"; done
}

# The image holds all of modprobe.d as it stands, and what else is expected.
check_initramfs() {
  local out=$root/tmp/initramfs path
  inside unmkinitramfs "/boot/initrd.img-$release" /tmp/initramfs
  [ ! -d "$out/main" ] || out=$out/main
  diff -r "$root/etc/modprobe.d" "$out/etc/modprobe.d" >"$work/new" || fail "modprobe.d in the initramfs" "$work/new"
  for path in $(expected initramfs); do cmp "$root$path" "$out$path" || fail "$path in the initramfs" "$shape/expected"; done
  expected initramfs-module | while read -r module; do
    grep -qx "$module *" "$out/conf/modules" || fail "$module is not loaded in the initramfs" "$out/conf/modules"
    find "$out" -name "$module.ko*" | grep -q . || fail "$module is not in the initramfs" "$out/conf/modules"
  done
}

# systemd-modules-load may not load anything here: it has to look for the modules, and the kernel of this Debian has to have them.
check_systemd() {
  inside sh -c 'systemd-analyze verify --man=no /etc/systemd/system/hostpci-*' >"$work/units" 2>&1 || fail "systemd-analyze" "$work/units"
  [ ! -s "$work/units" ] || fail "systemd-analyze" "$work/units"
  inside setpriv --bounding-set=-sys_module env SYSTEMD_LOG_LEVEL=debug /lib/systemd/systemd-modules-load >"$work/loading" 2>&1 || true
  expected module | while read -r module; do
    grep -q "[ '\"]$module\b" "$work/loading" || fail "systemd-modules-load does not look for $module" "$work/loading"
    inside modprobe -S "$release" --show-depends "$module" >"$work/depends" || fail "the kernel has no $module" "$work/depends"
  done
}

# Rules write into the recording: the attributes have to have the expected values afterwards.
check_udev() {
  local device attribute value path
  expected udev | while read -r device attribute value; do
    path=$(realpath "$root/sys/bus/pci/devices/$device")
    inside env SYSTEMD_DEVICE_VERIFY_SYSFS=0 udevadm test --action=add "${path#"$root"}" >"$work/udev" 2>&1 || fail "udevadm test" "$work/udev"
    ! grep -i 'hostpci.*\(invalid\|unknown\|ignor\|fail\)' "$work/udev" || fail "udevadm complains" "$work/udev"
    same "$attribute of $device" "$value" "$(cat "$path/$attribute")"
  done
}

# Lenses that others edit these files with.
check_augeas() {
  printf 'print /files\nprint /augeas//error\n' | inside augtool --noautoload --transform 'Shellvars incl /etc/default/grub' \
    --transform 'Shellvars incl /etc/default/grub.d/*.cfg' --transform 'Modprobe incl /etc/modprobe.d/*.conf' \
    --transform 'Modules incl /etc/modules-load.d/*.conf' --transform 'Grub incl /boot/grub/menu.lst' >"$work/tree" 2>&1 || fail "augtool" "$work/tree"
  ! grep -q 'error' "$work/tree" || fail "augeas" "$work/tree"
  expected augeas | while read -r line; do grep -Fxq "$line" "$work/tree" || fail "augeas does not see: $line" "$work/tree"; done
}

# The way back from a rescue shell that has busybox and no hostpci: the newest journal's script.
check_rescue() {
  "$hostpci" --root "$root" apply 100 --yes >"$work/rescue" 2>&1 || fail "apply" "$work/rescue"
  inside sh -c 'mkdir /tmp/applets && busybox --install -s /tmp/applets'
  inside env PATH=/tmp/applets sh -c 'cd /var/lib/hostpci/txn && for last in *; do :; done; sh "$last/undo.sh"' \
    >"$work/rescue" 2>&1 || fail "the rescue script" "$work/rescue"
}
