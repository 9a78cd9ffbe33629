#!/usr/bin/env bash
# Debian's kernel and its modules as plain files, made once, outside the checkout, from the mirror that this host itself uses.
# Usage: kernel.sh CACHE makes CACHE/kernel if there is none. Linux 6.12, or the distribution's own where the mirror has no such package.
set -euo pipefail
cache=$1 tree=$1/kernel.new
export PATH=$PATH:/usr/sbin:/sbin
[ ! -e "$cache/kernel/vmlinux" ] || exit 0

package_of() { apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1; }
package=$(package_of linux-image-6.12-amd64)
[ -n "$package" ] || package=$(package_of linux-image-amd64)
[ -n "$package" ] || { echo "lab: this host's apt knows no kernel of Debian; is it time for apt-get update?" >&2; exit 1; }

# The kernel as it is when unpacked: no time goes into that at every boot.
unpack_kernel() {
  local magic tool offset
  while read -r magic tool; do
    for offset in $(LC_ALL=C grep -aboP "$magic" "$1" | cut -d: -f1); do
      tail -c "+$((offset + 1))" "$1" | $tool >"$2" 2>/dev/null || true
      [ "$(head -c 4 "$2" | tail -c 3)" != ELF ] || return 0
    done
  done <<'END'
\xfd7zXZ\x00 xz -dc
\x28\xb5\x2f\xfd zstd -dcq
\x1f\x8b\x08 gzip -dc
END
  echo "lab: no kernel is found in $1" >&2 && return 1
}

rm -rf "$tree" && mkdir "$tree"
trap 'rm -rf "$tree"' EXIT
(cd "$tree" && apt-get download -q "$package" && dpkg -x ./*.deb .) >&2
find "$tree/lib/modules" -name '*.ko.xz' -print0 | xargs -0r -P 2 -n 200 xz -d
depmod -b "$tree" "$(ls "$tree/lib/modules")"
unpack_kernel "$tree"/boot/vmlinuz-* "$tree/vmlinux"
rm -rf "${tree:?}"/{*.deb,boot,usr} "$cache/kernel"
mv "$tree" "$cache/kernel"
