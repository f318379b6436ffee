/* Sums, differences and products of a transposed and a plain float32 tensor, and the transposed tensor alone, for
 * reflow/ops/native/transposition.py.
 *
 * `a` is [count, rows, columns]; y and out are [count, columns, rows], and may be the same. Squares of 8 x 8 numbers are
 * transposed in registers. A copy does not read y.
 */
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define EDGE 8
#define WIDTH 16 /* columns that are worked on together: a cache line */
/* Rows that are worked on together: many, so that the output is written in long runs, unless rows are so far apart that
 * few of them fit into the first-level cache, whose sets they share. */
#define HEIGHT 16
#define HEIGHT_OF_NARROW 256
#define NARROW 64

typedef float vector __attribute__((vector_size(4 * EDGE), aligned(4)));
typedef int32_t order __attribute__((vector_size(4 * EDGE)));

#ifdef __clang__
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK(a, b, ...) __builtin_shuffle(a, b, (order){__VA_ARGS__})
#endif

/* Transposes blocks of 1 x 1, 2 x 2, then 4 x 4 numbers. */
static inline __attribute__((always_inline)) void transpose_square(vector *v)
{
    vector w[EDGE];
    for (int i = 0; i < EDGE; i += 2) {
        w[i] = PICK(v[i], v[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        w[i + 1] = PICK(v[i], v[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < EDGE; i += 4)
        for (int k = i; k < i + 2; ++k) {
            v[k] = PICK(w[k], w[k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            v[k + 2] = PICK(w[k], w[k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int k = 0; k < 4; ++k) {
        const vector low = PICK(v[k], v[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        v[k + 4] = PICK(v[k], v[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
        v[k] = low;
    }
}

static inline int64_t at_most(int64_t value, int64_t bound) { return value < bound ? value : bound; }

#define SUM(a, y) ((a) + (y))
#define DIFFERENCE(a, y) ((a) - (y))
#define NEGATIVE_DIFFERENCE(a, y) ((y) - (a))
#define PRODUCT(a, y) ((a) * (y))
#define COPY(a, y) (a)

#define TRANSPOSING(name, operation)                                                                                   \
    static inline void name##_square(const float *a, const float *y, float *out, int64_t rows, int64_t columns)        \
    {                                                                                                                  \
        vector v[EDGE];                                                                                                \
        for (int i = 0; i < EDGE; ++i)                                                                                 \
            memcpy(&v[i], a + i * columns, sizeof v[i]);                                                               \
        transpose_square(v);                                                                                           \
        for (int j = 0; j < EDGE; ++j) {                                                                               \
            vector other;                                                                                              \
            memcpy(&other, y + j * rows, sizeof other);                                                                \
            other = operation(v[j], other);                                                                            \
            memcpy(out + j * rows, &other, sizeof other);                                                              \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    static void name##_part(const float *a, const float *y, float *out, int64_t rows, int64_t columns, int64_t height, \
                            int64_t width)                                                                             \
    {                                                                                                                  \
        const int64_t whole_height = height / EDGE * EDGE, whole_width = width / EDGE * EDGE;                          \
        for (int64_t j = 0; j < whole_width; j += EDGE)                                                                \
            for (int64_t i = 0; i < whole_height; i += EDGE)                                                           \
                name##_square(a + i * columns + j, y + j * rows + i, out + j * rows + i, rows, columns);               \
        for (int64_t j = 0; j < width; ++j)                                                                            \
            for (int64_t i = j < whole_width ? whole_height : 0; i < height; ++i)                                      \
                out[j * rows + i] = operation(a[i * columns + j], y[j * rows + i]);                                    \
    }                                                                                                                  \
                                                                                                                       \
    EXPORT void reflow_transposed_##name(const float *a, const float *y, float *out, int64_t count, int64_t rows,      \
                                         int64_t columns, int threads)                                                 \
    {                                                                                                                  \
        const int64_t strips = (columns + WIDTH - 1) / WIDTH, height = columns <= NARROW ? HEIGHT_OF_NARROW : HEIGHT;  \
        _Pragma("omp parallel for num_threads(threads) schedule(static)")                                              \
        for (int64_t strip = 0; strip < count * strips; ++strip) {                                                     \
            const int64_t start = strip / strips * rows * columns, j = strip % strips * WIDTH;                         \
            for (int64_t i = 0; i < rows; i += height)                                                                 \
                name##_part(a + start + i * columns + j, y + start + j * rows + i, out + start + j * rows + i, rows,   \
                            columns, at_most(height, rows - i), at_most(WIDTH, columns - j));                          \
        }                                                                                                              \
    }

TRANSPOSING(sum, SUM)
TRANSPOSING(difference, DIFFERENCE)
TRANSPOSING(negative_difference, NEGATIVE_DIFFERENCE)
TRANSPOSING(product, PRODUCT)
TRANSPOSING(copy, COPY)

EXPORT int64_t reflow_transpose(const float *a, float *out, int64_t count, int64_t rows, int64_t columns, int64_t threads)
{
    reflow_transposed_copy(a, out, out, count, rows, columns, (int)threads);
    return 0;
}
