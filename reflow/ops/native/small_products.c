/* Products of small float32 matrices, for reflow/ops/native/small_products.py.
 *
 * The second factor is copied into panels of LANES columns, the last one filled up with zeros; a block of BLOCK rows and
 * one panel of the product stays in registers. Of all `threads` the functions use one.
 */
#include <string.h>

#include "activations.h"

#define EXPORT __attribute__((visibility("default")))
#define MOST_PANELS 4 /* kernels are bound for no more columns */
#define MOST_DEPTH 64
#define BLOCK 8

struct sizes {
    int rows, depth, columns, transpose_a, transpose_b;
};

static void pack(const float *b, struct sizes s, float (*panels)[MOST_DEPTH][LANES])
{
    for (int first = 0; first < s.columns; first += LANES) {
        float(*panel)[LANES] = panels[first / LANES];
        const int count = (int)smaller(LANES, s.columns - first);
        if (count < LANES)
            memset(panel, 0, (size_t)s.depth * sizeof *panel);
        if (s.transpose_b) {
            for (int j = 0; j < count; ++j)
                for (int k = 0; k < s.depth; ++k)
                    panel[k][j] = b[(first + j) * s.depth + k];
        } else {
            for (int k = 0; k < s.depth; ++k)
                memcpy(panel[k], b + k * s.columns + first, (size_t)count * sizeof(float));
        }
    }
}

/* `rows` rows of one panel of the product, from row `first` on. */
INLINE void block(const float *a, const float (*panel)[LANES], struct sizes s, int first, int rows, vec *sums)
{
    const int along = s.transpose_a ? s.rows : 1, down = s.transpose_a ? 1 : s.depth;
    const float *start = a + first * down;
    for (int r = 0; r < rows; ++r)
        sums[r] = (vec){0};
    for (int k = 0; k < s.depth; ++k) {
        const vec b = *(const vec *)panel[k];
#pragma GCC unroll 8
        for (int r = 0; r < rows; ++r)
            sums[r] += start[k * along + r * down] * b;
    }
}

/* What follows a product: addends, each of which begins where the part of the product does or is null, and an activation. */
struct after {
    const float *bias, *residual;
    int64_t activation;
};

static void finish(const vec *sums, int rows, int columns, int stride, struct after e, float *out)
{
    for (int r = 0; r < rows; ++r) {
        float *row = out + r * stride;
        for (int j = 0; j < columns; ++j)
            row[j] = sums[r][j] + (e.bias ? e.bias[j] : 0) + (e.residual ? e.residual[r * stride + j] : 0);
    }
}

static void multiply(const float *a, const float *b, struct sizes s, struct after e, float *out)
{
    float panels[MOST_PANELS][MOST_DEPTH][LANES];
    pack(b, s, panels);
    for (int first = 0; first < s.columns; first += LANES) {
        const float(*panel)[LANES] = (const float(*)[LANES])panels[first / LANES];
        const int columns = (int)smaller(LANES, s.columns - first);
        vec sums[BLOCK];
        for (int i = 0; i < s.rows;) {
            const int rows = i + BLOCK <= s.rows ? BLOCK : 1, at = i * s.columns + first;
            const struct after part = {e.bias ? e.bias + first : 0, e.residual ? e.residual + at : 0, 0};
            if (rows == BLOCK)
                block(a, panel, s, i, BLOCK, sums);
            else
                block(a, panel, s, i, 1, sums);
            finish(sums, rows, columns, s.columns, part, out + at);
            i += rows;
        }
    }
    activate(e.activation, out, (int64_t)s.rows * s.columns);
}

/* `count` products one after the other. */
EXPORT int64_t reflow_small_product(const float *a, const float *b, float *out, int64_t count, int64_t rows,
                                    int64_t depth, int64_t columns, int64_t transpose_a, int64_t transpose_b,
                                    int64_t threads)
{
    const struct sizes s = {(int)rows, (int)depth, (int)columns, (int)transpose_a, (int)transpose_b};
    const struct after nothing = {0, 0, NO_ACTIVATION};
    for (int64_t i = 0; i < count; ++i)
        multiply(a + i * rows * depth, b + i * depth * columns, s, nothing, out + i * rows * columns);
    return 0;
}

/* activation(a b). */
EXPORT int64_t reflow_small_product_activated(const float *a, const float *b, float *out, int64_t rows, int64_t depth,
                                              int64_t columns, int64_t transpose_a, int64_t transpose_b,
                                              int64_t activation, int64_t threads)
{
    const struct sizes s = {(int)rows, (int)depth, (int)columns, (int)transpose_a, (int)transpose_b};
    multiply(a, b, s, (struct after){0, 0, activation}, out);
    return 0;
}

/* activation(a b + addend), where the addend is a vector for all rows, or a matrix. */
EXPORT int64_t reflow_small_product_and_addend(const float *a, const float *b, const float *addend, float *out,
                                               int64_t rows, int64_t depth, int64_t columns, int64_t transpose_a,
                                               int64_t transpose_b, int64_t is_matrix, int64_t activation,
                                               int64_t threads)
{
    const struct sizes s = {(int)rows, (int)depth, (int)columns, (int)transpose_a, (int)transpose_b};
    multiply(a, b, s, (struct after){is_matrix ? 0 : addend, is_matrix ? addend : 0, activation}, out);
    return 0;
}

/* activation(a b + bias + residual). */
EXPORT int64_t reflow_small_product_and_addends(const float *a, const float *b, const float *bias,
                                                const float *residual, float *out, int64_t rows, int64_t depth,
                                                int64_t columns, int64_t transpose_a, int64_t transpose_b,
                                                int64_t activation, int64_t threads)
{
    const struct sizes s = {(int)rows, (int)depth, (int)columns, (int)transpose_a, (int)transpose_b};
    multiply(a, b, s, (struct after){bias, residual, activation}, out);
    return 0;
}
