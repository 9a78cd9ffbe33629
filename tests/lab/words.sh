# What $hostpci says of the VMs of the host, and the arguments that they would be started with. Sourced inside and outside.
$hostpci lint --fail-on never || echo "status $?"
for vm in 100 101 102; do
  $hostpci showcmd $vm || echo "status $?"
done
