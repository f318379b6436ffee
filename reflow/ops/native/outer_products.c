/* Sums of outer products, and what an optimizer makes of them, for reflow/ops/native/outer_products.py.
 *
 * g = a' b, where a is [depth, rows] and b [depth, columns], float32: the gradient of a dense layer's weights, with a row of
 * each factor for each example. Some rows of g at a time are made, in the cache, and go from there into the variable and its
 * slots, which are read and written in order; g as a whole is never in memory.
 */
#include <math.h>
#include <string.h>

#include "vectors.h"

#define WIDTH (PANELS * LANES)

typedef struct {
    int64_t depth, rows, columns, threads;
} problem;

/* m and v, running means of g and g^2, and what they are updated with; var -= rate * m / (sqrt(v) + epsilon). */
typedef struct {
    float *var, *m, *v;
    float rate, share, decay, share_of_squares, epsilon;
} adam;

/* Copies columns of b side by side into panels of WIDTH, the last one filled up with zeros: [panel][depth][WIDTH]. */
static void pack(const problem *p, const float *b, int64_t panel, float *out)
{
    const int64_t count = smaller(WIDTH, p->columns - panel * WIDTH);
    for (int64_t k = 0; k < p->depth; ++k, out += WIDTH) {
        memcpy(out, b + k * p->columns + panel * WIDTH, (size_t)count * sizeof(float));
        memset(out + count, 0, (size_t)(WIDTH - count) * sizeof(float));
    }
}

/* `rows` rows and `count` columns of g, at most a panel. */
INLINE void sum_up(const int rows, const problem *p, const float *a, const float *panel, int64_t count, float *g)
{
    vec sums[ROWS][PANELS];
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
        for (int q = 0; q < PANELS; ++q)
            sums[r][q] = (vec){0};
#pragma GCC unroll 1
    for (int64_t k = 0; k < p->depth; ++k, panel += WIDTH) {
        vec right[PANELS];
#pragma GCC unroll 2
        for (int q = 0; q < PANELS; ++q)
            right[q] = *(const vec *)(panel + q * LANES);
#pragma GCC unroll 16
        for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
            for (int q = 0; q < PANELS; ++q)
                sums[r][q] += a[k * p->rows + r] * right[q];
    }
    if (count < WIDTH) {
        for (int r = 0; r < rows; ++r)
            memcpy(g + r * p->columns, sums[r], (size_t)count * sizeof(float));
        return;
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
        for (int q = 0; q < PANELS; ++q)
            *(vec *)(g + r * p->columns + q * LANES) = sums[r][q];
}

/* Updates `count` numbers from place `at` on. */
static void update(const adam *u, const float *restrict g, int64_t at, int64_t count)
{
    float *restrict var = u->var + at, *restrict m = u->m + at, *restrict v = u->v + at;
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) {
        const float mean = m[i] + u->share * (g[i] - m[i]);
        const float squares = u->decay * v[i] + u->share_of_squares * (g[i] * g[i]);
        m[i] = mean;
        v[i] = squares;
        var[i] -= u->rate * mean / (sqrtf(squares) + u->epsilon);
    }
}

/* `scratch` has room for the panels of b, and for ROWS rows of g for each thread. */
void reflow_adam_by_outer_products(const problem *p, const float *a, const float *b, const adam *u, float *scratch)
{
    const int64_t panels = (p->columns + WIDTH - 1) / WIDTH, size = p->depth * WIDTH;
    const int64_t blocks = (p->rows + ROWS - 1) / ROWS;
#pragma omp parallel num_threads(p->threads)
    {
        float *g = scratch + panels * size + omp_get_thread_num() * ROWS * p->columns;
#pragma omp for schedule(static)
        for (int64_t panel = 0; panel < panels; ++panel)
            pack(p, b, panel, scratch + panel * size);
#pragma omp for schedule(static)
        for (int64_t block = 0; block < blocks; ++block) {
            const int64_t first = block * ROWS, rows = smaller(ROWS, p->rows - first);
            for (int64_t panel = 0; panel < panels; ++panel) {
                const int64_t column = panel * WIDTH, count = smaller(WIDTH, p->columns - column);
                if (rows == ROWS)
                    sum_up(ROWS, p, a + first, scratch + panel * size, count, g + column);
                else
                    for (int64_t r = 0; r < rows; ++r)
                        sum_up(1, p, a + first + r, scratch + panel * size, count, g + r * p->columns + column);
            }
            update(u, g, first * p->columns, rows * p->columns);
        }
    }
}
