# `groups` says whether VFIO would hand a group out: held against VFIO_GROUP_GET_STATUS for every group that has a node, while devices go
# to vfio-pci one by one, are left without a driver, and come back.
declare -A seen=()
states=0 verdicts=0

# by_hostpci: fills the array of verdicts by group.
by_hostpci() {
  local json group='"group":([0-9]+),"type":[^,]*,"devices":[^]]*],"verdict":"[a-z]*","viable":([a-z]+)'
  json=$("$hostpci" --format json groups)
  said=()
  while [[ $json =~ $group ]]; do
    said[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
    json=${json#*"${BASH_REMATCH[0]}"}
  done
}

# ask STATE: every verdict of both; a line for each that is new or has changed.
ask() {
  local group kernel expected wrong=
  local -A said
  cd /dev/vfio && set -- "$1" [0-9]* && cd /
  by_hostpci
  while read -r group kernel; do
    expected=false && [ "$kernel" != viable ] || expected=true
    [[ $kernel == viable || $kernel == not-viable ]] && [ "${said[$group]}" = $expected ] || wrong+=" $group"
    [ "${seen[$group]:-}" = "$kernel" ] || echo "verdict $topology | $1 | group $group | $kernel | viable: ${said[$group]}"
    seen[$group]=$kernel verdicts=$((verdicts + 1))
  done < <("$probe" status "${@:2}")
  states=$((states + 1))
  if [ -z "$wrong" ]; then ok "viability: $1"; else not_ok "viability: $1" "another verdict on$wrong" "$("$hostpci" groups $wrong)"; fi
}

modprobe -a vfio-pci pci-stub
devices=($(movable))
declare -A driver=() first=() second=()
for device in "${devices[@]}"; do
  driver_of "$device" && driver[$device]=$REPLY
  group_of "$device"
  if [ -z "${first[$REPLY]:-}" ]; then first[$REPLY]=$device; else second[$REPLY]=$device; fi
  by_hand "$device" vfio-pci
  ask "$device on vfio-pci"
done
for group in "${!second[@]}"; do
  by_hand "${first[$group]}" pci-stub && ask "${first[$group]} on pci-stub"
  by_hand "${first[$group]}" none && ask "${first[$group]} without a driver"
  by_hand "${second[$group]}" "" && ask "${second[$group]} back on its driver"
  [ -z "${driver[${first[$group]}]}" ] || { by_hand "${first[$group]}" "" && ask "${first[$group]} back on its driver"; }
done
for device in "${devices[@]}"; do
  driver_of "$device"
  [ "$REPLY" = "${driver[$device]}" ] || by_hand "$device" ""
done
if [ -e "$pci/0000:01:00.0/sriov_numvfs" ]; then
  enter vfs
  for device in 0000:01:00.{1..4}; do by_hand "$device" vfio-pci && ask "$device on vfio-pci"; done
  leave vfs
fi
echo "verdict $topology | $verdicts verdicts in $states states"
