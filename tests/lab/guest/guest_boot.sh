# A whole Linux boots in a VM of this machine, with what `showcmd` prints: its driver binds the card that was assigned, which interrupts it.
device=0000:01:00.0 tree=/run/guest
release=$(ls /lib/modules)

# busybox, the driver of the card, and a first process that says what it sees.
make_guest() {
  local module n=0
  mkdir -p $tree/{bin,proc,sys,dev,modules}
  cp "$(command -v busybox)" $tree/bin/busybox
  for module in $(modprobe -S "$release" -D e1000e | awk '$1 == "insmod" { print $2 }'); do cp "$module" $tree/modules/$((n++)).ko; done
  cat >$tree/init <<'END'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev; $b mount -t proc proc /proc; $b mount -t sysfs sys /sys
for module in /modules/*; do $b insmod $module; done
for path in /sys/bus/pci/drivers/e1000e/0*; do
  echo "guest: e1000e has ${path##*/} $($b cat $path/vendor $path/device $path/subsystem_device | $b tr '\n' ' ')"
done
$b ip link set eth0 up; $b sleep 1
echo "guest: $($b awk '/eth0/ { n += $2 } END { print n + 0 }' /proc/interrupts) interrupts, address $($b cat /sys/class/net/eth0/address)"
$b poweroff -f
END
  chmod 755 $tree/init
  (cd $tree && find . | cpio -o -H newc --quiet) >$tree.cpio
}

modprobe vfio-pci
accel=tcg && [ ! -e /sys/module/kvm_amd ] && modprobe kvm_amd 2>/dev/null && [ -e /dev/kvm ] && accel=kvm
printf '%s\n' 'machine: q35' 'memory: 256' "hostpci4: $device,pcie=1,rombar=0" >/etc/pve/qemu-server/200.conf
attribute_of $device net/eth0/address && address=$REPLY
by_hand $device vfio-pci
make_guest
mapfile -t arguments < <("$hostpci" showcmd 200)
read -r start _ </proc/uptime
said=$(timeout 120 qemu-system-x86_64 -accel $accel -M q35 -m 256 -nodefaults -vga none -display none -serial stdio -no-reboot \
  -kernel "$modules/../../vmlinux" -initrd $tree.cpio -append "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check" "${arguments[@]}" 2>&1 </dev/null |
  tr -d '\r') || true
read -r end _ </proc/uptime
echo "# a guest under $accel: from $start s to $end s"
contains "guest: its driver has the card" "guest: e1000e has 0000:01:00.0 0x8086 0x10d3" "$said"
contains "guest: with the address that the host saw" "address $address" "$said"
interrupts=0
[[ ! $said =~ guest:\ ([0-9]+)\ interrupts ]] || interrupts=${BASH_REMATCH[1]}
check "guest: the card interrupts it" test "$interrupts" -gt 0
rm /etc/pve/qemu-server/200.conf
by_hand $device ""
modprobe -r vfio-pci
