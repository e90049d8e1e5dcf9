#!/usr/bin/env bash
# docs/launch/slurm.sh and the commands of docs/multi-node.md on a Slurm cluster of two nodes that this script makes and removes.
# Skipped, with the reason, where it cannot be made.
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
scratch=$(mktemp -d)
source .ci/slurm-cluster.sh
trap 'stop_cluster; rm -rf "$scratch"' EXIT

skip() {
  echo "Slurm: skipped: $1"
  exit 0
}

# The engine that tests take for programs this small.
program=$root/packages/core/test/mpi/programs/misbehave.ts
run=(node_modules/.bin/meshwright run "$program" --engine cpu --)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
passed=0
failed=0

# Runs a command on head, and keeps its exit code and output for the checks that follow.
job() {
  echo "- $*"
  (cd "$scratch/job" && on head timeout 120 "$@") >"$scratch/output" 2>&1 </dev/null
  code=$?
}

check() { # what command...
  local what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $what (exit code $code)"
    cat "$scratch/output"
  fi
}

says() { grep -qE -- "$1" "$scratch/output"; }
ends_well() { [ "$code" = 0 ]; }
ends_badly() { [ "$code" != 0 ] && [ "$code" != 124 ]; }

four_ranks() {
  [ "$(grep '^\[node-' "$scratch/output" | sort)" = "[node-a rank 0] sum 10 of 4, well
[node-a rank 1] sum 10 of 4, well
[node-b rank 2] sum 10 of 4, well
[node-b rank 3] sum 10 of 4, well" ]
}

# What the options of srun lead to: `mpi` is a plug-in of Slurm, and "$@" what else it needs.
check_srun() {
  local mpi=$1
  job srun -N 2 -n 4 --mpi="$mpi" --cpu-bind=cores "${run[@]}" well
  check "four ranks on two nodes" ends_well
  check "lines labelled by host and rank" four_ranks
  job srun -N 2 -n 2 --mpi="$mpi" --kill-on-bad-exit=1 "${run[@]}" die
  check "exit code of a rank that is killed" ends_badly
  check "no process left" nodes_are_empty
}

check_throw() {
  job srun -N 2 -n 2 --mpi=pmix --kill-on-bad-exit=1 "${run[@]}" throw
  check "exit code of a rank that throws" ends_badly
  check "its error" says "rank 1 failed: asked to fail"
}

# npx passes on what Open MPI needs, but not what MPICH does; and without a plug-in there is nothing to pass on.
check_mistakes() {
  job srun -N 2 -n 2 --mpi=none "${run[@]}" well
  check "exit code without a plug-in" ends_badly
  check "Open MPI's words without a plug-in" says "direct launched using .srun."
  job srun -N 2 -n 2 --mpi=pmi2 npx meshwright run "$program" --engine cpu -- well
  check "exit code of npx with pmi2" ends_badly
  check "what to do instead of npx" says "start node_modules/.bin/meshwright instead of npx meshwright"
}

check_mpirun() {
  job salloc -N 2 --ntasks-per-node=1 "$1" npx meshwright run "$program" --engine cpu -- well
  check "mpirun in an allocation" ends_well
  check "one rank on each node" says "^\[node-b rank 1\] sum 3 of 2, well"
}

# The batch script, with an accident in its first attempt: the losses are those of a run on threads without one.
check_batch() { # accident
  rm -rf "$scratch/job/checkpoints" "$scratch/batch.log"
  export ACCIDENT=$1
  job sbatch --wait --nodes=2 --ntasks-per-node=1 --output="$scratch/batch.log" "$root/docs/launch/slurm.sh"
  cat "$scratch/batch.log" >>"$scratch/output"
  check "batch script" ends_well
  check "resumed" says '"resumedFrom":"checkpoints/step-'
  check "losses of the restarted training" same_losses
  check "no process left by the batch script" nodes_are_empty
}

check_lost_rank() {
  (cd "$scratch/job" && npx meshwright run train.ts --ranks 2 -- straight) >"$scratch/straight" 2>&1
  check_batch kill
  check "restart" says "starting it again \(restart 1 of 3\)"
}

same_losses() {
  local losses='"losses":\[[^]]+\],"finalHash":"[^"]+"'
  local expected
  expected=$(grep -oE "$losses" "$scratch/straight") && grep -qF -- "$expected" "$scratch/output"
}

write_job() {
  mkdir "$scratch/job"
  ln -s "$root/examples/node_modules" "$scratch/job/node_modules"
  echo '{ "type": "module" }' >"$scratch/job/package.json"
  cat >"$scratch/job/train.ts" <<TRAIN
import { defineProgram } from "@meshwright/core";
import training from "$root/examples/gpt/restartable.ts";

export default defineProgram((context) => {
  const accident = process.env.SLURM_JOB_ID === undefined ? "none" : process.env.ACCIDENT;
  const options = { ...context.options, args: [...context.options.args, "tp", accident] };
  return training.main({ ...context, options });
});
TRAIN
}

install() {
  local packages=(slurmd slurmctld slurm-client munge)
  type -P slurmd slurmctld srun munged >/dev/null && return
  command -v apt-get >/dev/null || return
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y --no-install-recommends "${packages[@]}" ||
    { apt-get update && apt-get install -y --no-install-recommends "${packages[@]}"; }
}

[ "$(id -u)" = 0 ] || skip "needs root, to make hosts as network namespaces"
type -P ip nsenter unshare >/dev/null || skip "needs ip, nsenter and unshare"
install >"$scratch/install.log" 2>&1 || skip "slurmd, slurmctld, slurm-client and munge cannot be installed"
make_hosts 2>/dev/null || skip "network namespaces cannot be made here"
if ! start_cluster; then
  tail -n 20 "$scratch"/*.log
  skip "the cluster does not start on this machine; see its logs above"
fi
write_job
start=$SECONDS
libraries=$(ldconfig -p)
case $libraries in *libmpi.so.40*)
  check_srun pmix
  check_throw
  check_mistakes
  check_mpirun "$(command -v mpirun.openmpi || command -v mpirun)"
  check_lost_rank
  ;;
*) echo "Open MPI is not installed" ;;
esac
case $libraries in *libmpich.so.12*) check_srun pmi2 ;; *) echo "MPICH is not installed" ;; esac
echo "Slurm: $passed checks passed, $failed failed, $((SECONDS - start)) s"
[ "$failed" = 0 ]
