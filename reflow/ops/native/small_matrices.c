/* Factors, inverses and solutions of small float32 matrices, for reflow/ops/native/small_matrices.py.
 *
 * The matrices are row-major and [size, size], `count` of them one behind the other. All inner loops run along rows, and
 * become vector instructions. The functions return 0, or 1 where a matrix is not regular (or has a NaN).
 * Of all `threads` they use one.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define MOST 64 /* the largest size */

static inline void subtract_multiple(float *restrict row, const float *restrict other, float factor, int from, int to)
{
    for (int j = from; j < to; ++j)
        row[j] -= factor * other[j];
}

/* The lower triangular L with L L^T = a, of which the lower triangle is read. The rows of `u` are the columns of L. */
static int factorize(const float *a, float *l, int size)
{
    float u[MOST][MOST];
    for (int i = 0; i < size; ++i)
        for (int j = i; j < size; ++j)
            u[i][j] = a[j * size + i];
    for (int k = 0; k < size; ++k) {
        if (!(u[k][k] > 0))
            return 1;
        const float root = sqrtf(u[k][k]);
        for (int j = k; j < size; ++j)
            u[k][j] /= root;
        for (int i = k + 1; i < size; ++i)
            subtract_multiple(u[i], u[k], u[k][i], i, size);
    }
    for (int i = 0; i < size; ++i) {
        for (int j = 0; j <= i; ++j)
            l[i * size + j] = u[j][i];
        for (int j = i + 1; j < size; ++j)
            l[i * size + j] = 0;
    }
    return 0;
}

EXPORT int64_t reflow_cholesky(const float *a, float *l, int64_t count, int64_t size, int64_t threads)
{
    for (int64_t i = 0; i < count; ++i, a += size * size, l += size * size)
        if (factorize(a, l, (int)size))
            return 1;
    return 0;
}

static void swap_rows(float *restrict a, float *restrict b, int size)
{
    for (int j = 0; j < size; ++j) {
        const float item = a[j];
        a[j] = b[j];
        b[j] = item;
    }
}

/* By elimination with partial pivoting, of the matrix and of the identity beside it. */
static int invert(const float *a, float *inverse, int size, int transpose)
{
    float u[MOST][MOST];
    for (int i = 0; i < size; ++i)
        for (int j = 0; j < size; ++j)
            u[i][j] = transpose ? a[j * size + i] : a[i * size + j];
    memset(inverse, 0, (size_t)(size * size) * sizeof *inverse);
    for (int i = 0; i < size; ++i)
        inverse[i * size + i] = 1;
    for (int k = 0; k < size; ++k) {
        int pivot = k;
        for (int i = k + 1; i < size; ++i)
            if (fabsf(u[i][k]) > fabsf(u[pivot][k]))
                pivot = i;
        if (!(fabsf(u[pivot][k]) > 0))
            return 1;
        if (pivot != k) {
            swap_rows(u[pivot], u[k], size);
            swap_rows(inverse + pivot * size, inverse + k * size, size);
        }
        for (int i = k + 1; i < size; ++i) {
            const float factor = u[i][k] / u[k][k];
            subtract_multiple(u[i], u[k], factor, k + 1, size);
            subtract_multiple(inverse + i * size, inverse + k * size, factor, 0, size);
        }
    }
    for (int k = size - 1; k >= 0; --k) {
        for (int j = 0; j < size; ++j)
            inverse[k * size + j] /= u[k][k];
        for (int i = 0; i < k; ++i)
            subtract_multiple(inverse + i * size, inverse + k * size, u[i][k], 0, size);
    }
    return 0;
}

EXPORT int64_t reflow_inverse(const float *a, float *inverse, int64_t count, int64_t size, int64_t transpose,
                              int64_t threads)
{
    for (int64_t i = 0; i < count; ++i, a += size * size, inverse += size * size)
        if (invert(a, inverse, (int)size, (int)transpose))
            return 1;
    return 0;
}

/* X with A X = B, or A^T X = B, for a triangular A and B [size, columns]. */
static int solve(const float *a, const float *b, float *x, int size, int columns, int lower, int transpose)
{
    for (int step = 0; step < size; ++step) {
        const int forward = lower != transpose, i = forward ? step : size - 1 - step;
        const float diagonal = a[i * size + i];
        if (diagonal == 0)
            return 1;
        float *row = x + i * columns;
        memcpy(row, b + i * columns, (size_t)columns * sizeof *row);
        for (int before = 0; before < step; ++before) {
            const int k = forward ? before : size - 1 - before;
            subtract_multiple(row, x + k * columns, transpose ? a[k * size + i] : a[i * size + k], 0, columns);
        }
        for (int j = 0; j < columns; ++j)
            row[j] /= diagonal;
    }
    return 0;
}

EXPORT int64_t reflow_triangular_solve(const float *a, const float *b, float *x, int64_t count, int64_t size,
                                       int64_t columns, int64_t lower, int64_t transpose, int64_t threads)
{
    for (int64_t i = 0; i < count; ++i, a += size * size, b += size * columns, x += size * columns)
        if (solve(a, b, x, (int)size, (int)columns, (int)lower, (int)transpose))
            return 1;
    return 0;
}
