/* What becomes of a convolution's sums on the way to memory: a bias, a residual, a ReLU or ReLU6, and the maximum of each
 * window of 2x2. */
#ifndef REFLOW_ENDING_H
#define REFLOW_ENDING_H

#include "activations.h"

typedef uint8_t bytes __attribute__((vector_size(LANES), aligned(1), may_alias));

typedef struct {
    const float *bias;     /* or null */
    const float *residual; /* as large as the result, for kernels that take one, not with `pool`; or null */
    int64_t activation;    /* one that `clipped` knows */
    int64_t pool;
    float *out;            /* with `pool` of half the height and the width, which are even */
    uint8_t *places;       /* of the maxima in their windows, as in max_pool.c; or null */
} ending;

/* The residual is not among it: kernels add it to the sums before. */
INLINE vec ended(const ending *e, vec sum, int64_t channel)
{
    const vec zero = {0}, value = sum + (e->bias ? *(const vec *)(e->bias + channel) : zero);
    return clipped(e->activation, value);
}

/* `ended` of `count` sums of these channels. What is to be done is decided before the loops. */
INLINE void end_all(const ending *e, vec *sums, const int count, int64_t channel)
{
    if (e->bias) {
        const vec bias = *(const vec *)(e->bias + channel);
        for (int i = 0; i < count; ++i)
            sums[i] += bias;
    }
    if (e->activation == RELU)
        for (int i = 0; i < count; ++i)
            sums[i] = relu_of(sums[i]);
    else if (e->activation == RELU6)
        for (int i = 0; i < count; ++i)
            sums[i] = clipped(RELU6, sums[i]);
}

/* Stores the maxima of four numbers each, at `at` of the result. A later number has to be greater, or no number at all. */
INLINE void store_greatest(const ending *e, vec first, vec second, vec third, vec fourth, int64_t at)
{
    const vec values[] = {first, second, third, fourth};
    vec best = first;
    mask place = {0};
#pragma GCC unroll 4
    for (int i = 1; i < 4; ++i) {
        const mask better = (mask)(values[i] > best) | (mask)(values[i] != values[i]);
        best = (vec)((mask)values[i] & better | (mask)best & ~better);
        place = better & i | place & ~better;
    }
    *(vec *)(e->out + at) = best;
    if (e->places)
        *(bytes *)(e->places + at) = __builtin_convertvector(place, bytes);
}

#endif
