# The computer: QEMU in software emulation, with the devices of fixtures/boot-image/HOST/machine.

# boot DISK MACHINE LOG: until it switches off or starts again; SeaBIOS, GRUB, kernel, initramfs and systemd come up as on any host.
boot() {
  local devices=() line
  while read -r -a line; do
    [ "${line[0]}" = "#" ] || devices+=("${line[@]}")
  done <"$2"
  timeout 400 qemu-system-x86_64 -accel tcg,thread=multi -cpu Nehalem -smp 1 -m 1024 -nodefaults -display none -no-reboot \
    -machine q35,kernel-irqchip=split -device intel-iommu,intremap=on,caching-mode=on -serial "file:$3" \
    -drive "if=none,id=system,format=raw,cache=unsafe,file=$1" -device virtio-blk-pci,addr=1d.0,drive=system \
    "${devices[@]}" </dev/null >"$3.qemu" 2>&1 || { fail "the machine did not come up" "$3"; }
}
