# Runs the topology's scenarios one after the other; after each, every device has the driver that it had.
results=$io/results
exec >"$results" 2>&1

# "ADDR DRIVER OVERRIDE" of every device.
drivers() {
  local device override driver
  for device in /sys/bus/pci/devices/*; do
    driver=$(readlink "$device/driver") || driver=none
    read -r override <"$device/driver_override"
    echo "${device##*/} ${driver##*/} $override"
  done
}

before=$(drivers)
for scenario in $scenarios; do
  read -r up _ </proc/uptime && echo "# $scenario, $up s after the start"
  if [ -e "$lab/guest/$scenario.sh" ]; then
    bash -euo pipefail -c '. "$lab/guest/lib.sh"; . "$lab/guest/$0.sh"' "$scenario" || echo "not ok $scenario: ended early, status $?"
  else
    echo "not ok $scenario: there is no such scenario"
  fi
  after=$(drivers)
  if [ "$before" = "$after" ]; then echo "ok $scenario: every device has its driver again"; else
    echo "not ok $scenario: every device has its driver again" && diff <(echo "$before") <(echo "$after") | sed 's/^/# /'
    dmesg | tail -n 20 | sed 's/^/# /'
    bash -c '. "$lab/guest/lib.sh"; leave vfio' || true  # so that the next one begins as it has to
  fi
done
read -r up _ </proc/uptime && echo "# end, $up s after the start"
echo "$(grep -c "^ok " "$results" || true) passed, $(grep -c "^not ok " "$results" || true) failed"
exec >/dev/console
