#!/bin/sh
# In the booted host, once everything is up: writes down for the test outside how it stands, then switches off.
out=/var/lib/boot-test
rm -rf "$out" && mkdir "$out" && cd "$out" || exit
cut -d ' ' -f 1 /proc/uptime >seconds

drivers() {
  for device in /sys/bus/pci/devices/*; do
    driver=$(readlink "$device/driver")
    driver=${driver##*/}
    echo "${device##*/} ${driver:-none}"
  done
}

# What hostpci reads of a host, for the same questions without a boot.
record() {
  find /sys/bus/pci /sys/bus/usb /sys/devices/pci* /sys/devices/virtual /sys/kernel/iommu_groups /sys/kernel/mm/hugepages /sys/class \
    /sys/module/*/parameters /sys/module/*/initstate /sys/firmware/acpi/tables /proc/cmdline /proc/cpuinfo /proc/interrupts /proc/iomem \
    /proc/meminfo /proc/modules /proc/version /proc/devices /proc/filesystems /proc/partitions /proc/swaps /proc/sys/kernel/osrelease \
    ! -type d ! -name 'resource[0-9]*' ! -name rom ! -path '*/power/*' ! -path '*/vpd' -print0 | xargs -0 cp -a --parents -t "$out"
  mkdir -p sys/class/iommu sys/kernel/iommu_groups proc/self proc/net  # empty without an IOMMU, but there
  cat /proc/self/mountinfo >proc/self/mountinfo
  cat /proc/mounts >proc/mounts
  cat /proc/net/route >proc/net/route
}

udevadm settle
timer=hostpci-unconfirmed.timer
systemctl --quiet is-active $timer && systemctl show --value --property NextElapseUSecMonotonic $timer >waits
cat /proc/cmdline >cmdline
drivers >drivers
dmesg >dmesg
systemctl --failed --plain --no-legend >failed-units
hostpci plan --exit-code >plan 2>&1
echo $? >plan.status
hostpci doctor >doctor 2>&1
echo $? >doctor.status
[ ! -e /etc/boot-test-record ] || record 2>/dev/null
cut -d ' ' -f 1 /proc/uptime >>seconds
sync
[ -e waits ] || exec systemctl poweroff --force

# Nobody confirms the change, but the test is spared most of the wait.
mkdir -p /run/systemd/system/$timer.d
printf '[Timer]\nOnBootSec=1\n' >/run/systemd/system/$timer.d/sooner.conf
systemctl daemon-reload
systemctl restart $timer
