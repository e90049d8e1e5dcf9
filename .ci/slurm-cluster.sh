# A Slurm cluster on this machine, for .ci/slurm.sh: the hosts node-a and node-b that compute, and head, from which jobs are
# sent, are network namespaces joined by a bridge. All files are in $scratch; nothing of this machine's own settings is used or changed.

prefix=mwslurm
network=10.94.0
hosts=(node-a node-b head)
daemons=()

namespace_of() { # host
  case $1 in node-a) echo $prefix-1 ;; node-b) echo $prefix-2 ;; *) echo $prefix-3 ;; esac
}

# Runs a command on a host. `ip netns exec` would hide /sys/fs/cgroup, without which slurmd does not start.
on() { # host command...
  local host=$1
  shift
  nsenter --net="/run/netns/$(namespace_of "$host")" unshare --uts bash -c 'hostname "$0"; exec "$@"' "$host" "$@"
}

make_hosts() {
  remove_hosts
  ip link add $prefix-br type bridge && ip link set $prefix-br up || return
  local number=0 host name
  for host in "${hosts[@]}"; do
    number=$((number + 1))
    name=$(namespace_of "$host")
    ip netns add "$name" && ip link add $prefix-v$number type veth peer name eth0 netns "$name" || return
    ip link set $prefix-v$number master $prefix-br up
    ip -n "$name" addr add $network.$number/24 dev eth0
    ip -n "$name" link set eth0 up
    ip -n "$name" link set lo up
  done
}

remove_hosts() {
  local number=0 host name
  for host in "${hosts[@]}"; do
    number=$((number + 1))
    name=$(namespace_of "$host")
    ip netns pids "$name" 2>/dev/null | xargs -r kill -9
    ip link del $prefix-v$number 2>/dev/null
    ip netns del "$name" 2>/dev/null
  done
  ip link del $prefix-br 2>/dev/null
  return 0
}

write_settings() {
  mkdir -p "$scratch"/{state,spool/node-a,spool/node-b,tmp/node-a,tmp/node-b,munge}
  chmod 700 "$scratch/munge"
  (umask 077 && head -c 1024 /dev/urandom >"$scratch/munge/key")
  cat >"$scratch/slurm.conf" <<SETTINGS
ClusterName=meshwright
SlurmctldHost=head($network.3)
SlurmUser=root
SlurmdUser=root
AuthInfo=socket=$scratch/munge/socket
StateSaveLocation=$scratch/state
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmctldLogFile=$scratch/slurmctld.log
SlurmdSpoolDir=$scratch/spool/%n
SlurmdPidFile=$scratch/slurmd-%n.pid
SlurmdLogFile=$scratch/slurmd-%n.log
# Two nodes that share a disk must not share the files of PMIx.
TmpFS=$scratch/tmp/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
SlurmdParameters=config_overrides
KillWait=5
NodeName=node-a NodeAddr=$network.1 CPUs=2
NodeName=node-b NodeAddr=$network.2 CPUs=2
PartitionName=main Nodes=ALL Default=YES
SETTINGS
  export SLURM_CONF=$scratch/slurm.conf
}

start_cluster() {
  write_settings
  munged --foreground --force --key-file="$scratch/munge/key" --socket="$scratch/munge/socket" \
    --pid-file="$scratch/munge/pid" --seed-file="$scratch/munge/seed" >"$scratch/munged.log" 2>&1 &
  daemons+=($!)
  until [ -S "$scratch/munge/socket" ] || ! kill -0 "${daemons[0]}"; do sleep 0.1; done
  on head slurmctld -D -i >/dev/null 2>&1 &
  daemons+=($!)
  local node
  for node in node-a node-b; do
    on $node slurmd -D -N $node >/dev/null 2>&1 &
    daemons+=($!)
  done
  local try
  for try in $(seq 40); do
    [ "$(on head sinfo -h -N -o %T | sort -u)" = idle ] && return
    sleep 0.5
  done
  return 1
}

# Ends all that start_cluster has started.
stop_cluster() {
  [ ${#daemons[@]} = 0 ] || kill "${daemons[@]}" 2>/dev/null
  wait
  remove_hosts
}

# Whether nothing but slurmd is left on the nodes. The last processes of a step may take a moment to end.
nodes_are_empty() {
  local try
  for try in $(seq 40); do
    [ "$(ip netns pids $prefix-1 | wc -l) $(ip netns pids $prefix-2 | wc -l)" = "1 1" ] && return
    sleep 0.5
  done
  return 1
}
