# With everything on vfio-pci: VFIO gives each device out, and can reset those that `devices` says can be reset.

# The kernel looks for reset methods while it finds the devices of a bus: the first of several still has `bus`, which no longer works.
is_first_of_several() {
  local devices=("$pci/${1%:*}:"*)
  [ "${#devices[@]}" -gt 1 ]
}

enter vfio
json=$("$hostpci" --format json devices)
for device in $(movable); do
  group_of "$device"
  taken=$("$probe" take "$REPLY" "$device") || true
  contains "vfio: $device" "device=ok" "$taken"
  [[ ${json#*\"address\":\"$device\"} =~ ^[^{]*\"reset\":(true|false),\"resetMethod\":\"([^\"]*)\" ]] || not_ok "vfio: $device in the list"
  able=yes
  if [ "${BASH_REMATCH[1]}" = false ]; then able=no; elif [ "${BASH_REMATCH[2]}" = bus ] && is_first_of_several "$device"; then
    able=no && expect 3 "vfio: $device: no reset is claimed" "$hostpci" reset "$device" --yes
  fi
  same "vfio: $device: reset" "${taken##*reset=}" "$able"
done
leave vfio
