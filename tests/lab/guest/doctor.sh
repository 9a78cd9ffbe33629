# `doctor` says of the IOMMU, of interrupt remapping and of unsafe interrupts what the kernel shows when a device is taken.

# status_of CHECK: PASS, WARN, FAIL or UNKNOWN in the report.
status_of() { [[ $report =~ \"name\":\"$1\",\"status\":\"([A-Z]*)\" ]] && REPLY=${BASH_REMATCH[1]}; }
# says NAME CHECK STATUS
says() {
  status_of "$2" && same "doctor: $1: $2 is $3" "$3" "$REPLY"
  echo "verdict $topology | doctor | $1 | $2: $REPLY"
}
doctor() { report=$("$hostpci" --format json doctor) || true; }

# A device that a person may move and that is alone in its group, ports aside; "" without groups.
lonely() {
  local device member others
  for device in $(movable); do
    group_of "$device" && others=0
    for member in /sys/kernel/iommu_groups/"$REPLY"/devices/*; do is_port "${member##*/}" || others=$((others + 1)); done
    [ $others != 1 ] || { REPLY=$device && return; }
  done
  REPLY=
}

# take: asks VFIO for the device.
take() { group_of "$device" && "$probe" take "$REPLY" "$device" || true; }

with_groups() {
  local taken unsafe=/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
  doctor && says "as booted" iommu PASS
  modprobe vfio-pci && driver_of "$device" && driver=$REPLY
  by_hand "$device" vfio-pci
  taken=$(take)
  case $taken in
    *device=ok*) says "VFIO gives $device out" interrupt-remapping PASS ;;
    *iommu=EPERM*) says "VFIO refuses $device" interrupt-remapping FAIL ;;
    *) not_ok "doctor: VFIO's answer" "$taken" ;;
  esac
  says "as booted" unsafe-interrupts PASS
  echo Y >$unsafe && doctor && contains "doctor: VFIO with unsafe interrupts" "device=ok" "$(take)"
  says "unsafe interrupts allowed" unsafe-interrupts WARN
  status_of interrupt-remapping && [ "$REPLY" != FAIL ] && ok "doctor: with unsafe interrupts their remapping is no failure"
  echo N >$unsafe
  by_hand "$device" ""
}

# The reason is the topology's own.
without_groups() {
  doctor && says "as booted" iommu FAIL
  case $topology in
    iommuoff) contains "doctor: the reason" '"cause":"command-line","certainty":"certain"' "$report" ;;
    noiommu) contains "doctor: the reason" '"cause":"guest","certainty":"certain"' "$report" ;;
    *) not_ok "doctor: $topology has groups" ;;
  esac
  modprobe vfio-pci
  by_hand 0000:01:00.0 vfio-pci || true
  driver_of 0000:01:00.0 && same "doctor: vfio-pci takes nothing" "" "$REPLY"
  by_hand 0000:01:00.0 ""
}

lonely && device=$REPLY
if [ -n "$device" ]; then with_groups; else without_groups; fi
