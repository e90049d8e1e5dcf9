#!/usr/bin/env bash
# The tests under mpirun, with Open MPI and MPICH where they can be had. Where mpirun is installed already, the unit tests
# have run them; where it cannot be installed, they are skipped and say why.
set -euo pipefail
cd "$(dirname "$0")/.."

if command -v mpirun >/dev/null && [ "${1:-}" != "--again" ]; then
  echo "mpirun is installed: the unit tests have run these tests"
  exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get install -y openmpi-bin libopenmpi-dev mpich || echo "MPI could not be installed"
fi
npx vitest run packages/core/test/mpi packages/{sharding,moe,pipeline}/test/mpi*.test.ts \
  examples/gpt/{mpi,restart,hosts}.test.ts
