/* Cross entropy of softmax, and its gradient by the features, for reflow/ops/native/cross_entropy.py.
 *
 * Features are float32 [batch, classes]. Where only one output is wanted, the other pointer is null. With m the greatest
 * feature x of a row and s the sum of exp(x - m), softmax is exp(x - m) / s, and its logarithm x - m - log s.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "float_functions.h"

#define EXPORT __attribute__((visibility("default")))
#define LANES 16

static float greatest(const float *x, int64_t classes)
{
    float result = x[0];
#pragma omp simd reduction(max : result)
    for (int64_t j = 0; j < classes; ++j)
        result = x[j] > result ? x[j] : result;
    return result;
}

/* A vector of exp(x - m), and their sums so far. */
static inline void powers_of(const float *x, float m, float *powers, float *sums)
{
    for (int l = 0; l < LANES; ++l) {
        powers[l] = exponential(x[l] - m);
        sums[l] += powers[l];
    }
}

/* The sum of exp(x - m), whose terms go to `powers`, if that is not null. What is left of a row is filled up to a vector:
 * rows of few classes would else be worked on number by number. */
static float sum_of_powers(const float *x, float m, int64_t classes, float *powers)
{
    float sums[LANES] = {0}, terms[LANES], rest[LANES];
    int64_t j = 0;
    for (; j + LANES <= classes; j += LANES)
        powers_of(x + j, m, powers ? powers + j : terms, sums);
    if (j < classes) {
        for (int l = 0; l < LANES; ++l)
            rest[l] = -INFINITY;
        memcpy(rest, x + j, (size_t)(classes - j) * sizeof *x);
        powers_of(rest, m, terms, sums);
        if (powers)
            memcpy(powers + j, terms, (size_t)(classes - j) * sizeof *x);
    }
    double sum = 0;
    for (int l = 0; l < LANES; ++l)
        sum += sums[l];
    return (float)sum;
}

/* Returns how many labels are no class; their rows are left as they are. */
EXPORT int64_t reflow_sparse_cross_entropy(const float *features, const void *labels, float *loss, float *gradient,
                                           int64_t wide, int64_t batch, int64_t classes, int64_t threads)
{
    int64_t bad = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : bad)
    for (int64_t i = 0; i < batch; ++i) {
        const int64_t label = wide ? ((const int64_t *)labels)[i] : ((const int32_t *)labels)[i];
        if ((uint64_t)label >= (uint64_t)classes) {
            ++bad;
            continue;
        }
        const float *x = features + i * classes;
        float *row = gradient ? gradient + i * classes : 0;
        const float m = greatest(x, classes), sum = sum_of_powers(x, m, classes, row);
        if (loss)
            loss[i] = logarithm(sum) - (x[label] - m);
        if (row) {
            const float scale = 1 / sum;
#pragma omp simd
            for (int64_t j = 0; j < classes; ++j)
                row[j] *= scale;
            row[label] -= 1;
        }
    }
    return bad;
}

/* Labels are distributions, float32 [batch, classes]. */
EXPORT int64_t reflow_cross_entropy(const float *features, const float *labels, float *loss, float *gradient,
                                    int64_t batch, int64_t classes, int64_t threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < batch; ++i) {
        const float *x = features + i * classes, *y = labels + i * classes;
        float *row = gradient ? gradient + i * classes : 0;
        const float m = greatest(x, classes), sum = sum_of_powers(x, m, classes, row), scale = 1 / sum;
        if (loss) {
            const float log_sum = logarithm(sum);
            float total = 0;
#pragma omp simd reduction(+ : total)
            for (int64_t j = 0; j < classes; ++j)
                total += y[j] * (log_sum - (x[j] - m));
            loss[i] = total;
        }
        if (row) {
#pragma omp simd
            for (int64_t j = 0; j < classes; ++j)
                row[j] = row[j] * scale - y[j];
        }
    }
    return 0;
}

EXPORT int64_t reflow_softmax(const float *features, float *out, int64_t batch, int64_t classes, int64_t threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < batch; ++i) {
        const float *x = features + i * classes;
        float *row = out + i * classes;
        const float scale = 1 / sum_of_powers(x, greatest(x, classes), classes, row);
#pragma omp simd
        for (int64_t j = 0; j < classes; ++j)
            row[j] *= scale;
    }
    return 0;
}

/* x - m - log s. */
EXPORT int64_t reflow_log_softmax(const float *features, float *out, int64_t batch, int64_t classes, int64_t threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < batch; ++i) {
        const float *x = features + i * classes;
        const float m = greatest(x, classes), log_sum = logarithm(sum_of_powers(x, m, classes, 0));
#pragma omp simd
        for (int64_t j = 0; j < classes; ++j)
            out[i * classes + j] = x[j] - m - log_sum;
    }
    return 0;
}
