/* Products of few rows with a large matrix, for reflow/ops/native/few_rows.py: c = a b, plus a bias for each column, plus
 * a residual like c, through an activation. All are float32 and row by row: a [rows, depth], b [depth, columns].
 *
 * Such a product takes as long as reading `b` takes. It is read once, several rows at a time from their beginning to their
 * end, as the memory likes it; the result, which is small, stays in the cache and is added to.
 */
#include <string.h>

#include "activations.h"

#define STEP 8 /* rows of b that are worked on together */
#define MAX_ROWS 32

#define UNROLLED _Pragma("GCC unroll 8")

/* Adds to `sums` [vector][row][LANES] the products of `depth` <= STEP numbers of each row of a with as many rows of b. */
INLINE void
add_rows(const int depth, int64_t rows, const float (*a)[STEP], const float *b, int64_t columns, int64_t count, float *sums)
{
    for (int64_t j = 0; j < count; j += LANES) {
        const int64_t lanes = count - j < LANES ? count - j : LANES;
        vec right[STEP];
        UNROLLED for (int k = 0; k < depth; ++k) {
            right[k] = (vec){0};
            if (lanes == LANES)
                right[k] = *(const vec *)(b + k * columns + j);
            else
                memcpy(&right[k], b + k * columns + j, (size_t)lanes * sizeof(float));
        }
        for (int64_t r = 0; r < rows; ++r, sums += LANES) {
            vec sum = *(vec *)sums;
            UNROLLED for (int k = 0; k < depth; ++k)
                sum += a[r][k] * right[k];
            *(vec *)sums = sum;
        }
    }
}

/* What follows the product; the addends begin where c does, or are null. */
typedef struct {
    const float *bias, *residual;
    int64_t activation;
} after;

/* Writes `count` columns of what follows `sums` where c begins. */
static void write_sums(const float *sums, after e, int64_t rows, int64_t columns, int64_t count, float *c)
{
    for (int64_t j = 0; j < count; j += LANES)
        for (int64_t r = 0; r < rows; ++r, sums += LANES)
            for (int64_t i = 0; i < LANES && j + i < count; ++i) {
                const int64_t at = r * columns + j + i;
                c[at] = sums[i] + (e.bias ? e.bias[j + i] : 0) + (e.residual ? e.residual[at] : 0);
            }
    for (int64_t r = 0; r < rows; ++r)
        activate(e.activation, c + r * columns, count);
}

/* Of all columns, `count` ones from where b, the addends and c begin. */
static void product_of_columns(const float *a, const float *b, after e, int64_t rows, int64_t depth, int64_t columns,
                               int64_t count, float *sums, float *c)
{
    float left[MAX_ROWS][STEP];
    memset(sums, 0, (size_t)((count + LANES - 1) / LANES * LANES * rows) * sizeof(float));
    int64_t k = 0;
    for (; k + STEP <= depth; k += STEP) {
        for (int64_t r = 0; r < rows; ++r)
            memcpy(left[r], a + r * depth + k, sizeof left[r]);
        add_rows(STEP, rows, left, b + k * columns, columns, count, sums);
    }
    for (; k < depth; ++k) {
        for (int64_t r = 0; r < rows; ++r)
            left[r][0] = a[r * depth + k];
        add_rows(1, rows, left, b + k * columns, columns, count, sums);
    }
    write_sums(sums, e, rows, columns, count, c);
}

/* `rows` is at most MAX_ROWS; `scratch` has room for rows * (columns + LANES) numbers. */
void reflow_few_rows_product(const float *a, const float *b, const float *bias, const float *residual, int64_t activation,
                             int64_t rows, int64_t depth, int64_t columns, int64_t threads, float *scratch, float *c)
{
    const int64_t vectors = (columns + LANES - 1) / LANES;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int64_t part = 0; part < threads; ++part) {
        const int64_t first = vectors * part / threads * LANES, end = vectors * (part + 1) / threads * LANES;
        const after e = {bias ? bias + first : 0, residual ? residual + first : 0, activation};
        product_of_columns(a, b + first, e, rows, depth, columns, (end < columns ? end : columns) - first,
                           scratch + first * rows, c + first);
    }
}
