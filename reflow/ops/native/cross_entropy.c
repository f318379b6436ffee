/* Cross entropy of softmax, and its gradient by the features, for reflow/ops/native/cross_entropy.py.
 *
 * Features are float32 [batch, classes]. With m the greatest feature x of a row and s the sum of exp(x - m), softmax is
 * exp(x - m) / s, and its logarithm x - m - log s.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
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

/* What of `labels` tells the classes of rows: distributions [batch, classes], or numbers of classes [batch]. */
enum { DISTRIBUTIONS, NUMBERS, WIDE_NUMBERS };

/* A pointer that is null stands for weights of 1, or for an output that is not wanted. */
typedef struct {
    const float *features;
    const void *labels;
    const float *weights; /* [batch] */
    float *loss, *gradient, *sums;
    int64_t kind, batch, classes;
} Task;

/* By itself, lest the subtraction is rounded along with a product before it. */
static __attribute__((noinline)) float less_1(float share) { return share - 1; }

/* A row of the gradient from its powers, and with `sum` what is to be added to the sums over rows. */
static inline __attribute__((always_inline)) void finish_distribution(float *row, const float *y, float scale,
                                                                      float weight, float *sum, int64_t classes)
{
#pragma omp simd
    for (int64_t j = 0; j < classes; ++j) {
        const float value = (row[j] * scale - y[j]) * weight;
        row[j] = value;
        if (sum)
            sum[j] += value;
    }
}

static inline __attribute__((always_inline)) void finish_number(float *row, int64_t label, float scale, float weight,
                                                                float *sum, int64_t classes)
{
    const float at_label = less_1(row[label] * scale) * weight, sum_at_label = sum ? sum[label] : 0;
#pragma omp simd
    for (int64_t j = 0; j < classes; ++j) {
        const float value = row[j] * scale * weight;
        row[j] = value;
        if (sum)
            sum[j] += value;
    }
    row[label] = at_label;
    if (sum)
        sum[label] = sum_at_label + at_label;
}

static void distribution(const Task *task, int64_t i, float *sum)
{
    const int64_t classes = task->classes;
    const float *x = task->features + i * classes, *y = (const float *)task->labels + i * classes;
    float *row = task->gradient ? task->gradient + i * classes : 0;
    const float m = greatest(x, classes), powers = sum_of_powers(x, m, classes, row), scale = 1 / powers;
    const float weight = task->weights ? task->weights[i] : 1;
    if (task->loss) {
        const float log_sum = logarithm(powers);
        float total = 0;
#pragma omp simd reduction(+ : total)
        for (int64_t j = 0; j < classes; ++j)
            total += y[j] * (log_sum - (x[j] - m));
        task->loss[i] = total;
    }
    if (row && sum)
        finish_distribution(row, y, scale, weight, sum, classes);
    else if (row)
        finish_distribution(row, y, scale, weight, 0, classes);
}

/* 1 if the label is no class: the row is left as it is then. */
static int64_t number(const Task *task, int64_t i, float *sum)
{
    const int64_t classes = task->classes;
    const int64_t label =
        task->kind == WIDE_NUMBERS ? ((const int64_t *)task->labels)[i] : ((const int32_t *)task->labels)[i];
    if ((uint64_t)label >= (uint64_t)classes)
        return 1;
    const float *x = task->features + i * classes;
    float *row = task->gradient ? task->gradient + i * classes : 0;
    const float m = greatest(x, classes), powers = sum_of_powers(x, m, classes, row);
    const float weight = task->weights ? task->weights[i] : 1;
    if (task->loss)
        task->loss[i] = logarithm(powers) - (x[label] - m);
    if (row && sum)
        finish_number(row, label, 1 / powers, weight, sum, classes);
    else if (row)
        finish_number(row, label, 1 / powers, weight, 0, classes);
    return 0;
}

/* Works on a row; the gradient is added to `sum`, if that is not null. Returns 1 if its label is no class. */
static inline int64_t work_on(const Task *task, int64_t i, float *sum)
{
    if (task->kind != DISTRIBUTIONS)
        return number(task, i, sum);
    distribution(task, i, sum);
    return 0;
}

/* In how many blocks of two rows and more a batch is summed: it is the same for any number of threads. */
static int64_t blocks_of(int64_t batch)
{
    int64_t blocks = 16;
    while (blocks > 1 && blocks * 2 > batch)
        blocks /= 2;
    return blocks;
}

/* The sums of a block of rows: those of the first block lie where the result goes. */
static float *sums_of(const Task *task, float *others, int64_t block)
{
    return block ? others + (block - 1) * task->classes : task->sums;
}

/* Adds up the blocks by pairs, and pairs of those, some columns at a time. */
static void add_up(const Task *task, float *others, int64_t blocks, int64_t threads)
{
    const int64_t some = 1024;
#pragma omp parallel for num_threads(task->classes > some ? threads : 1) schedule(static)
    for (int64_t first = 0; first < task->classes; first += some) {
        const int64_t count = task->classes - first < some ? task->classes - first : some;
        for (int64_t step = 1; step < blocks; step *= 2)
            for (int64_t b = 0; b < blocks; b += 2 * step) {
                float *to = sums_of(task, others, b) + first;
                const float *from = sums_of(task, others, b + step) + first;
#pragma omp simd
                for (int64_t j = 0; j < count; ++j)
                    to[j] += from[j];
            }
    }
}

static int64_t run_with_sums(const Task *task, int64_t threads)
{
    const int64_t batch = task->batch, blocks = blocks_of(batch);
    const size_t bytes = (size_t)task->classes * sizeof(float);
    float *others = malloc((size_t)blocks * bytes); /* one more than needed: of nothing, malloc may give null */
    if (!others)
        return 1;
    int64_t bad = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : bad)
    for (int64_t block = 0; block < blocks; ++block) {
        float *sum = sums_of(task, others, block);
        memset(sum, 0, bytes);
        for (int64_t i = block * batch / blocks; i < (block + 1) * batch / blocks; ++i)
            bad += work_on(task, i, sum);
    }
    add_up(task, others, blocks, threads);
    free(others);
    return bad;
}

static int64_t run(const Task *task, int64_t threads)
{
    if (task->sums)
        return run_with_sums(task, threads);
    int64_t bad = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : bad)
    for (int64_t i = 0; i < task->batch; ++i)
        bad += work_on(task, i, 0);
    return bad;
}

/* The loss of each row; its gradient by the features, times the weight of the row; the sums of that over the rows, which
 * are wanted only with the gradient. Returns other than 0 if it cannot be done: if a label is no class, or for want of
 * memory. */
EXPORT int64_t reflow_weighted_cross_entropy(const float *features, const void *labels, const float *weights,
                                             float *loss, float *gradient, float *sums, int64_t kind, int64_t batch,
                                             int64_t classes, int64_t threads)
{
    const Task task = {features, labels, weights, loss, gradient, sums, kind, batch, classes};
    return run(&task, threads);
}

EXPORT int64_t reflow_cross_entropy(const float *features, const void *labels, float *loss, float *gradient,
                                    float *sums, int64_t kind, int64_t batch, int64_t classes, int64_t threads)
{
    const Task task = {features, labels, 0, loss, gradient, sums, kind, batch, classes};
    return run(&task, threads);
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
