# `sriov` against the kernel's own SR-IOV: numbers that come and go, those that are refused, and functions that are in use.
card=0000:01:00.0 first=0000:01:00.1
rules=/etc/udev/rules.d/70-hostpci.rules

sriov() { "$hostpci" sriov "$@"; }
# now WANTED NAME: the kernel's own number (to read it waits for a change that is under way), and as many functions that exist.
now() {
  attribute_of $card sriov_numvfs
  local links=("$pci/$card"/virtfn*)
  [ -e "${links[0]}" ] || links=()
  same "$2" "$1 functions, $1 devices" "$REPLY functions, ${#links[@]} devices"
}
# drivers_of_functions: "nvme nvme", "none none".
drivers_of_functions() {
  local link found=
  for link in "$pci/$card"/virtfn*; do
    link_of "$link/driver"
    found+=" ${REPLY:-none}"
  done
  REPLY=${found# }
}

attribute_of $card sriov_totalvfs && total=$REPLY
table=$(sriov)
contains "sriov: the table has the card" "$card" "$table"
contains "sriov: none of so many" "0/$total" "$table"

echo "# numbers"
check "sriov: two" sriov $card 2
now 2 "sriov: two are there"
contains "sriov: the table of functions" "$first" "$(sriov $card)"
expect 0 "sriov: two again" sriov $card 2
contains "sriov: two again is nothing to do" "already" "$said"
expect 0 "sriov: another number only shown" sriov $card 3 --dry-run
same "sriov: through 0" "write \`0\` to $pci/$card/sriov_numvfs"$'\n'"write \`3\` to $pci/$card/sriov_numvfs" "$said"
now 2 "sriov: nothing was written"
check "sriov: three" sriov $card 3 --yes
now 3 "sriov: three are there"
expect 3 "sriov: more than the card makes" sriov $card 9
contains "sriov: the limit is named" "at most $total virtual functions, not 9" "$said"
now 3 "sriov: three are still there"
check "sriov: none" sriov $card 0 --yes
now 0 "sriov: none is there"

echo "# drivers"
check "sriov: without a driver" sriov $card 4 --no-probe
now 4 "sriov: four are there"
drivers_of_functions && same "sriov: none of them has a driver" "none none none none" "$REPLY"
attribute_of $card sriov_drivers_autoprobe && same "sriov: the card's autoprobe is as before" 1 "$REPLY"

echo "# in use"
modprobe vfio-pci
by_hand $first vfio-pci
expect 0 "sriov: a function on vfio-pci is told" sriov $card 1 --dry-run
contains "sriov: by its name" "$first (NVMe" "$said"
if hold $first; then
  expect 3 "sriov: a function that is open" sriov $card 1 --yes
  contains "sriov: who has it open is told" "process $holder (\`${probe##*/}\`)" "$said"
  contains "sriov: as lint would" "conflict-in-use" "$said"
  now 4 "sriov: four stay"
  # One that came after the look at /proc: the kernel waits for it, whatever is done to the process that writes.
  mount -t tmpfs lab "/proc/$holder/fd"
  began=$EPOCHSECONDS
  expect 3 "sriov: a kernel that does not let go" sriov $card 3 --persist --yes --timeout 1
  contains "sriov: it is not waited for" "the kernel is still at it" "$said"
  check "sriov: nor asked" [ $((EPOCHSECONDS - began)) -lt 20 ]
  contains "sriov: the rule is taken back" "was taken back" "$said"
  umount "/proc/$holder/fd"
  let_go
  now 0 "sriov: the kernel goes on as soon as it can"
else
  not_ok "sriov: a function can be held" "$held"
fi
check "sriov: none again" sriov $card 0 --yes
now 0 "sriov: none is left"

echo "# the card's driver"
by_hand $card vfio-pci
expect 3 "sriov: the card on vfio-pci" sriov $card 1
contains "sriov: by the rule's name" "device-pf-on-vfio" "$said"
modprobe pci-stub
by_hand $card pci-stub
expect 3 "sriov: a driver that makes no functions" sriov $card 1 --persist --yes
contains "sriov: the kernel's refusal is explained" "makes no virtual functions by this attribute" "$said"
contains "sriov: what was written for the next boot is taken back" "was taken back" "$said"
check "sriov: there is no rule" [ ! -e $rules ]
echo >$pci/$card/driver_override && echo $card >$pci/$card/driver/unbind
expect 3 "sriov: the card without a driver" sriov $card 1
echo $card >/sys/bus/pci/drivers_probe
now 0 "sriov: none was made"

echo "# at every boot"
check "sriov: now and at every boot" sriov $card 2 --persist --yes --no-probe
now 2 "sriov: they are there now"
contains "sriov: and a rule is" 'ATTR{sriov_drivers_autoprobe}="0", ATTR{sriov_numvfs}="2"' "$(<$rules)"
contains "sriov: the table tells it" "2 for vfio-pci (hostpci)" "$(sriov)"

# as_at_boot: udev learns of the card as it does when the system starts.
as_at_boot() {
  echo 0 >$pci/$card/sriov_numvfs
  /lib/systemd/systemd-udevd --daemon
  udevadm trigger --action=add $pci/$card && udevadm settle
  udevadm control --exit
}
# as_proxmox ADDR: to vfio-pci as Proxmox VE does it. Source: pve-common SysFSTools.pm (pci_dev_bind_to_vfio).
as_proxmox() {
  local id
  attribute_of "$1" vendor && id=${REPLY#0x}
  attribute_of "$1" device && id+=" ${REPLY#0x}"
  echo "$id" >/sys/bus/pci/drivers/vfio-pci/new_id
  [ -e "$pci/$1/driver" ] || echo "$1" >/sys/bus/pci/drivers/vfio-pci/bind
  echo "$id" >/sys/bus/pci/drivers/vfio-pci/remove_id
}
if [ -x /lib/systemd/systemd-udevd ]; then
  as_at_boot
  now 2 "sriov: udev makes them"
  drivers_of_functions && same "sriov: and none has a driver of the host" "none none" "${REPLY//vfio-pci/none}"
  as_proxmox $first && driver_of $first
  same "sriov: Proxmox VE can have them" vfio-pci "$REPLY"
  echo 1 >$pci/$card/sriov_drivers_autoprobe
fi
check "sriov: nowhere any more" sriov $card 0 --persist --yes
now 0 "sriov: they are gone"
check "sriov: and so is the rule" [ ! -e $rules ]
