#!/usr/bin/env bash
# hostpci on a real Linux kernel with a real IOMMU: one virtual machine a topology, each with all its scenarios, two at a time.
# Usage: run.sh HOSTPCI [TOPOLOGY…]. A kernel is fetched once: $HOSTPCI_LAB, or hostpci/lab in the user's cache.
#
# A topology (topologies/NAME) is the machine's devices as QEMU takes them, the kernel's command line (`cmdline:`), the processor
# (`cpu:`), the scenarios (`scenario:`) and the states that snapshots are taken in (`state:`, see guest/lib.sh); hosts/NAME has its VMs.
# A scenario is guest/NAME.sh: commands for bash -euo pipefail after guest/lib.sh, which has `check`, `same`, `expect`, `driver_of`,
# `hold` and more; it leaves every device with the driver that it had. To add one: write the file, name it in the topologies. A line
# `verdict …` is shown here. Inside, / is this machine's, read-only below a layer of memory; $hostpci, $probe, $lab, $extra (modules in
# the cache's extra/), $topology and $io (the one directory that is kept) are set. $HOSTPCI_LAB_KEEP keeps all of it in that directory.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
. "$here/machine.sh"

need_tools
hostpci=$(realpath "$1") && shift
[ $# -gt 0 ] || set -- guest clean shared gpu gpu-std sriov amd nointremap iommuoff noiommu  # the longest first
prepare_kernel && prepare_drivers
work=$(work_directory)

# What hostpci says inside, it says outside too, with the snapshot and the same VMs.
outside() {
  local io=$work/$1 root=$work/$1/root snapshot state
  mkdir -p "$root" && cp -r "$here/hosts/all/." "$root"
  [ ! -d "$here/hosts/$1" ] || cp -r "$here/hosts/$1/." "$root"
  for snapshot in "$io"/*.yaml; do
    [ -e "$snapshot" ] || continue
    state=${snapshot##*/} && state=${state%.yaml}
    (hostpci="$work/hostpci --root $root --host $snapshot" && . "$here/words.sh" "$state" "$root") >"$io/$state.outside" 2>&1
    if diff "$io/$state.inside" "$io/$state.outside" >"$io/difference"; then echo "ok outside: $state"; else
      echo "not ok outside: $state" && sed 's/^/# /' "$io/difference"
    fi
  done
}

# try TOPOLOGY: the verdict goes to WORK/TOPOLOGY/line.
try() {
  local start=$SECONDS io=$work/$1 words="no status" last
  run_machine "$1" "$io" scenarios "${HOSTPCI_LAB_SECONDS:-300}" || true
  last=$(tail -n 1 "$io/results" 2>/dev/null || true)
  if [[ $last =~ ^[0-9]+\ passed,\ [0-9]+\ failed$ ]]; then
    outside "$1" >>"$io/results"
    words="$(grep -c '^ok ' "$io/results" || true) passed, $(grep -c '^not ok ' "$io/results" || true) failed"
  fi
  printf '%-12s %-24s %3d s\n' "$1" "$words" $((SECONDS - start)) | tee "$io/line"
}

# What a reader needs: all that failed with the reasons, the verdicts, and of a machine without a status its last words.
show() {
  local io=$work/$1
  echo "lab: $1"
  { grep -A 12 '^not ok' "$io/results" | head -n 100; } || true
  grep '^verdict' "$io/results" || true
  ! grep -q ' no status ' "$io/line" || tail -n 5 "$io/results" "$io/console" "$io/qemu.log"
}

copy_programs
for topology; do
  while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
  try "$topology" &
done
wait || true
for topology; do show "$topology"; done
for topology; do cat "$work/$topology/line"; done
for topology; do grep -q ' [1-9][0-9]* passed, 0 failed' "$work/$topology/line" || exit 1; done
