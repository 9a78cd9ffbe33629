# One virtual machine of the lab: what it needs of this machine, its kernel, its devices. Sourced by run.sh and snapshot.sh, which set $here.
cache=${HOSTPCI_LAB:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/hostpci/lab}

# A tool that an installation brings is a failure where CI asks for this test.
missing() { if [ -n "${HOSTPCI_CI:-}" ]; then echo "lab: $1" && exit 1; else echo "lab: left out: $1" && exit 77; fi; }
need_tools() {
  local tool
  for tool in qemu-system-x86_64 busybox lspci depmod modprobe cpio zstd xz; do
    PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null || missing "\`$tool\` is not installed"
  done
  ! ldd "$(command -v busybox)" >/dev/null 2>&1 || missing "\`busybox\` is not the static one"
}

prepare_kernel() { mkdir -p "$cache/extra" && flock "$cache/extra" "$here/kernel.sh" "$cache"; }
# Without the driver its scenario fails, and no other.
prepare_drivers() { flock "$cache/extra" "$here/mtty/build.sh" "$cache" || echo "lab: the driver of mediated devices was not built" >&2; }

# A directory for all that a run makes; it goes with the shell unless it is asked for.
work_directory() {
  if [ -n "${HOSTPCI_LAB_KEEP:-}" ]; then mkdir -p "$HOSTPCI_LAB_KEEP" && realpath "$HOSTPCI_LAB_KEEP"; else mktemp -d; fi
}

# What is tried does not change under a machine that runs, whatever is built meanwhile.
copy_programs() {
  [ -n "${HOSTPCI_LAB_KEEP:-}" ] || trap 'rm -rf "$work"' EXIT
  cp "$hostpci" "$work/hostpci" && cp "${HOSTPCI_LAB_PROBE:-$(dirname "$hostpci")/tests/hostpci_lab_probe}" "$work/probe"
  "$work/hostpci" --version >/dev/null || { echo "lab: $hostpci does not run" && exit 1; }
  make_initramfs "$work/initramfs"
}

# busybox, guest/init and the modules that the root file system needs.
make_initramfs() {
  local tree=$1.tree release module
  release=$(ls "$cache/kernel/lib/modules")
  mkdir -p "$tree"/{bin,dev,proc,sys,ro,rw,root,modules}
  install -m 755 "$(command -v busybox)" "$tree/bin/busybox" && install -m 755 "$here/guest/init" "$tree/init"
  PATH=$PATH:/usr/sbin:/sbin modprobe -d "$cache/kernel" -S "$release" -a -D virtio_pci 9pnet_virtio 9p overlay 2>/dev/null |
    awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$tree/list"
  while read -r module; do cp "$module" "$tree/modules/"; done <"$tree/list"
  sed -i 's|.*/||' "$tree/list"
  (cd "$tree" && find . | cpio -o -H newc --quiet) >"$1"
  rm -rf "$tree"
}

# values KEY TOPOLOGY: what the lines `KEY: …` of the topology say.
values() { sed -n "s/^$1: *//p" "$here/topologies/$2" | paste -sd ' '; }

# run_machine TOPOLOGY DIRECTORY ENTRY SECONDS: boots, runs guest/ENTRY.sh as the only program, ends. DIRECTORY is $io inside.
run_machine() {
  local io=$2 devices=()
  rm -rf "${io:?}" && mkdir -p "$io" && truncate -s 16M "$io/disk.img"
  mapfile -t devices < <(sed -n "s|@IO@|$io|; s/^-\([a-zA-Z]*\) /-\1\n/p" "$here/topologies/$1")
  cat >"$io/start" <<END
export hostpci=$work/hostpci probe=$work/probe lab=$here extra=$cache/extra modules=$cache/kernel/lib/modules
export topology=$1 scenarios='${scenarios:-$(values scenario "$1")}' states='${states:-$(values state "$1")}' io=/io
. $here/guest/host.sh
. $here/guest/$3.sh
END
  timeout "$4" qemu-system-x86_64 -accel tcg,thread=multi -cpu "$(values cpu "$1" | grep . || echo Nehalem)" -smp 1 -m 3072 \
    -nodefaults -display none -no-reboot -serial "file:$io/console" -kernel "$cache/kernel/vmlinux" -initrd "$work/initramfs" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check $(values cmdline "$1")" "${devices[@]}" \
    -fsdev local,id=root,path=/,readonly=on,security_model=none,multidevs=remap \
    -fsdev "local,id=io,path=$io,security_model=none,multidevs=remap" \
    -device virtio-9p-pci,addr=1e.0,multifunction=on,fsdev=root,mount_tag=root \
    -device virtio-9p-pci,addr=1e.1,fsdev=io,mount_tag=io >"$io/qemu.log" 2>&1 </dev/null
}
