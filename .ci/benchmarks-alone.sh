#!/usr/bin/env bash
# Small runs of the benchmarks that are not part of `pnpm bench`: that they run, not how fast.
set -euo pipefail
bench=(npx -y pnpm@10 bench)

"${bench[@]}" autograd --samples 3
"${bench[@]}" context-parallel --positions 64 --samples 1
"${bench[@]}" data-parallel --rounds 1 --features 32 --layers 1
"${bench[@]}" redistribute --rounds 2
"${bench[@]}" moe --samples 1 --tokens 64 --features 16 --hidden 32
"${bench[@]}" copies --samples 1
