/* Reductions of float32 tensors [outer, n, inner] over n, and positions, for reflow/ops/native/reduction.py.
 *
 * Along memory (inner = 1) a row is reduced in LANES lanes, else in columns. Sums are made in float for at most BLOCK
 * numbers a lane, and of these sums in double: their error does not grow with the number of rows.
 */
#include <math.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define LANES 32
#define BLOCK 256
#define COLUMNS 512
#define MOST_PARTS 64

static inline float add(float a, float x) { return a + x; }
static inline float add_square(float a, float x) { return a + x * x; }
/* A NaN counts for nothing. */
static inline float greater(float a, float x) { return x > a ? x : a; }
static inline float lesser(float a, float x) { return x < a ? x : a; }

static inline double add_sums(double a, double b) { return a + b; }
static inline double greater_of(double a, double b) { return b > a ? b : a; }
static inline double lesser_of(double a, double b) { return b < a ? b : a; }

static int64_t at_most(int64_t value, int64_t bound) { return value < bound ? value : bound; }

/* Defines, for a `step` that takes a number in, and for `join` and `merge` of two results, in float and in double:
 * name_row, of one row; reflow_name, of the tensor, whose results are multiplied by `scale`. */
#define REDUCTION(name, start, step, join, merge)                                                                      \
    static double name##_row(const float *x, int64_t n)                                                                \
    {                                                                                                                  \
        double result = start;                                                                                         \
        for (int64_t first = 0; first < n; first += LANES * BLOCK) {                                                   \
            const int64_t end = at_most(n, first + LANES * BLOCK);                                                     \
            float lanes[LANES];                                                                                        \
            for (int j = 0; j < LANES; ++j)                                                                            \
                lanes[j] = (float)(start);                                                                             \
            int64_t i = first;                                                                                         \
            for (; i + LANES <= end; i += LANES)                                                                       \
                for (int j = 0; j < LANES; ++j)                                                                        \
                    lanes[j] = step(lanes[j], x[i + j]);                                                               \
            for (int j = 0; i < end; ++i, ++j)                                                                         \
                lanes[j] = step(lanes[j], x[i]);                                                                       \
            for (int half = LANES / 2; half > 0; half /= 2)                                                            \
                for (int j = 0; j < half; ++j)                                                                         \
                    lanes[j] = join(lanes[j], lanes[j + half]);                                                        \
            result = merge(result, lanes[0]);                                                                          \
        }                                                                                                              \
        return result;                                                                                                 \
    }                                                                                                                  \
                                                                                                                       \
    static void name##_columns(const float *x, int64_t n, int64_t inner, int count, double scale, float *out)          \
    {                                                                                                                  \
        double result[COLUMNS];                                                                                        \
        for (int j = 0; j < count; ++j)                                                                                \
            result[j] = start;                                                                                         \
        for (int64_t first = 0; first < n; first += BLOCK) {                                                           \
            const int64_t end = at_most(n, first + BLOCK);                                                             \
            float lanes[COLUMNS];                                                                                      \
            for (int j = 0; j < count; ++j)                                                                            \
                lanes[j] = (float)(start);                                                                             \
            for (int64_t i = first; i < end; ++i)                                                                      \
                for (int j = 0; j < count; ++j)                                                                        \
                    lanes[j] = step(lanes[j], x[i * inner + j]);                                                       \
            for (int j = 0; j < count; ++j)                                                                            \
                result[j] = merge(result[j], lanes[j]);                                                                \
        }                                                                                                              \
        for (int j = 0; j < count; ++j)                                                                                \
            out[j] = (float)(result[j] * scale);                                                                       \
    }                                                                                                                  \
                                                                                                                       \
    /* One row, of which each thread reduces a part. */                                                                \
    static float name##_all(const float *x, int64_t n, double scale, int threads)                                      \
    {                                                                                                                  \
        const int parts = threads < MOST_PARTS ? threads : MOST_PARTS;                                                 \
        double results[MOST_PARTS];                                                                                    \
        _Pragma("omp parallel for num_threads(threads) schedule(static)")                                              \
        for (int part = 0; part < parts; ++part) {                                                                     \
            const int64_t first = n * part / parts;                                                                    \
            results[part] = name##_row(x + first, n * (part + 1) / parts - first);                                     \
        }                                                                                                              \
        double result = results[0];                                                                                    \
        for (int part = 1; part < parts; ++part)                                                                       \
            result = merge(result, results[part]);                                                                     \
        return (float)(result * scale);                                                                                \
    }                                                                                                                  \
                                                                                                                       \
    EXPORT int64_t reflow_##name(const float *x, float *out, int64_t outer, int64_t n, int64_t inner,                  \
                                 const double *factor, int64_t threads)                                                \
    {                                                                                                                  \
        const double scale = *factor;                                                                                  \
        if (inner == 1 && outer == 1) {                                                                                \
            *out = name##_all(x, n, scale, threads);                                                                   \
        } else if (inner == 1) {                                                                                       \
            _Pragma("omp parallel for num_threads(threads) schedule(static)")                                          \
            for (int64_t i = 0; i < outer; ++i)                                                                        \
                out[i] = (float)(name##_row(x + i * n, n) * scale);                                                    \
        } else {                                                                                                       \
            const int64_t width = threads > outer ? at_most(COLUMNS, (inner + threads - 1) / threads) : COLUMNS;       \
            const int64_t blocks = (inner + width - 1) / width;                                                        \
            _Pragma("omp parallel for num_threads(threads) schedule(static)")                                          \
            for (int64_t block = 0; block < outer * blocks; ++block) {                                                 \
                const int64_t i = block / blocks, j = block % blocks * width;                                          \
                name##_columns(x + i * n * inner + j, n, inner, (int)at_most(width, inner - j), scale,                 \
                               out + i * inner + j);                                                                   \
            }                                                                                                          \
        }                                                                                                              \
        return 0;                                                                                                      \
    }

REDUCTION(sum, 0.0, add, add, add_sums)
REDUCTION(sum_of_squares, 0.0, add_square, add, add_sums)
REDUCTION(max, -INFINITY, greater, greater, greater_of)
REDUCTION(min, INFINITY, lesser, lesser, lesser_of)

/* --- positions of extrema ---------------------------------------------------------------------------------------- */

/* The first position of the extremum of each row, or column: 0 if there is none but NaNs. */
#define POSITION(name, better, worst)                                                                                  \
    static int64_t name##_of_row(const float *x, int64_t n)                                                            \
    {                                                                                                                  \
        float best = worst;                                                                                            \
        int64_t place = 0;                                                                                             \
        for (int64_t j = 0; j < n; ++j)                                                                                \
            if (x[j] better best) {                                                                                    \
                best = x[j];                                                                                           \
                place = j;                                                                                             \
            }                                                                                                          \
        return place;                                                                                                  \
    }                                                                                                                  \
                                                                                                                       \
    static void name##_of_columns(const float *x, int64_t n, int64_t inner, int count, int32_t *places)                \
    {                                                                                                                  \
        float best[COLUMNS];                                                                                           \
        for (int j = 0; j < count; ++j) {                                                                              \
            best[j] = worst;                                                                                           \
            places[j] = 0;                                                                                             \
        }                                                                                                              \
        for (int64_t i = 0; i < n; ++i)                                                                                \
            for (int j = 0; j < count; ++j) {                                                                          \
                const float value = x[i * inner + j];                                                                  \
                places[j] = value better best[j] ? (int32_t)i : places[j];                                             \
                best[j] = value better best[j] ? value : best[j];                                                      \
            }                                                                                                          \
    }                                                                                                                  \
                                                                                                                       \
    EXPORT int64_t reflow_##name(const float *x, void *out, int64_t outer, int64_t n, int64_t inner, int64_t wide,     \
                                 int64_t threads)                                                                      \
    {                                                                                                                  \
        const int64_t blocks = (inner + COLUMNS - 1) / COLUMNS;                                                        \
        _Pragma("omp parallel for num_threads(threads) schedule(static)")                                              \
        for (int64_t block = 0; block < outer * blocks; ++block) {                                                     \
            const int64_t i = block / blocks, first = block % blocks * COLUMNS;                                        \
            const int count = (int)at_most(COLUMNS, inner - first);                                                    \
            int32_t places[COLUMNS];                                                                                   \
            if (inner == 1)                                                                                            \
                places[0] = (int32_t)name##_of_row(x + i * n, n);                                                      \
            else                                                                                                       \
                name##_of_columns(x + i * n * inner + first, n, inner, count, places);                                 \
            for (int j = 0; j < count; ++j)                                                                            \
                if (wide)                                                                                              \
                    ((int64_t *)out)[i * inner + first + j] = places[j];                                               \
                else                                                                                                   \
                    ((int32_t *)out)[i * inner + first + j] = places[j];                                               \
        }                                                                                                              \
        return 0;                                                                                                      \
    }

POSITION(argmax, >, -INFINITY)
POSITION(argmin, <, INFINITY)

/* The k greatest numbers of each row of n, descending, of equal ones the first ones first, and their places. Returns 1 if
 * one is a NaN. */
EXPORT int64_t reflow_top_k(const float *x, float *values, int32_t *places, int64_t rows, int64_t n, int64_t k,
                            int64_t threads)
{
    int64_t nans = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : nans)
    for (int64_t i = 0; i < rows; ++i) {
        const float *row = x + i * n;
        float *best = values + i * k;
        int32_t *place = places + i * k;
        int64_t found = 0;
        for (int64_t j = 0; j < n; ++j) {
            const float value = row[j];
            nans += value != value;
            if (found == k && !(value > best[k - 1]))
                continue;
            int64_t at = found < k ? found++ : k - 1;
            for (; at > 0 && value > best[at - 1]; --at) {
                best[at] = best[at - 1];
                place[at] = place[at - 1];
            }
            best[at] = value;
            place[at] = (int32_t)j;
        }
    }
    return nans > 0;
}
