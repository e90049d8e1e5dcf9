/* The loop of program.ts in C, with the same calls of MPI: collective:bytes:calls ... samples -> microseconds, a line each. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int rank, size;

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  int samples = atoi(argv[argc - 1]);
  double *times = malloc(samples * sizeof(double));
  int *counts = malloc(size * sizeof(int)), *offsets = malloc(size * sizeof(int));
  for (int each = 1; each < argc - 1; each++) {
    char name[32];
    long bytes, calls;
    if (sscanf(argv[each], "%31[a-zA-Z]:%ld:%ld", name, &bytes, &calls) != 3) MPI_Abort(MPI_COMM_WORLD, 2);
    int length = bytes / 4, piece = length / size > 0 ? length / size : 1;
    float *whole = calloc(length + piece * size, 4), *other = calloc(length + piece * size, 4);
    for (int r = 0; r < size; r++) counts[r] = piece, offsets[r] = r * piece;
    for (int sample = -1; sample < samples; sample++) {
      long now = sample < 0 ? (calls / 4 > 20 ? calls / 4 : 20) : calls;
      MPI_Barrier(MPI_COMM_WORLD);
      double start = MPI_Wtime();
      for (long call = 0; call < now; call++) {
        if (!strcmp(name, "allReduce"))
          MPI_Allreduce(MPI_IN_PLACE, whole, length, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
        else if (!strcmp(name, "allGather"))
          MPI_Allgatherv(other, piece, MPI_FLOAT, whole, counts, offsets, MPI_FLOAT, MPI_COMM_WORLD);
        else if (!strcmp(name, "reduceScatter"))
          MPI_Reduce_scatter(whole, other, counts, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
        else if (!strcmp(name, "allToAll"))
          MPI_Alltoallv(whole, counts, offsets, MPI_FLOAT, other, counts, offsets, MPI_FLOAT, MPI_COMM_WORLD);
        else if (!strcmp(name, "broadcast"))
          MPI_Bcast(whole, length, MPI_FLOAT, 0, MPI_COMM_WORLD);
        else
          MPI_Barrier(MPI_COMM_WORLD);
      }
      double own = (MPI_Wtime() - start) * 1e6 / now, slowest;
      MPI_Allreduce(&own, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
      if (sample >= 0) times[sample] = slowest;
    }
    qsort(times, samples, sizeof(double), ascending);
    if (rank == 0) printf("%.4f\n", times[samples / 2]);
    free(whole);
    free(other);
  }
  MPI_Finalize();
  return 0;
}
