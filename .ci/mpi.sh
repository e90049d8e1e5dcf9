#!/usr/bin/env bash
# The tests under mpirun, with Open MPI and MPICH where they can be had. Where mpirun is installed already, the unit tests
# have run them; where it cannot be installed, they are skipped and say why. Then the recipes for ssh and Slurm.
set -euo pipefail
cd "$(dirname "$0")/.."

installs=false
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then installs=true; fi

# The unit tests have run this one where sshd was installed.
if $installs && [ ! -x /usr/sbin/sshd ]; then
  apt-get install -y --no-install-recommends openssh-server >/dev/null || echo "sshd could not be installed"
  ssh_test=packages/core/test/mpi/ssh.test.ts
fi

if command -v mpirun >/dev/null && [ "${1:-}" != "--again" ]; then
  echo "mpirun is installed: the unit tests have run these tests"
  [ -z "${ssh_test:-}" ] || npx vitest run "$ssh_test"
else
  if $installs; then
    apt-get install -y openmpi-bin libopenmpi-dev mpich || echo "MPI could not be installed"
  fi
  npx vitest run packages/core/test/mpi packages/{sharding,moe,pipeline}/test/mpi*.test.ts \
    examples/gpt/{mpi,restart,hosts}.test.ts
fi
bash .ci/slurm.sh

# That the benchmarks over MPI run, not how fast.
if command -v mpirun >/dev/null; then
  npx -y pnpm@10 bench mpi --rounds 1 --samples 1 --sizes 4,65536
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  for program in all-reduce-order transfers; do
    "$(command -v mpirun.openmpi || command -v mpirun)" -np 2 node packages/core/bin/meshwright.mjs run "bench/mpi/$program.ts"
  done
fi
