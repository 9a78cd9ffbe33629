# `bind`, `unbind` and `reset` do what they say to the running kernel, refuse what they must, and leave the host as it was.

# on ADDR DRIVER [OVERRIDE]: where the kernel has the device; "none" is no driver.
on() {
  local driver
  driver_of "$1" && driver=${REPLY:-none} && attribute_of "$1" driver_override
  [ "$REPLY" != "(null)" ] || REPLY=
  same "bind: $1 is on $2" "$2 ${3:-}" "$driver $REPLY"
}
# said NAME TEXT: the last command of `expect` said it.
said() { contains "bind: $1" "$2" "$said"; }
remembers() { if [ -e "/run/hostpci/drivers/$1" ]; then ok "bind: $1 is remembered"; else not_ok "bind: $1 is remembered"; fi; }
forgot() { if [ ! -e "/run/hostpci/drivers/$1" ]; then ok "bind: $1 is forgotten"; else not_ok "bind: $1 is forgotten"; fi; }
opened() { if hold "$1"; then ok "bind: VFIO hands $1 out"; else not_ok "bind: VFIO hands $1 out" "$held"; fi; }

# A network card there and back; its twin stays where it is, also when it is probed anew: no id was given to vfio-pci.
there_and_back() {
  expect 0 "bind: $1, dry" "$hostpci" bind "$1" --dry-run
  said "the driver is loaded first" 'run `modprobe vfio-pci`'
  said "dry, the writes" "write \`$1\` to /sys/bus/pci/drivers/$3/unbind"
  on "$1" "$3" && forgot "$1"
  expect 2 "bind: $1, with nobody to ask" "$hostpci" bind "$1"
  expect 0 "bind: $1" "$hostpci" bind "$1" --yes
  said "from where to where" "$1: $3 -> vfio-pci (group" && said "the group" ", viable)" && said "the way back" "undo: hostpci unbind $1"
  on "$1" vfio-pci vfio-pci && remembers "$1"
  on "$2" "$3" && by_hand "$2" none && echo "$2" >/sys/bus/pci/drivers_probe && on "$2" "$3"
  opened "$1" && let_go
  expect 0 "bind: $1 again" "$hostpci" bind "$1" --yes && said "nothing to do" "is on vfio-pci already"
  expect 0 "bind: $1 back" "$hostpci" unbind "$1" && said "back" "$1: vfio-pci -> $3 (group"
  on "$1" "$3" && forgot "$1"
  expect 0 "bind: $1 back again" "$hostpci" unbind "$1" && said "nothing to give back" "is on $3 already"
}

without_a_driver() {
  "$hostpci" -q bind "$1" --yes &>/dev/null
  expect 0 "bind: $1 to no driver" "$hostpci" unbind "$1" --no-probe && on "$1" none && remembers "$1"
  expect 0 "bind: $1 from no driver to vfio-pci" "$hostpci" bind "$1" && on "$1" vfio-pci vfio-pci
  expect 0 "bind: $1 to its own driver" "$hostpci" unbind "$1" && on "$1" "$2" && forgot "$1"
}

other_drivers() {
  expect 0 "bind: $1 to another driver" "$hostpci" bind "$1" --driver pci-stub --yes && on "$1" pci-stub pci-stub
  expect 0 "bind: $1 from another driver" "$hostpci" unbind "$1" && on "$1" "$2"
  expect 3 "bind: a driver that there is not" "$hostpci" bind "$1" --driver no-such-driver --yes && on "$1" "$2" && forgot "$1"
  expect 3 "bind: a driver that refuses" "$hostpci" bind "$1" --driver virtio-pci --yes
  said "who refused" "\`virtio-pci\` did not take \`$1\`, which has no driver now" && on "$1" "$2" && forgot "$1"
}

# A process that has the device open is named; one that nobody can see makes the kernel wait, but not hostpci.
in_use() {
  local keeper
  "$hostpci" -q bind "$1" --yes &>/dev/null && opened "$1"
  expect 3 "bind: unbind while it is open" "$hostpci" unbind "$1" && said "who has it" "(\`probe\`)"
  [[ $said =~ process\ ([0-9]+) ]] && keeper=${BASH_REMATCH[1]}
  expect 3 "bind: reset while it is open" "$hostpci" reset "$1" --yes && said "who has it, for reset" "is in use by process $keeper"
  mount -t tmpfs lab "/proc/$keeper"
  expect 1 "bind: a driver that does not let go" "$hostpci" unbind "$1" --timeout 1
  said "what does not let go" "driver \`vfio-pci\` did not let \`$1\` go within 1 second" && remembers "$1"
  umount "/proc/$keeper" && let_go && sleep 0.5
  expect 0 "bind: when it has let go" "$hostpci" unbind "$1" && on "$1" "$2" && forgot "$1"
}

resets() {
  expect 2 "reset: $1 on its driver, with nobody to ask" "$hostpci" reset "$1"
  "$hostpci" -q bind "$1" --yes &>/dev/null
  expect 0 "reset: $1" "$hostpci" reset "$1"
  attribute_of "$1" reset_method && said "the method" "$1: reset by ${REPLY%% *}"
  "$hostpci" -q unbind "$1" >/dev/null
  expect 3 "reset: a port" "$hostpci" reset "0000:00:1c.0" --yes && said "a port" "device-is-bridge"
}

# What is mounted is asked about, what is swapped to is refused.
disks() {
  mkswap -q "/dev/nvme0n1" && swapon /dev/nvme0n1
  expect 3 "bind: $1 with swap" "$hostpci" bind "$1" --yes && said "swap" "error[device-boot-controller]" && on "$1" nvme
  swapoff /dev/nvme0n1
  mke2fs -q /dev/nvme0n1 && mkdir -p /run/data && mount /dev/nvme0n1 /run/data
  expect 2 "bind: $1 with a mounted disk" "$hostpci" bind "$1" && said "what is mounted" "(/run/data)" && on "$1" nvme
  umount /run/data
  expect 0 "bind: $1 with a free disk" "$hostpci" bind "$1" --yes && on "$1" vfio-pci vfio-pci
  expect 0 "bind: $1 with a free disk back" "$hostpci" unbind "$1" && on "$1" nvme
}

as_nobody() {
  install -m 755 "$hostpci" /run/hostpci-of-nobody
  expect 3 "bind: nobody" setpriv --reuid 65534 --clear-groups /run/hostpci-of-nobody bind "$1" --yes && said "nobody" "needs root"
  on "$1" "$2"
}

# One device of a group is not enough; with --group all of it goes, and nothing of it if one cannot.
whole_group() {
  local member first=$1 driver=$2 last=$3 last_driver=$4
  expect 0 "bind: one of a group" "$hostpci" bind "$first" --yes && said "not viable" ", not viable)" && said "who is in the way" "\`$last (" && on "$last" "$last_driver"
  expect 0 "bind: back alone" "$hostpci" unbind "$first"
  echo "(null)" >/run/read-only && mount --bind /run/read-only "$pci/$last/driver_override" && mount -o remount,ro,bind "$pci/$last/driver_override"
  expect 3 "bind: the last of a group cannot be written to" "$hostpci" bind "$first" --group --yes && said "given back" "\`$first\` has driver \`$driver\` again"
  umount "$pci/$last/driver_override"
  on "$first" "$driver" && on "$last" "$last_driver" && forgot "$first" && forgot "$last"
  expect 0 "bind: a group" "$hostpci" bind "$first" --group --yes && said "viable" ", viable)"
  on "$first" vfio-pci vfio-pci && on "$last" vfio-pci vfio-pci
  group_of "$first" && same "bind: the kernel finds the group viable" "$REPLY viable" "$("$probe" status "$REPLY")"
  expect 0 "bind: a group back" "$hostpci" unbind "$first" --group && on "$first" "$driver" && on "$last" "$last_driver"
}

whole_slot() {
  local before
  before=$("$hostpci" devices 01:00)
  expect 0 "bind: a slot" "$hostpci" bind 01:00 --yes && said "viable" "0000:01:00.2: xhci_hcd -> vfio-pci (group"
  opened 0000:01:00.0 && let_go
  expect 0 "bind: a slot back" "$hostpci" unbind 01:00
  same "bind: the slot is as it was" "$before" "$("$hostpci" devices 01:00)"
}

without_iommu() {
  expect 3 "bind: $1 without IOMMU" "$hostpci" bind "$1" --yes && said "without IOMMU" "error[device-no-iommu-group]" && on "$1" "$2" && forgot "$1"
  expect 0 "bind: $1 to another driver without IOMMU" "$hostpci" bind "$1" --driver pci-stub --yes && on "$1" pci-stub pci-stub
  expect 0 "bind: $1 back without IOMMU" "$hostpci" unbind "$1" && on "$1" "$2"
}

case $topology in
  clean)
    modprobe -r vfio-pci
    there_and_back 0000:01:00.0 0000:02:00.0 e1000e
    without_a_driver 0000:01:00.0 e1000e
    other_drivers 0000:01:00.0 e1000e
    in_use 0000:01:00.0 e1000e
    resets 0000:01:00.0
    disks 0000:03:00.0
    as_nobody 0000:01:00.0 e1000e
    ;;
  shared) whole_group 0000:08:01.0 e1000 0000:08:03.1 snd_hda_intel ;;
  gpu) whole_slot ;;
  noiommu | iommuoff) without_iommu 0000:01:00.0 e1000e ;;
  *) not_ok "bind: nothing to try on $topology" ;;
esac
[ ! -e /sys/bus/pci/drivers/vfio-pci ] || modprobe -r vfio-pci
