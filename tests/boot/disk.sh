# A tree as a disk that boots by GRUB, and back. Nothing is mounted: neither loop devices nor the right to mount is needed.

disk_id=6c3f1a52-0d8e-4f7b-9a41-b00700700700  # the file system's, by which boot loader and kernel find it
partition=1048576                             # where it begins
megabytes=1200

# make_disk TREE DISK: GRUB in front of one partition with the tree in it.
make_disk() {
  local grub=$1/boot/grub/i386-pc
  rm -f "$2" && truncate -s $((megabytes + 1))M "$2"
  mke2fs -q -t ext4 -O ^has_journal -U "$disk_id" -E offset=$partition -d "$1" "$2" ${megabytes}M
  { head -c 446 "$grub/boot.img" && partition_table; } | dd of="$2" conv=notrunc status=none
  dd if="$grub/core.img" of="$2" bs=512 seek=1 conv=notrunc status=none
}

# One entry, to be booted from, of Linux' own kind; three empty ones.
partition_table() {
  printf '\x80\0\0\0\x83\0\0\0'
  little_endian $((partition / 512))
  little_endian $((megabytes * 2048))
  head -c 48 /dev/zero
  printf '\x55\xaa'
}
little_endian() { printf "$(printf '\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24)))"; }

# read_disk DISK PATH DIRECTORY: a directory of the disk, below DIRECTORY.
read_disk() { debugfs -R "rdump $2 $3" "$1?offset=$partition" 2>/dev/null; }
