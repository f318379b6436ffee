/* Philox 4x32-10 blocks and what consumes most of them, for reflow/ops/philox.py and reflow/ops/native/random.py.
 *
 * The NumPy code beside it computes the same (normal numbers: to a few units in the last place); this file is there
 * for speed alone. Every loop over lanes is free of branches. The rounds keep their 32-bit words in 64-bit variables,
 * the shape that compilers turn into packed 32x32 -> 64 bit multiplications.
 *
 * Source of the algorithm: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "float_functions.h"

#define ROUNDS 10
#define LANES 64

struct stream {
    uint32_t key0[ROUNDS], key1[ROUNDS];
    uint64_t low, high; /* the 128-bit counter of offset 0 */
};

static inline __attribute__((always_inline)) void
tile(const struct stream *s, const uint64_t *offsets, uint64_t first, uint64_t stride, int lanes, uint32_t *out)
{
    uint32_t words[4][LANES];
    for (int j = 0; j < lanes; ++j) {
        const uint64_t offset = offsets ? offsets[j] : first + (uint64_t)j * stride;
        const uint64_t low = s->low + offset;
        const uint64_t high = s->high + (low < offset);
        uint64_t a = (uint32_t)low, b = low >> 32, c = (uint32_t)high, d = high >> 32;
#pragma GCC unroll 10
        for (int r = 0; r < ROUNDS; ++r) {
            const uint64_t p = (uint64_t)(uint32_t)a * 0xD2511F53u;
            const uint64_t q = (uint64_t)(uint32_t)c * 0xCD9E8D57u;
            a = (q >> 32) ^ b ^ s->key0[r];
            b = (uint32_t)q;
            c = (p >> 32) ^ d ^ s->key1[r];
            d = (uint32_t)p;
        }
        words[0][j] = (uint32_t)a;
        words[1][j] = (uint32_t)b;
        words[2][j] = (uint32_t)c;
        words[3][j] = (uint32_t)d;
    }
    for (int j = 0; j < lanes; ++j)
        for (int w = 0; w < 4; ++w)
            out[4 * j + w] = words[w][j];
}

static struct stream start(uint64_t key, uint64_t low, uint64_t high)
{
    struct stream s = {.low = low, .high = high};
    for (uint32_t r = 0; r < ROUNDS; ++r) {
        s.key0[r] = (uint32_t)key + r * 0x9E3779B9u;
        s.key1[r] = (uint32_t)(key >> 32) + r * 0xBB67AE85u;
    }
    return s;
}

/* Writes `count` blocks of four words. Block i has the counter (high, low) + offsets[i], or + i * stride where
 * `offsets` is null. */
void reflow_philox_blocks(uint64_t key, uint64_t low, uint64_t high, uint64_t stride, const uint64_t *offsets,
                          int64_t count, uint32_t *out)
{
    const struct stream s = start(key, low, high);
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        if (offsets)
            tile(&s, offsets + i, 0, 0, LANES, out + 4 * i);
        else
            tile(&s, 0, (uint64_t)i * stride, stride, LANES, out + 4 * i);
    if (i < count)
        tile(&s, offsets ? offsets + i : 0, (uint64_t)i * stride, stride, (int)(count - i), out + 4 * i);
}

#define PAIRS (2 * LANES)
#define TWO_PI 6.283185307179586476925286766559
#define SMALLEST_UNIFORM 1e-7f
#define TRUNCATION 2.0f
/* Numbers nearer than this to the truncation bound are computed again, in double precision: whether one is accepted
 * decides about every later number of its group. */
#define BORDERLINE 1e-6f
#define GROUPS 1024 /* that are worked on together; their state stays in the first-level cache */

static inline float uniform(uint32_t word)
{
    const uint32_t bits = (word & 0x7FFFFF) | 0x3F800000;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value - 1;
}

static inline float radius_argument(uint32_t word)
{
    const float value = uniform(word);
    return value < SMALLEST_UNIFORM ? SMALLEST_UNIFORM : value;
}

/* TensorFlow multiplies by 2 pi in double precision and rounds the product. */
static inline float angle_of(uint32_t word) { return (float)(uniform(word) * TWO_PI); }

/* The Taylor polynomials of sin and cos for |r| <= pi / 4; their next terms are below 2^-28. */
static inline float sine_near_0(float r)
{
    const float z = r * r;
    return r + r * z * (-1 / 6.0f + z * (1 / 120.0f + z * (-1 / 5040.0f + z * (1 / 362880.0f))));
}

static inline float cosine_near_0(float r)
{
    const float z = r * r;
    return 1 - 0.5f * z + z * z * (1 / 24.0f + z * (-1 / 720.0f + z * (1 / 40320.0f)));
}

/* The Box-Muller transform of PAIRS pairs of words: sin and cos of the second's angle times the first's radius. */
static inline __attribute__((always_inline)) void normals(const uint32_t *words, float *out)
{
    float sines[PAIRS], cosines[PAIRS];
    for (int i = 0; i < PAIRS; ++i) {
        const float radius = sqrtf(-2 * logarithm_of_normal(radius_argument(words[2 * i])));
        const float angle = angle_of(words[2 * i + 1]);
        const int32_t quarter = (int32_t)(angle * 0.636619772f + 0.5f); /* of a turn: 0 .. 4 */
        const float r = (float)((double)angle - quarter * (TWO_PI / 4));
        const float s = sine_near_0(r), c = cosine_near_0(r);
        const float sine = quarter & 1 ? c : s, cosine = quarter & 1 ? s : c;
        sines[i] = radius * (quarter & 2 ? -sine : sine);
        cosines[i] = radius * ((quarter + 1) & 2 ? -cosine : cosine);
    }
    for (int i = 0; i < PAIRS; ++i) {
        out[2 * i] = sines[i];
        out[2 * i + 1] = cosines[i];
    }
}

/* Writes `count` blocks of four normal numbers, block i of the counter (high, low) + i. */
void reflow_philox_normals(uint64_t key, uint64_t low, uint64_t high, int64_t count, float *out)
{
    const struct stream s = start(key, low, high);
    uint32_t words[4 * LANES];
    for (int64_t i = 0; i < count; i += LANES) {
        tile(&s, 0, (uint64_t)i, 1, LANES, words);
        if (count - i >= LANES) {
            normals(words, out + 4 * i);
        } else {
            float last[4 * LANES];
            normals(words, last);
            memcpy(out + 4 * i, last, (size_t)(count - i) * 4 * sizeof(float));
        }
    }
}

/* The number at `position` of a pair, computed in double precision and rounded, as C libraries do. */
static float exact_normal(const uint32_t *pair, int position)
{
    const float radius = sqrtf(-2 * (float)log(radius_argument(pair[0])));
    const double angle = angle_of(pair[1]);
    return radius * (float)(position ? cos(angle) : sin(angle));
}

struct group {
    int32_t index, filled;
};

/* Appends to the four outputs of each group those numbers of its next block that are inside. Writes the groups that want
 * more to `wanting`, behind the `kept` ones there, and returns how many these now are. */
static int fill_groups(const struct group *groups, int count, const uint32_t *words, float *out, struct group *wanting,
                       int kept)
{
    float values[4 * LANES];
    normals(words, values);
    for (int j = 0; j < count; ++j) {
        int filled = groups[j].filled;
        float *const row = out + 4 * groups[j].index;
        for (int w = 4 * j; w < 4 * j + 4; ++w) {
            float value = values[w];
            if (fabsf(fabsf(value) - TRUNCATION) < BORDERLINE)
                value = exact_normal(words + (w & ~1), w & 1);
            if (filled < 4 && fabsf(value) < TRUNCATION)
                row[filled++] = value;
        }
        if (filled < 4)
            wanting[kept++] = (struct group){groups[j].index, filled};
    }
    return kept;
}

/* Writes `count` groups of four normal numbers inside (-2, 2): group i takes the first ones from the counter
 * (high, low) + i * stride onwards. */
void reflow_philox_truncated_normals(uint64_t key, uint64_t low, uint64_t high, uint64_t stride, int64_t count, float *out)
{
    const struct stream s = start(key, low, high);
    for (int64_t first = 0; first < count; first += GROUPS) {
        struct group groups[GROUPS];
        int pending = (int)(count - first < GROUPS ? count - first : GROUPS);
        for (int i = 0; i < pending; ++i)
            groups[i] = (struct group){i, 0};
        for (uint64_t block = 0; pending > 0; ++block) {
            int kept = 0;
            for (int i = 0; i < pending; i += LANES) {
                uint64_t offsets[LANES] = {0};
                uint32_t words[4 * LANES];
                const int lanes = pending - i < LANES ? pending - i : LANES;
                for (int j = 0; j < lanes; ++j)
                    offsets[j] = (uint64_t)(first + groups[i + j].index) * stride + block;
                tile(&s, offsets, 0, 0, LANES, words);
                kept = fill_groups(groups + i, lanes, words, out + 4 * first, groups, kept);
            }
            pending = kept;
        }
    }
}

/* Swaps item i with item i + words[i] mod (count - i), for i = 0 .. swaps - 1. */
static void swap_items(int64_t *items, int64_t count, int64_t swaps, const uint32_t *words)
{
    for (int64_t i = 0; i < swaps; ++i) {
        const int64_t other = i + words[i] % (uint32_t)(count - i);
        const int64_t item = items[i];
        items[i] = items[other];
        items[other] = item;
    }
}

/* Shuffles items by as many words, but one. */
void reflow_philox_shuffle(int64_t *items, int64_t count, const uint32_t *words)
{
    swap_items(items, count, count - 1, words);
}

/* --- kernels of ops ------------------------------------------------------------------------------------------------ */

#define NUMBERS (4 * LANES) /* of the blocks that are worked on together */

/* Writes `count` uniform numbers in [0, 1), four of each block from the counter (high, low) on. */
int64_t reflow_random_uniform(uint64_t key, uint64_t low, uint64_t high, float *out, int64_t count, int64_t threads)
{
    const struct stream s = start(key, low, high);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t first = 0; first < count; first += NUMBERS) {
        uint32_t words[NUMBERS];
        tile(&s, 0, (uint64_t)first / 4, 1, LANES, words);
        const int64_t left = count - first < NUMBERS ? count - first : NUMBERS;
        for (int64_t i = 0; i < left; ++i)
            out[first + i] = uniform(words[i]);
    }
    return 0;
}

/* Writes `count` normal numbers, four of each block from the counter (high, low) on. */
int64_t reflow_random_normal(uint64_t key, uint64_t low, uint64_t high, float *out, int64_t count, int64_t threads)
{
    const struct stream s = start(key, low, high);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t first = 0; first < count; first += NUMBERS) {
        uint32_t words[NUMBERS];
        float values[NUMBERS];
        tile(&s, 0, (uint64_t)first / 4, 1, LANES, words);
        normals(words, values);
        memcpy(out + first, values, (size_t)(count - first < NUMBERS ? count - first : NUMBERS) * sizeof *out);
    }
    return 0;
}

#define FEW_ROWS 4096 /* whose places stand on the stack */

/* Writes the rows of `value`, each of `width` bytes, in random order: that of reflow_philox_shuffle for the words from the
 * counter (high, low) on. Returns 1 where there is no memory for the order. */
int64_t reflow_random_shuffle(const char *value, uint64_t key, uint64_t low, uint64_t high, char *out, int64_t rows,
                              int64_t width, int64_t threads)
{
    int64_t few[FEW_ROWS], *order = rows <= FEW_ROWS ? few : malloc((size_t)rows * sizeof *order);
    if (!order)
        return 1;
    const struct stream s = start(key, low, high);
    for (int64_t i = 0; i < rows; ++i)
        order[i] = i;
    for (int64_t first = 0; first + 1 < rows; first += NUMBERS) {
        uint32_t words[NUMBERS];
        tile(&s, 0, (uint64_t)first / 4, 1, LANES, words);
        const int64_t left = rows - first;
        swap_items(order + first, left, left - 1 < NUMBERS ? left - 1 : NUMBERS, words);
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < rows; ++i)
        if (width == 4)
            memcpy(out + 4 * i, value + 4 * order[i], 4);
        else
            memcpy(out + width * i, value + width * order[i], (size_t)width);
    if (order != few)
        free(order);
    return 0;
}
