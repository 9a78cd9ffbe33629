# `devices` names what sysfs and lspci name: every device by address, class, id, driver and group, and what it can do.

# "ADDR CLASS VENDOR:DEVICE DRIVER GROUP", "-" for none.
by_kernel() {
  local path class vendor device
  for path in $pci/*; do
    read -r class <$path/class && read -r vendor <$path/vendor && read -r device <$path/device
    driver_of ${path##*/} && driver=$REPLY && group_of ${path##*/}
    echo "${path##*/} $class ${vendor#0x}:${device#0x} ${driver:--} ${REPLY:--}"
  done
}

# lspci has the class without its programming interface.
by_lspci() {
  local key value slot= class= vendor= device= driver=- group=-
  while read -r key value; do
    case $key in
      Slot:) slot=$value ;;
      Class:) class=$value ;;
      Vendor:) vendor=$value ;;
      Device:) device=$value ;;
      Driver:) driver=$value ;;
      IOMMUGroup:) group=$value ;;
      '') echo "$slot 0x$class $vendor:$device $driver $group" && driver=- group=- ;;
    esac
  done < <(lspci -Dnvmmk)
}

# One line a device out of the JSON: everything up to the group is in a fixed order.
by_hostpci() {
  local json=$1 group text='"([^"\\]|\\.)*"'
  local device="\"address\":\"([^\"]*)\",\"class\":\"([^\"]*)\",\"className\":$text,\"id\":\"([^\"]*)\",\"subsystem\":$text,\"name\":$text,\"driver\":\"([^\"]*)\",\"group\":(-?[0-9]+)"
  while [[ $json =~ $device ]]; do
    group=${BASH_REMATCH[8]} && [ "$group" != -1 ] || group=-
    echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]} ${BASH_REMATCH[4]} ${BASH_REMATCH[7]:--} $group"
    json=${json#*"${BASH_REMATCH[0]}"}
  done
}

without_interface() { sed 's/ \(0x....\).. / \1 /'; }

found=$(by_hostpci "$("$hostpci" --format json devices)")
same "devices: what sysfs says" "$(by_kernel)" "$found"
same "devices: what lspci says" "$(by_lspci)" "$(without_interface <<<"$found")"
[ -n "$found" ] && ok "devices: there are some"
