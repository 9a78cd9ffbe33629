# `groups` has the members of every group as the kernel has them; without groups it tells why.

by_kernel() {
  local group members
  for group in /sys/kernel/iommu_groups/*; do
    [ -e "$group" ] || continue
    members=("$group"/devices/*)
    echo "${group##*/} ${members[*]##*/}"
  done | sort -n
}

by_hostpci() {
  local json=$1 group='"group":([0-9]+),"type":[^,]*,"devices":\[([^]]*)\]' members
  while [[ $json =~ $group ]]; do
    members=${BASH_REMATCH[2]//\"/}
    echo "${BASH_REMATCH[1]} ${members//,/ }"
    json=${json#*"${BASH_REMATCH[0]}"}
  done
}

same "groups: members of each" "$(by_kernel)" "$(by_hostpci "$("$hostpci" --format json groups)")"
if [ -z "$(by_kernel)" ]; then
  contains "groups: why there are none" "the IOMMU is absent or off" "$("$hostpci" groups)"
fi
