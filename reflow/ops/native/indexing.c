/* Gathering and adding up rows by index, one-hot vectors and ranges, for reflow/ops/native/indexing.py.
 *
 * Indices are int32 or int64 (`wide`), `depth` of them a row: those of the leading dimensions `sizes` of a tensor, whose
 * other dimensions are a row. The functions check them, and return how many are out of range.
 */
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

static inline int64_t index_at(const void *indices, int64_t wide, int64_t i)
{
    return wide ? ((const int64_t *)indices)[i] : ((const int32_t *)indices)[i];
}

/* The row that the i-th `depth` indices name; -1 if one of them is out of range. */
static inline int64_t row_at(const void *indices, int64_t wide, int64_t i, int64_t depth, const int64_t *sizes)
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
EXPORT int64_t reflow_gather_rows(const char *table, const void *indices, char *out, int64_t wide, int64_t count,
                                  int64_t depth, const int64_t *sizes, int64_t width, int64_t threads)
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
EXPORT int64_t reflow_add_rows(const float *rows, const void *indices, float *out, int64_t wide, int64_t count,
                               int64_t depth, const int64_t *sizes, int64_t width, int64_t count_out,
                               int64_t skip_negative, int64_t threads)
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

/* As reflow_add_rows, with the indices first. */
EXPORT int64_t reflow_scatter_rows(const void *indices, const float *rows, float *out, int64_t wide, int64_t count,
                                   int64_t depth, const int64_t *sizes, int64_t width, int64_t count_out,
                                   int64_t threads)
{
    return reflow_add_rows(rows, indices, out, wide, count, depth, sizes, width, count_out, 0, threads);
}

/* One more than the last of sorted segment ids. -1 if they are not sorted, or negative, or if there are more segments
 * than ids: of so many without rows, memory may not do. */
EXPORT int64_t reflow_count_segments(const float *rows, const void *ids, int64_t wide, int64_t count, int64_t width)
{
    int64_t last = 0, bad = 0;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t id = index_at(ids, wide, i);
        bad |= id < last;
        last = id;
    }
    return bad || last >= count ? -1 : last + 1;
}

/* The sums of the rows of each segment, zeros where it has none. */
EXPORT int64_t reflow_segment_sum(const float *rows, const void *ids, float *out, int64_t wide, int64_t count,
                                  int64_t width, int64_t segments, int64_t threads)
{
    return reflow_add_rows(rows, ids, out, wide, count, 1, &segments, width, segments, 0, threads);
}

/* Rows of `depth` numbers: values[0] at the index, values[1] elsewhere. */
EXPORT int64_t reflow_one_hot(const void *indices, float *out, int64_t wide, int64_t count, int64_t depth,
                              const float *values, int64_t threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < count; ++i) {
        const int64_t index = index_at(indices, wide, i);
        float *row = out + i * depth;
        for (int64_t j = 0; j < depth; ++j)
            row[j] = values[1];
        if ((uint64_t)index < (uint64_t)depth)
            row[index] = values[0];
    }
    return 0;
}

/* How many numbers a range has; -1 if it goes down, or nowhere, or has numbers that are no int32. */
EXPORT int64_t reflow_range_count(int64_t start, int64_t limit, int64_t step)
{
    if (step <= 0 || start > limit || start < INT32_MIN || limit > INT32_MAX)
        return -1;
    return (limit - start + step - 1) / step;
}

/* start, start + step, start + 2 step, ... */
EXPORT int64_t reflow_range(int64_t start, int64_t limit, int64_t step, int32_t *out, int64_t count, int64_t threads)
{
#pragma omp parallel for simd num_threads(threads) schedule(static)
    for (int64_t i = 0; i < count; ++i)
        out[i] = (int32_t)((uint32_t)start + (uint32_t)i * (uint32_t)step);
    return 0;
}
