# What $hostpci says of the VMs of the host in a state, and at boot the arguments that they would be started with. Sourced inside and outside.
# Usage: . words.sh STATE ROOT
$hostpci lint --fail-on never || echo "status $?"
for vm in "$2"/etc/pve/nodes/lab/qemu-server/*.conf; do
  vm=${vm##*/}
  [ "$1" != boot ] || $hostpci showcmd "${vm%.conf}" || echo "status $?"
done
