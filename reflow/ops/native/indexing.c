/* Gathering and adding up rows by index, one-hot vectors and ranges, for reflow/ops/native/indexing.py.
 *
 * Indices are int32 or int64 (`wide`), `depth` of them a row: those of the leading dimensions `sizes` of a tensor, whose
 * other dimensions are a row. The functions check them, and return how many are out of range.
 */
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

static inline int64_t index_at(const void *indices, int wide, int64_t i)
{
    return wide ? ((const int64_t *)indices)[i] : ((const int32_t *)indices)[i];
}

/* The row that the i-th `depth` indices name; -1 if one of them is out of range. */
static inline int64_t row_at(const void *indices, int wide, int64_t i, int64_t depth, const int64_t *sizes)
{
    int64_t row = 0, bad = 0;
    for (int64_t k = 0; k < depth; ++k) {
        const int64_t index = index_at(indices, wide, i * depth + k);
        bad |= (uint64_t)index >= (uint64_t)sizes[k];
        row = row * sizes[k] + index;
    }
    return bad ? -1 : row;
}

/* out[i] = table[row i], rows of `width` bytes. */
EXPORT int64_t reflow_gather_rows(const char *table, const void *indices, int wide, int64_t count, int64_t depth,
                                  const int64_t *sizes, int64_t width, char *out, int threads)
{
    int64_t bad = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : bad)
    for (int64_t i = 0; i < count; ++i) {
        const int64_t row = row_at(indices, wide, i, depth, sizes);
        if (row < 0)
            ++bad;
        else if (width == 4)
            memcpy(out + 4 * i, table + 4 * row, 4);
        else if (width == 8)
            memcpy(out + 8 * i, table + 8 * row, 8);
        else
            memcpy(out + width * i, table + width * row, (size_t)width);
    }
    return bad;
}

/* out = zeros [count_out, width], to which rows[i] is added at row i, in the order of i. Each thread makes a part of the
 * output. With `skip_negative` a negative index means that the row counts nowhere (depth 1). */
EXPORT int64_t reflow_add_rows(const float *rows, const void *indices, int wide, int64_t count, int64_t depth,
                               const int64_t *sizes, int64_t width, float *out, int64_t count_out, int skip_negative,
                               int threads)
{
    int64_t bad = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : bad)
    for (int part = 0; part < threads; ++part) {
        const int64_t first = count_out * part / threads, end = count_out * (part + 1) / threads;
        memset(out + first * width, 0, (size_t)((end - first) * width) * sizeof *out);
        for (int64_t i = 0; i < count; ++i) {
            const int64_t row = row_at(indices, wide, i, depth, sizes);
            if (row < 0) {
                bad += !skip_negative || index_at(indices, wide, i) >= 0;
            } else if (row >= first && row < end) {
                float *restrict sum = out + row * width;
                const float *restrict source = rows + i * width;
                for (int64_t j = 0; j < width; ++j)
                    sum[j] += source[j];
            }
        }
    }
    return bad;
}

/* One more than the last of sorted segment ids; -1 if they are not sorted, or negative. */
EXPORT int64_t reflow_count_segments(const void *ids, int wide, int64_t count)
{
    int64_t last = 0, bad = 0;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t id = index_at(ids, wide, i);
        bad |= id < last;
        last = id;
    }
    return bad ? -1 : count ? last + 1 : 0;
}

/* Rows of `depth` numbers: `on` at the index, `off` elsewhere. */
EXPORT void reflow_one_hot(const void *indices, int wide, int64_t count, int64_t depth, float on, float off, float *out,
                           int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < count; ++i) {
        const int64_t index = index_at(indices, wide, i);
        float *row = out + i * depth;
        for (int64_t j = 0; j < depth; ++j)
            row[j] = off;
        if ((uint64_t)index < (uint64_t)depth)
            row[index] = on;
    }
}

/* start, start + step, start + 2 step, ... */
EXPORT void reflow_range(int32_t start, int32_t step, int64_t count, int32_t *out, int threads)
{
#pragma omp parallel for simd num_threads(threads) schedule(static)
    for (int64_t i = 0; i < count; ++i)
        out[i] = (int32_t)((uint32_t)start + (uint32_t)i * (uint32_t)step);
}
