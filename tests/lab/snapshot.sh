#!/usr/bin/env bash
# A snapshot that hostpci takes of a topology in a state (guest/lib.sh: enter), as it stands in fixtures/hosts.
# Usage: snapshot.sh HOSTPCI TOPOLOGY STATE >fixtures/hosts/TOPOLOGY-STATE.yaml
set -euo pipefail
here=$(dirname "$(realpath "$0")")
. "$here/machine.sh"

need_tools >&2
hostpci=$(realpath "$1") scenarios=snapshots states=$3
prepare_kernel && prepare_drivers
work=$(work_directory)
copy_programs
run_machine "$2" "$work/$2" scenarios 150 || true
[ -s "$work/$2/$3.yaml" ] || { cat "$work/$2/results" "$work/$2/console" >&2 && exit 1; }
echo "# tests/lab/snapshot.sh build/release/hostpci $2 $3"
cat "$work/$2/$3.yaml"
