/* The gradient of a ReLU with its sums over all but the channels, for reflow/ops/native/relu_gradient.py: one pass over
 * memory.
 *
 * Tensors are rows x depth, float32; of the inputs, which may be some channels of larger tensors, rows are strides apart. Sums go over blocks of rows first, then over pairs of blocks, and pairs of those:
 * so rounding errors stay small, and the result does not depend on the number of threads.
 */
#include <stdint.h>
#include <string.h>

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* `out`, which may be `gradients`, gets 0 where a feature is not positive, and else the gradient (also beside a NaN).
 * `sums` has room for a row for each block of `block` rows; the first one gets the result. */
void reflow_relu_gradient(const float *gradients, int64_t gradients_stride, const float *features, int64_t features_stride,
                          int64_t rows, int64_t depth, int64_t block, int threads, float *out, float *sums)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t first = 0; first < rows; first += block) {
        float *sum = sums + first / block * depth;
        memset(sum, 0, (size_t)depth * sizeof *sum);
        for (int64_t row = first; row < smaller(first + block, rows); ++row) {
            const float *from = gradients + row * gradients_stride, *feature = features + row * features_stride;
            float *to = out + row * depth;
#pragma omp simd
            for (int64_t c = 0; c < depth; ++c) {
                const float in = from[c], value = feature[c] <= 0 ? 0 : in;
                to[c] = value;
                sum[c] += value;
            }
        }
    }
    const int64_t blocks = (rows + block - 1) / block;
    for (int64_t step = 1; step < blocks; step *= 2)
        for (int64_t b = 0; b + step < blocks; b += 2 * step)
            for (int64_t c = 0; c < depth; ++c)
                sums[b * depth + c] += sums[(b + step) * depth + c];
}
