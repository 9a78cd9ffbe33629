# `start-check` against the kernel: before and after binding, with a group that is held, half bound, not attachable, and without any IOMMU.
vms=/etc/pve/qemu-server
modprobe vfio-pci

# vm VMID LINE…: a q35 VM with those lines.
vm() { printf '%s\n' 'machine: q35' 'memory: 256' "${@:2}" >"$vms/$1.conf"; }
# judged STATUS NAME VMID WANTED…: the exit status, and what has to be said.
judged() {
  local name=$2 text
  expect "$1" "start-check: $2" "$hostpci" start-check "$3"
  for text in "${@:4}"; do contains "start-check: $name: $text" "$text" "$said"; done
}

# refused NAME ADDR WORDS: QEMU itself does not start with the device as it is, in these words.
refused() {
  expect 1 "start-check: $1: QEMU is refused" timeout 60 qemu-system-x86_64 -accel tcg -M q35 -m 64 -nodefaults -display none -S -device "vfio-pci,host=$2"
  contains "start-check: $1: QEMU is refused: $3" "$3" "$said"
}

case $topology in
  clean)
    vm 200 'hostpci0: 0000:01:00,pcie=1'
    driver_of 0000:01:00.0 && was=$REPLY
    judged 0 "unbound" 200 "a prediction, for no member is on a driver of VFIO yet" "has driver \`$was\`; Proxmox VE binds to"
    driver_of 0000:01:00.0 && same "start-check: nothing was bound" "$was" "$REPLY"
    by_hand 0000:01:00.0 vfio-pci
    judged 0 "bound" 200 "is viable, says the kernel" "was attached by the kernel, and given back" "would start"
    if hold 0000:01:00.0; then ok "start-check: the group was let go of"; else not_ok "start-check: the group was let go of" "$held"; fi
    judged 1 "held by a process" 200 "is held by process" "(\`probe\`)" "not ready to start"
    let_go
    judged 0 "let go of" 200 "was attached by the kernel"
    said=$(setpriv --reuid=65534 --clear-groups "$hostpci" start-check "$vms/200.conf" 2>&1) || true
    contains "start-check: not root" "only root may ask the kernel" "$said"
    vm 200 'hostpci0: 0000:01:00,pcie=1' 'memory: 99999'
    judged 1 "more memory than there is" 200 "99999 MiB to pin"
    by_hand 0000:01:00.0 ""
    ;;
  shared)
    vm 200 'hostpci0: 0000:08:01.0'
    by_hand 0000:08:01.0 vfio-pci
    judged 0 "half bound" 200 "is not viable now, says the kernel" "after which it is: a prediction" "goes whole"
    vm 201 'hostpci0: 0000:08:01.0,driver=keep'
    judged 1 "half bound and kept so" 201 "\`driver=keep\` leaves it so"
    refused "half bound" 0000:08:01.0 "is not viable"
    for device in 0000:08:02.0 0000:08:03.0 0000:08:03.1; do by_hand $device vfio-pci; done
    judged 0 "bound whole" 200 "is viable, says the kernel" "was attached by the kernel"
    judged 0 "bound whole and kept so" 201 "is viable, says the kernel"
    by_hand 0000:08:02.0 none
    judged 0 "a neighbour without a driver" 200 "is viable, says the kernel"
    for device in 0000:08:01.0 0000:08:02.0 0000:08:03.0 0000:08:03.1; do by_hand $device ""; done
    ;;
  nointremap)
    vm 200 'hostpci0: 0000:01:00,pcie=1'
    judged 1 "unbound, interrupts not remapped" 200 "will not be attached: interrupts are not remapped"
    by_hand 0000:01:00.0 vfio-pci
    judged 1 "interrupts not remapped" 200 "is viable, says the kernel" "VFIO_SET_IOMMU: Operation not permitted" "interrupts are not remapped"
    refused "interrupts not remapped" 0000:01:00.0 "Operation not permitted"
    unsafe=/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
    echo 1 >$unsafe
    judged 0 "unsafe interrupts allowed" 200 "was attached by the kernel"
    echo 0 >$unsafe
    by_hand 0000:01:00.0 ""
    ;;
  noiommu | iommuoff)
    vm 200 'hostpci0: 0000:01:00,pcie=1'
    judged 1 "no IOMMU" 200 "has no IOMMU group"
    ;;
  *) not_ok "start-check: nothing to try on $topology" ;;
esac
rm -f $vms/20[0-9].conf
modprobe -r vfio-pci
