# What scenarios use: checks that count, the kernel's own view of a device, and drivers by hand. Process starts are slow here: functions
# that end in _of put their answer into $REPLY.
pci=/sys/bus/pci/devices

ok() { echo "ok $1"; }
# not_ok NAME [DETAIL…]
not_ok() { echo "not ok $1" && shift && printf '%s\n' "$@" | sed 's/^/# /'; }
# check NAME COMMAND…: passes if the command does; what it said is shown if not.
check() {
  local name=$1 said status=0
  shift && said=$("$@" 2>&1) || status=$?
  if [ $status = 0 ]; then ok "$name"; else not_ok "$name" "\`$*\` ended with $status" "$said"; fi
}
# expect STATUS NAME COMMAND…: the same for another exit status; what the command said stays in $said.
expect() {
  local wanted=$1 name=$2 status=0
  shift 2 && said=$("$@" 2>&1) || status=$?
  if [ $status = "$wanted" ]; then ok "$name"; else not_ok "$name" "\`$*\` ended with $status, not $wanted" "$said"; fi
}
# same NAME WANTED FOUND: two texts.
same() {
  if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "$(diff <(echo "$2") <(echo "$3"))"; fi
}
# contains NAME WANTED TEXT
contains() {
  if [[ $3 == *"$2"* ]]; then ok "$1"; else not_ok "$1" "\`$2\` is not in" "$3"; fi
}

# The last part of where a link leads, "" where there is none.
link_of() { REPLY= && [ ! -e "$1" ] || { cd -P "$1" && REPLY=${PWD##*/} && cd /; }; }
driver_of() { link_of "$pci/$1/driver"; }
group_of() { link_of "$pci/$1/iommu_group"; }
# attribute_of ADDR NAME: an attribute's first line.
attribute_of() { REPLY= && { read -r REPLY <"$pci/$1/$2" || true; } 2>/dev/null; }
is_there() { [ -e "$pci/$1" ]; }

# by_hand ADDR DRIVER: binds as one does without hostpci; "" lets the kernel choose, as at boot; "none" leaves it unbound.
by_hand() {
  [ "$2" = none ] || echo "$2" >"$pci/$1/driver_override"
  [ ! -e "$pci/$1/driver" ] || echo "$1" >"$pci/$1/driver/unbind"
  [ "$2" = none ] || echo "$1" >/sys/bus/pci/drivers_probe
}

is_port() { attribute_of "$1" class && [[ $REPLY == 0x0604* ]]; }

# movable: what a person may move here: all of a group but ports, host bridges and the two devices that this machine's root lies on.
movable() {
  local path class
  for path in "$pci"/*; do
    read -r class <"$path/class"
    [[ ! -e $path/iommu_group || $class == 0x0600* || $class == 0x0604* || $path == */0000:00:1e.* ]] || echo "${path##*/}"
  done
}

# enter STATE, leave STATE: the states of the host that snapshots are taken in (`state:` of a topology).
enter() {
  case $1 in
    boot) ;;
    vfio) modprobe vfio-pci && for device in $(movable); do by_hand "$device" vfio-pci; done ;;
    vfs) echo 0 >$pci/0000:01:00.0/sriov_drivers_autoprobe && echo 4 >$pci/0000:01:00.0/sriov_numvfs ;;
    mdev) modprobe -a mdev vfio_iommu_type1 && insmod "$extra/mtty.ko" parent=0000:03:00.0 &&
      echo 00000001-0000-0000-0000-000000000100 >$pci/0000:03:00.0/mdev_supported_types/nvme-2/create ;;
    *) echo "no such state: $1" && return 1 ;;
  esac
}
leave() {
  case $1 in
    vfio) for device in $(movable); do by_hand "$device" ""; done && modprobe -r vfio-pci ;;
    vfs) echo 0 >$pci/0000:01:00.0/sriov_numvfs && echo 1 >$pci/0000:01:00.0/sriov_drivers_autoprobe ;;
    mdev) for device in /sys/bus/mdev/devices/*; do echo 1 >"$device/remove"; done && rmmod mtty ;;
  esac
}

# keep STATE: a snapshot of the host as it is, and what hostpci says of its VMs, for those outside.
keep() {
  "$hostpci" snapshot -o "$io/$1.yaml"
  . "$lab/words.sh" "$1" "" >"$io/$1.inside" 2>&1
}

# hold ADDR: opens the device as a running QEMU does, until let_go. Fails if the kernel refuses; what the probe said is in $held.
hold() { group_of "$1" && hold_of "$REPLY" "$1"; }
# hold_of GROUP DEVICE: the same for what is no PCI device.
hold_of() {
  [ -p /run/held ] || mkfifo /run/held
  exec {holding}> >(exec "$probe" hold "$1" "$2" >/run/held)
  holder=$!
  read -r held </run/held && [[ $held == *device=ok* ]]
}
let_go() { exec {holding}>&- && { wait "$holder" || true; }; }
