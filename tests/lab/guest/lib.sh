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

# hold ADDR: opens the device as a running QEMU does, until let_go. Fails if the kernel refuses; what the probe said is in $held.
hold() {
  group_of "$1"
  coproc HOLDER { "$probe" hold "$REPLY" "$1"; }
  holder=$HOLDER_PID
  read -r held <&"${HOLDER[0]}" && [[ $held == *device=ok* ]]
}
let_go() { eval "exec ${HOLDER[1]}>&-" && wait "$holder"; }
