/* What kernels with vectors of LANES numbers share: the types, and the number of the thread that runs. */
#ifndef REFLOW_VECTORS_H
#define REFLOW_VECTORS_H

#include <stdint.h>
#ifdef _OPENMP
#include <omp.h>
#else
static inline int omp_get_thread_num(void) { return 0; }
#endif

#define LANES 16
#define INLINE static inline __attribute__((always_inline))

/* The block of a result that a product keeps in registers: ROWS x (PANELS * LANES). */
#ifdef __AVX512F__
#define ROWS 14
#define PANELS 2
#else
#define ROWS 6
#define PANELS 1
#endif

typedef float vec __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef int32_t mask __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* A NaN stays one. */
INLINE vec relu_of(vec value)
{
    const vec zero = {0};
    return (vec)((mask)value & ~(mask)(value < zero));
}

#endif
