#!/usr/bin/env bash
# A driver of mediated devices without hardware: the sample `mtty` of the lab's own kernel, with a parameter `parent=` that hangs its
# types on a PCI device, as a graphics card's driver does. Of the kernel's source no more is kept than what is built of it.
# Usage: build.sh CACHE makes CACHE/extra/mtty.ko for the kernel in CACHE/kernel, if it is not there. It needs gcc and make.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin
cache=$(realpath "$1") tree=$(realpath "$1")/mtty.new
release=$(ls "$cache/kernel/lib/modules")  # 6.12.117+deb12-amd64
[[ $(modinfo -F vermagic "$cache/extra/mtty.ko" 2>/dev/null) != "$release "* ]] || exit 0
abi=${release%-*} series=$(cut -d. -f1,2 <<<"$release")

# The one file out of the source package: tar stops there, and what fills the pipe ends with it.
unpack_sample() {
  dpkg --fsys-tarfile linux-source-*.deb 2>/dev/null | tar xO "./usr/src/linux-source-$series.tar.xz" |
    tar xJO --occurrence=1 "linux-source-$series/samples/vfio-mdev/mtty.c" >mtty.c || true
  [ -s mtty.c ] || { echo "lab: linux-source-$series has no samples/vfio-mdev/mtty.c" >&2; exit 1; }
}

# The headers name their other half by the place where an installation has it; types for BPF, made of vmlinux, are of no use here.
unpack_headers() {
  local package
  for package in linux-headers-*.deb linux-kbuild-*.deb; do dpkg -x "$package" .; done
  rm -f "usr/src/linux-headers-$release/vmlinux"
  sed -i "s|^include /usr/src/|include $tree/usr/src/|" "usr/src/linux-headers-$release/Makefile"
}

add_parent() {
  sed -i -e '/^#include <linux\/pci\.h>/a static char *parent;\nmodule_param(parent, charp, 0444);' \
    -e '/ret = mdev_register_parent(/i \	pci_parent = parent ? bus_find_device_by_name(\&pci_bus_type, NULL, parent) : NULL;' \
    -e '/ret = mdev_register_parent(/i \	if (parent \&\& !pci_parent) { ret = -ENODEV; goto err_device; }' \
    -e 's|ret = mdev_register_parent(&mtty_dev.parent, &mtty_dev.dev,|ret = mdev_register_parent(\&mtty_dev.parent, pci_parent ?: \&mtty_dev.dev,|' \
    -e '/^static int __init mtty_dev_init(void)/i static struct device *pci_parent;\n' \
    -e '/mdev_unregister_parent(/a \	put_device(pci_parent);' mtty.c
  [ "$(grep -c pci_parent mtty.c)" = 5 ] || { echo "lab: this mtty.c is another one" >&2; exit 1; }
}

mkdir -p "$cache/extra" && rm -rf "$tree" && mkdir "$tree"
trap 'rm -rf "$tree"' EXIT
cd "$tree"
{
  apt-get download -q "linux-source-$series" "linux-headers-$release" "linux-headers-$abi-common" "linux-kbuild-$abi"
  unpack_sample && unpack_headers && add_parent
  echo 'obj-m := mtty.o' >Makefile
  make -s -C "usr/src/linux-headers-$release" M="$tree" modules
} >"$cache/mtty.log" 2>&1 || { cat "$cache/mtty.log" >&2; exit 1; }
strip --strip-debug mtty.ko
mv mtty.ko "$cache/extra/"
