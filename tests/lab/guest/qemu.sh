# What `showcmd` prints starts a QEMU here, with the device: every property is in `info qtree`, and `start-check --qemu` says the same.
vms=/etc/pve/qemu-server

# vm VMID LINE…: a q35 VM with those lines.
vm() { printf '%s\n' 'machine: q35' 'memory: 128' "${@:2}" >"$vms/$1.conf"; }

# A ROM of 512 bytes for the network card: 55AA, the place of "PCIR", ids, one block, legacy code, the last image.
rom() {
  printf '\x55\xaa\x01%021d\x1c\0\0\0PCIR\x86\x80\xd3\x10\0\0\x18\0\0\0\0\x02\x01\0\0\0\0\x80\0\0' 0
  head -c 460 /dev/zero
}

# The ports and bridges that PVE's file makes, in its form.
pve_file() {
  local port
  for port in 1 2 3 4; do
    printf '[device "ich9-pcie-port-%d"]\n  driver = "pcie-root-port"\n  x-speed = "16"\n  x-width = "32"\n  multifunction = "on"\n' $port
    printf '  bus = "pcie.0"\n  addr = "1c.%d"\n  port = "%d"\n  chassis = "%d"\n' $((port - 1)) $port $port
  done
  printf '[device "pcidmi"]\n  driver = "i82801b11-bridge"\n  bus = "pcie.0"\n  addr = "1e.0"\n'
  printf '[device "pci.0"]\n  driver = "pci-bridge"\n  bus = "pcidmi"\n  addr = "1.0"\n  chassis_nr = "1"\n  shpc = "off"\n'
}

# tree VMID: starts QEMU with the arguments of showcmd, stopped, and keeps what `info qtree` says in $tree.
tree() {
  mapfile -t arguments < <("$hostpci" showcmd "$1")
  tree=$(printf 'info qtree\nquit\n' | timeout 90 qemu-system-x86_64 -accel tcg -M q35 -m 128 -nodefaults -vga none -display none -S -monitor stdio \
    -readconfig /usr/share/qemu-server/pve-q35-4.0.cfg "${arguments[@]}" 2>&1 | tr -d '\r') || true
}

# part ID: the lines of one device in $tree, without those of its children.
part() {
  awk -v id="\"$1\"" '/dev: / { inside = 0 } /dev: / && index($0, "id " id) { inside = 1 } / bus: / { if (inside) exit } inside' <<<"$tree"
}
# has ID LINE…: lines that the device's part of the tree has to have.
has() {
  local device line
  device=$(part "$1")
  for line in "${@:2}"; do contains "qemu: $1: $line" "$line" "$device"; done
}
# bus_has BUS ID: the device hangs there.
bus_has() { contains "qemu: $2 is on $1" "id \"$2\"" "$(awk -v bus="bus: $1" '$1 " " $2 == bus { inside = 1; next } / bus: / { inside = 0 } inside' <<<"$tree")"; }

# tried STATUS NAME VMID WANTED…
tried() {
  local name=$2 text
  expect "$1" "qemu: $2" "$hostpci" start-check "$3" --qemu --timeout 90
  for text in "${@:4}"; do contains "qemu: $name: $text" "$text" "$said"; done
}

modprobe vfio-pci
mkdir -p /usr/share/kvm /usr/share/qemu-server
case $topology in
  clean)
    modprobe -a mdev vfio && insmod "$extra/mtty.ko" parent=0000:03:00.0
    type=("$pci"/0000:03:00.0/mdev_supported_types/*-1) && type=${type##*/}
    rom >/usr/share/kvm/lab.rom
    vm 200 'boot: order=hostpci0' "hostpci1: 0000:03:00.0,mdev=$type" 'hostpci4: 0000:02:00.0,pcie=1,romfile=lab.rom' \
      'hostpci0: 0000:01:00,pcie=1,rombar=0,vendor-id=0x10de,device-id=0x1234,sub-vendor-id=0x1043,sub-device-id=0x0001'
    tried 1 "unbound" 200 "QEMU was not started: \`0000:01:00.0 (Ethernet, 8086:10d3)\` has driver \`e1000e\`" "\`hostpci bind 0000:01:00.0\`" \
      "mediated device \`00000001-0000-0000-0000-000000000200\` has to be made first"
    for device in 0000:01:00.0 0000:02:00.0; do by_hand $device vfio-pci; done
    uuid=00000001-0000-0000-0000-000000000200
    echo $uuid >$pci/0000:03:00.0/mdev_supported_types/$type/create
    tried 0 "with PVE's buses made by hostpci" 200 "took every device; it stood at \`prelaunch\`" "made \`hostpci0\` as asked" "made \`hostpci1\` as asked" \
      "made \`hostpci4\` as asked" "bootindex=100" "made \`ich9-pcie-port-5\` as asked"
    pve_file >/usr/share/qemu-server/pve-q35-4.0.cfg
    tree 200
    has hostpci0 'host = "0000:01:00.0"' 'rombar = 0 (0x0)' 'x-pci-vendor-id = 4318 (0x10de)' 'x-pci-device-id = 4660 (0x1234)' \
      'x-pci-sub-vendor-id = 4163 (0x1043)' 'x-pci-sub-device-id = 1 (0x1)' 'addr = 00.0' 'pci id 10de:1234 (sub 1043:0001)'
    has hostpci1 "sysfsdev = \"/sys/bus/mdev/devices/$uuid\"" 'addr = 11.0'
    has hostpci4 'host = "0000:02:00.0"' 'romfile = "/usr/share/kvm/lab.rom"' 'rombar = 1 (0x1)' 'pci id 8086:10d3'
    has ich9-pcie-port-5 'addr = 10.0' 'chassis = 5 (0x5)' 'port = 5 (0x5)' 'x-speed = "16"' 'x-width = "32"' 'multifunction = true'
    bus_has ich9-pcie-port-1 hostpci0 && bus_has pci.0 hostpci1 && bus_has ich9-pcie-port-5 hostpci4
    echo 1 >/sys/bus/mdev/devices/$uuid/remove
    rmmod mtty
    for device in 0000:01:00.0 0000:02:00.0; do by_hand $device ""; done
    ;;
  gpu-std)
    vm 200 'vga: none' 'hostpci0: 0000:02:00,pcie=1,x-vga=1' 'hostpci2: 0000:01:00.0'
    for device in 0000:01:00.0 0000:02:00.0 0000:02:00.1; do by_hand $device vfio-pci; done
    pve_file >/usr/share/qemu-server/pve-q35-4.0.cfg
    tried 0 "x-vga, two functions, PVE's own file" 200 "made \`hostpci0.0\` as asked" "made \`hostpci0.1\` as asked" "made \`hostpci2\` as asked"
    tree 200
    has hostpci0.0 'host = "0000:02:00.0"' 'x-vga = true' 'multifunction = true' 'addr = 00.0'
    has hostpci0.1 'host = "0000:02:00.1"' 'addr = 00.1'
    bus_has ich9-pcie-port-1 hostpci0.0 && bus_has ich9-pcie-port-1 hostpci0.1 && bus_has pci.0 hostpci2
    vm 200 'hostpci0: 0000:02:00.1,pcie=1,x-vga=1'
    tried 1 "x-vga on a sound card" 200 "\`x-vga\` needs a VGA device" "a check before this one fails"
    for device in 0000:01:00.0 0000:02:00.0 0000:02:00.1; do by_hand $device ""; done
    ;;
  *) not_ok "qemu: nothing to try on $topology" ;;
esac
rm -f $vms/200.conf
check "qemu: none is left behind" bash -c '! grep -qzE "^(/usr/bin/kvm|qemu-system)" /proc/[0-9]*/cmdline'
modprobe -r vfio-pci
