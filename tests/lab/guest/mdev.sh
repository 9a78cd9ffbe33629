# `mdev` lists what sysfs has; `mdev create` and `mdev remove` do what they say, on a PCI device that has the types of the kernel's sample
# driver (mtty/build.sh): one port of 24 a `-1`, two a `-2`.
parent=0000:03:00.0 bare=0000:01:00.0 instances=/sys/bus/mdev/devices uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
types=$pci/$parent/mdev_supported_types config=/etc/pve/qemu-server/190.conf

mdev() { "$hostpci" mdev "$@"; }
is_made() { [ -e "$instances/$1" ] && link_of "$instances/$1/mdev_type" && [ "$REPLY" = "$2" ]; }
is_gone() { [ ! -e "$instances/$1" ]; }
free_of() { read -r REPLY <"$types/$1/available_instances"; }
group_of_instance() { link_of "$instances/$1/iommu_group"; }

# The listing against sysfs: "TYPE NAME FREE" of each type, the UUIDs of all instances.
by_kernel() {
  local type name free instance
  for type in "$types"/*; do
    read -r name <"$type/name" && read -r free <"$type/available_instances" && echo "${type##*/} $name $free"
  done
  for instance in "$instances"/*; do [ ! -e "$instance" ] || echo "${instance##*/}"; done
}
by_hostpci() {
  local json row='"type":"([^"]*)","name":"([^"]*)","description":"[^"]*","available":([0-9]+)' instance='"uuid":"([^"]*)"'
  json=$("$hostpci" --format json mdev $parent) && local rest=$json
  while [[ $rest =~ $row ]]; do echo "${BASH_REMATCH[*]:1}" && rest=${rest#*"${BASH_REMATCH[0]}"}; done
  while [[ $json =~ $instance ]]; do echo "${BASH_REMATCH[1]}" && json=${json#*"${BASH_REMATCH[0]}"}; done
}
agree() { same "mdev: the listing $1" "$(by_kernel)" "$(by_hostpci)"; }

listed_and_made() {
  agree "before"
  expect 0 "mdev: --dry-run" mdev create $parent "$double" --uuid $uuid --dry-run
  same "mdev: what would be written" "write \`$uuid\` to $types/$double/create" "$said"
  check "mdev: nothing was written" is_gone $uuid
  expect 0 "mdev: create --uuid" mdev create $parent "$double" --uuid $uuid
  same "mdev: what create says" "$uuid: \`$double\` of $parent, 11 more instances free"$'\n'"undo: hostpci mdev remove $uuid" "$said"
  check "mdev: it is there" is_made $uuid "$double"
  expect 3 "mdev: the same again" mdev create $parent "$double" --uuid $uuid
  contains "mdev: the reason" "exists already" "$said"
}

# Under the name that Proxmox VE looks for; lint finds it left over, for the VM does not run.
of_a_vm() {
  local own=00000003-0000-0000-0000-000000000190
  printf 'memory: 512\nhostpci0: %s\nhostpci3: %s,mdev=%s\n' $bare $parent "$double" >$config
  expect 0 "mdev: create --vm" mdev create $parent "$double" --vm 190
  check "mdev: under Proxmox VE's name for hostpci3" is_made $own "$double"
  contains "mdev: traced to its VM" "VM 190 hostpci3 (not running: left over)" "$(mdev $parent)"
  expect 1 "mdev: lint" "$hostpci" lint 190 --select device-mdev-leftover
  contains "mdev: lint finds it left over" "echo 1 > $instances/$own/remove" "$said"
  expect 0 "mdev: remove" mdev remove $own
  check "mdev: it is gone" is_gone $own
  expect 0 "mdev: lint finds nothing" "$hostpci" lint 190 --select device-mdev-leftover
  rm $config
}

refusals() {
  expect 3 "mdev: a device without types" mdev create $bare "$double"
  contains "mdev: the rule" "[device-mdev-unsupported]" "$said"
  expect 3 "mdev: a type that is not there" mdev create $parent "${double%-2}2"
  contains "mdev: what was meant" "did you mean \`$double\`?" "$said"
}

# Filled up by hand but for one port.
used_up() {
  local random
  while free_of "$double" && [ "$REPLY" -gt 0 ]; do read -r random </proc/sys/kernel/random/uuid && echo "$random" >"$types/$double/create"; done
  expect 3 "mdev: nothing is free" mdev create $parent "$double"
  contains "mdev: who holds it" "\`$uuid\` holds one of \`$double\`" "$said"
  expect 0 "mdev: remove one" mdev remove "$random"
  expect 0 "mdev: create one port under any UUID" mdev create $parent "$single"
  contains "mdev: one port is left" "of $parent, 1 more instance free" "$said"
  agree "when it is full"
  keep mdev
}

# hostpci where it sees no process.
blind() { unshare --mount bash -c 'mount -t tmpfs lab /proc && exec "$0" mdev "$@"' "$hostpci" "$@"; }

# Open as a running QEMU has it: once it was written to, the kernel waits until it is closed, whatever becomes of the writer.
held_open() {
  group_of_instance $uuid && local node=/dev/vfio/$REPLY
  hold_of "$REPLY" $uuid || true
  contains "mdev: VFIO hands it out" "device=ok" "$held"
  expect 3 "mdev: remove what is open" mdev remove $uuid
  contains "mdev: who has it open" "has \`$node\` open" "$said"
  check "mdev: it is still there" is_made $uuid "$double"
  expect 3 "mdev: remove all of the device" mdev remove $parent
  expect 3 "mdev: remove what is open, and nobody sees it" blind remove $uuid --timeout 1
  contains "mdev: it is not waited for" "Operation now in progress; somebody has its VFIO device open" "$said"
  let_go
  for _ in {1..50}; do if is_gone $uuid; then break; fi && sleep 0.1; done
  check "mdev: the kernel removes it when it is closed" is_gone $uuid
}

if [ ! -e "$extra/mtty.ko" ]; then not_ok "mdev: the driver was not built" && exit; fi
modprobe -a mdev vfio_iommu_type1 && insmod "$extra/mtty.ko" parent=$parent
for type in "$types"/*; do case $type in *-1) single=${type##*/} ;; *-2) double=${type##*/} ;; esac; done
listed_and_made
of_a_vm
refusals
used_up
held_open
expect 0 "mdev: remove all that is left" mdev remove $parent
same "mdev: none is left" "" "$(ls $instances)"
agree "at the end"
check "mdev: nobody holds the driver" rmmod mtty
