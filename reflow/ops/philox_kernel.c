/* Philox 4x32-10 blocks and the shuffle that consumes them, for reflow/ops/philox.py.
 *
 * The NumPy code beside it computes the same bits; this file is there for speed alone. Every loop over lanes is
 * free of branches and keeps its 32-bit words in 64-bit variables, the shape that compilers turn into packed
 * 32x32 -> 64 bit multiplications.
 *
 * Source of the algorithm: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
#include <stdint.h>

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

/* Writes `count` blocks of four words. Block i has the counter (high, low) + offsets[i], or + i * stride where
 * `offsets` is null. */
void reflow_philox_blocks(uint64_t key, uint64_t low, uint64_t high, uint64_t stride, const uint64_t *offsets,
                          int64_t count, uint32_t *out)
{
    struct stream s = {.low = low, .high = high};
    for (uint32_t r = 0; r < ROUNDS; ++r) {
        s.key0[r] = (uint32_t)key + r * 0x9E3779B9u;
        s.key1[r] = (uint32_t)(key >> 32) + r * 0xBB67AE85u;
    }
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        if (offsets)
            tile(&s, offsets + i, 0, 0, LANES, out + 4 * i);
        else
            tile(&s, 0, (uint64_t)i * stride, stride, LANES, out + 4 * i);
    if (i < count)
        tile(&s, offsets ? offsets + i : 0, (uint64_t)i * stride, stride, (int)(count - i), out + 4 * i);
}

/* Swaps item i with item i + words[i] mod (count - i), for i = 0 .. count - 2. */
void reflow_philox_shuffle(int64_t *items, int64_t count, const uint32_t *words)
{
    for (int64_t i = 0; i + 1 < count; ++i) {
        const int64_t other = i + words[i] % (uint32_t)(count - i);
        const int64_t item = items[i];
        items[i] = items[other];
        items[other] = item;
    }
}
