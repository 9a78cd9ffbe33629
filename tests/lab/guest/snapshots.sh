# Snapshots in each state of the topology, with what is found inside: run.sh holds that against the same from outside.
for state in $states; do
  enter "$state"
  keep "$state"
  leave "$state"
  [ -s "$io/$state.yaml" ] && ok "snapshots: $state"
done
