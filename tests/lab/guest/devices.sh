# `devices` names what sysfs and lspci name: every device by address, class, id, driver and group, and what it can do.

# "ADDR CLASS VENDOR:DEVICE DRIVER GROUP", "-" for none.
by_kernel() {
  local path class vendor device
  for path in "$pci"/*; do
    read -r class <"$path"/class && read -r vendor <"$path"/vendor && read -r device <"$path"/device
    driver_of "${path##*/}" && driver=$REPLY && group_of "${path##*/}"
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

# "ADDR KIND NAME" of what hangs on the devices; a disk of several paths hangs on the controllers of its subsystem.
used_by_kernel() {
  local use kind controller
  for use in "$pci"/*/net/* "$pci"/*/drm/card[0-9] "$pci"/*/sound/card[0-9] "$pci"/*/nvme/nvme*/nvme[0-9]n[0-9]; do
    [ -e "$use" ] && kind=${use#"$pci"/*/} && kind=${kind%%/*} || continue
    use=${use#"$pci"/} && echo "${use%%/*} ${kind/nvme/disk} ${use##*/}"
  done
  for use in /sys/class/nvme-subsystem/*/nvme[0-9]n[0-9]; do
    [ -e "$use" ] || continue
    for controller in "${use%/*}"/nvme[0-9]; do link_of "$controller/device" && echo "$REPLY disk ${use##*/}"; done
  done
}

used_by_hostpci() {
  local json=$1 address use='"(kind|address)":"([^"]*)"(,"name":"([^"]*)")?'
  while [[ $json =~ $use ]]; do
    case ${BASH_REMATCH[2]} in
      net | drm | sound | disk) [[ ${BASH_REMATCH[4]} == *c[0-9]n[0-9] ]] || echo "$address ${BASH_REMATCH[2]} ${BASH_REMATCH[4]}" ;;  # not a path to one
      0000:*) [ "${BASH_REMATCH[1]}" = kind ] || address=${BASH_REMATCH[2]} ;;
    esac
    json=${json#*"${BASH_REMATCH[0]}"}
  done
}

without_interface() { sed 's/ \(0x....\).. / \1 /'; }

json=$("$hostpci" --format json devices)
found=$(by_hostpci "$json")
same "devices: what sysfs says" "$(by_kernel)" "$found"
same "devices: what the kernel hangs on them" "$(used_by_kernel | sort)" "$(used_by_hostpci "$json" | sort)"
same "devices: what lspci says" "$(by_lspci)" "$(without_interface <<<"$found")"
[ -n "$found" ] && ok "devices: there are some"
