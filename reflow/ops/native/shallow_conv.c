/* Convolutions of images with few channels, such as a network's first, for reflow/ops/native/shallow_conv.py.
 *
 * Images are [batch, height, width, depth], filters [height, width, depth, out_depth], float32; out_depth is a multiple of
 * PANELS * LANES. Within a row of the window the numbers of an image lie one after the other: window_width * depth of them. For
 * the products they play the part that the channels play in a convolution of deep images.
 */
#include <string.h>

#include "ending.h"

#define BAND_NUMBERS (1 << 15) /* of the result's gradient that stay in the second-level cache */


typedef struct {
    int64_t batch, height, width, depth;             /* the images */
    int64_t out_height, out_width, out_depth;
    int64_t window_height, window_width;
    int64_t stride_y, stride_x;
    int64_t pad_top, pad_left;
    int64_t padded_height, padded_width;             /* what the windows reach over */
    int64_t threads;
} problem;

static int64_t padded_size(const problem *p) { return p->padded_height * p->padded_width * p->depth; }

/* Copies one image with its padding of zeros. Rows and columns that no window reaches are left out. */
static void pad_image(const problem *p, const float *image, float *out)
{
    const int64_t row = p->padded_width * p->depth, left = p->pad_left * p->depth;
    const int64_t inside = smaller(p->width * p->depth, row - left);
    for (int64_t y = 0; y < p->padded_height; ++y, out += row) {
        const int64_t from = y - p->pad_top;
        if (from < 0 || from >= p->height) {
            memset(out, 0, (size_t)row * sizeof(float));
            continue;
        }
        memset(out, 0, (size_t)left * sizeof(float));
        memcpy(out + left, image + from * p->width * p->depth, (size_t)inside * sizeof(float));
        memset(out + left + inside, 0, (size_t)(row - left - inside) * sizeof(float));
    }
}

/* `pixels` results in a row, PANELS * LANES channels: `x` is the first window's corner. */
INLINE void convolve_pixels(const int pixels, const problem *p, const float *x, const float *filter, const ending *e,
                            int64_t channel, float *out)
{
    const int64_t run = p->window_width * p->depth, step = p->stride_x * p->depth;
    vec sums[ROWS][PANELS];
#pragma GCC unroll 16
    for (int r = 0; r < pixels; ++r)
#pragma GCC unroll 2
        for (int q = 0; q < PANELS; ++q)
            sums[r][q] = (vec){0};
    for (int64_t y = 0; y < p->window_height; ++y, x += p->padded_width * p->depth)
#pragma GCC unroll 1
        for (int64_t i = 0; i < run; ++i, filter += p->out_depth) {
            vec weights[PANELS];
#pragma GCC unroll 2
            for (int q = 0; q < PANELS; ++q)
                weights[q] = *(const vec *)(filter + q * LANES);
#pragma GCC unroll 16
            for (int r = 0; r < pixels; ++r)
#pragma GCC unroll 2
                for (int q = 0; q < PANELS; ++q)
                    sums[r][q] += x[r * step + i] * weights[q];
        }
#pragma GCC unroll 16
    for (int r = 0; r < pixels; ++r)
#pragma GCC unroll 2
        for (int q = 0; q < PANELS; ++q)
            *(vec *)(out + r * p->out_depth + q * LANES) = ended(e, sums[r][q], channel + q * LANES);
}

/* A case for each number of rows that a product can have. */
#define FEW_CASES(CALL) case 1: CALL(1) break; case 2: CALL(2) break; case 3: CALL(3) break; case 4: CALL(4) break; \
    case 5: CALL(5) break; case 6: CALL(6) break;
#if ROWS > 6
#define CASES(CALL) FEW_CASES(CALL) case 7: CALL(7) break; case 8: CALL(8) break; case 9: CALL(9) break; \
    case 10: CALL(10) break; case 11: CALL(11) break; case 12: CALL(12) break; case 13: CALL(13) break; \
    case 14: CALL(14) break;
#else
#define CASES FEW_CASES
#endif

static void convolve_row(const problem *p, const float *x, const float *filter, const ending *e, float *out)
{
#define PIXELS(n) convolve_pixels(n, p, from, filter + k, e, k, to);
    for (int64_t first = 0; first < p->out_width; first += ROWS) {
        const int64_t pixels = smaller(ROWS, p->out_width - first);
        const float *from = x + first * p->stride_x * p->depth;
        for (int64_t k = 0; k < p->out_depth; k += PANELS * LANES) {
            float *to = out + first * p->out_depth + k;
            switch (pixels) { CASES(PIXELS) }
        }
    }
#undef PIXELS
}

/* Pools two rows of results into row `row` of the pooled ones. */
static void pool_rows(const problem *p, const float *upper, int64_t row, const ending *e)
{
    const float *lower = upper + p->out_width * p->out_depth;
    const int64_t start = row * p->out_width / 2 * p->out_depth;
    for (int64_t x = 0; x < p->out_width / 2; ++x)
        for (int64_t k = 0; k < p->out_depth; k += LANES) {
            const int64_t left = 2 * x * p->out_depth + k, right = left + p->out_depth;
            store_greatest(e, *(const vec *)(upper + left), *(const vec *)(upper + right), *(const vec *)(lower + left),
                           *(const vec *)(lower + right), start + x * p->out_depth + k);
        }
}

/* Convolves images. `scratch` has room, for each thread, for the padded image and for two rows of results. */
void reflow_shallow_convolve(const problem *p, const float *images, const float *filter, float *scratch, const ending *e)
{
    const int64_t in_size = p->height * p->width * p->depth, row_size = p->out_width * p->out_depth;
    const int64_t in_row = p->stride_y * p->padded_width * p->depth;
    /* A thread works on whole images, or, where these are fewer than threads, on bands of one. */
    const int64_t bands = (p->threads + p->batch - 1) / p->batch, step = e->pool ? 2 : 1, rows = p->out_height / step;
#pragma omp parallel for num_threads(p->threads) schedule(static)
    for (int64_t i = 0; i < p->batch * bands; ++i) {
        const int64_t image = i / bands, band = i % bands;
        float *padded = scratch + omp_get_thread_num() * (padded_size(p) + 2 * row_size), *two = padded + padded_size(p);
        pad_image(p, images + image * in_size, padded);
        for (int64_t y = rows * band / bands; y < rows * (band + 1) / bands; ++y) {
            const float *x = padded + step * y * in_row;
            if (!e->pool) {
                convolve_row(p, x, filter, e, e->out + (image * rows + y) * row_size);
                continue;
            }
            convolve_row(p, x, filter, e, two);
            convolve_row(p, x + in_row, filter, e, two + row_size);
            pool_rows(p, two, image * rows + y, e);
        }
    }
}

/* Adds to `sums` [rows][out_depth] the products of `rows` numbers of the windows with the results' gradients, over the
 * windows of `height` rows of places. */
INLINE void add_outer_products(const int rows, const problem *p, const float *x, const float *gradients,
                               int64_t height, float *sums)
{
    const int64_t step = p->stride_x * p->depth;
    vec s[ROWS][PANELS];
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
        for (int q = 0; q < PANELS; ++q)
            s[r][q] = *(vec *)(sums + r * p->out_depth + q * LANES);
    for (int64_t y = 0; y < height; ++y, x += p->stride_y * p->padded_width * p->depth)
#pragma GCC unroll 1
        for (int64_t i = 0; i < p->out_width; ++i, gradients += p->out_depth) {
            vec right[PANELS];
#pragma GCC unroll 2
            for (int q = 0; q < PANELS; ++q)
                right[q] = *(const vec *)(gradients + q * LANES);
#pragma GCC unroll 16
            for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
                for (int q = 0; q < PANELS; ++q)
                    s[r][q] += x[i * step + r] * right[q];
        }
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
        for (int q = 0; q < PANELS; ++q)
            *(vec *)(sums + r * p->out_depth + q * LANES) = s[r][q];
}

/* Adds what a band of places contributes to the filter's gradient. */
static void add_band(const problem *p, const float *x, const float *gradients, int64_t height, float *sums)
{
#define PRODUCTS(n) add_outer_products(n, p, from + first, gradients + k, height, to + k);
    const int64_t run = p->window_width * p->depth, parts = (run + ROWS - 1) / ROWS;
    for (int64_t y = 0; y < p->window_height; ++y) {
        const float *from = x + y * p->padded_width * p->depth;
        for (int64_t part = 0; part < parts; ++part) {
            const int64_t first = run * part / parts, rows = run * (part + 1) / parts - first;
            float *to = sums + (y * run + first) * p->out_depth;
            for (int64_t k = 0; k < p->out_depth; k += PANELS * LANES)
                switch (rows) { CASES(PRODUCTS) }
        }
    }
#undef PRODUCTS
}

/* The gradient by the filter. Each thread has sums of its own for a share of the images; `parts`, the number of shares,
 * is at most the batch. `scratch` has room for a padded image each, `sums` for parts - 1 filters. */
void reflow_shallow_filter_gradient(const problem *p, const float *images, const float *gradients, int64_t parts,
                                    float *scratch, float *sums, float *out)
{
    const int64_t in_size = p->height * p->width * p->depth, row_size = p->out_width * p->out_depth;
    const int64_t filter_size = p->window_height * p->window_width * p->depth * p->out_depth;
    const int64_t band = BAND_NUMBERS / row_size + 1;
#pragma omp parallel num_threads(p->threads)
    {
#pragma omp for schedule(static, 1)
        for (int64_t part = 0; part < parts; ++part) {
            float *own = part ? sums + (part - 1) * filter_size : out, *padded = scratch + part * padded_size(p);
            memset(own, 0, (size_t)filter_size * sizeof(float));
            for (int64_t image = p->batch * part / parts; image < p->batch * (part + 1) / parts; ++image) {
                pad_image(p, images + image * in_size, padded);
                for (int64_t y = 0; y < p->out_height; y += band)
                    add_band(p, padded + y * p->stride_y * p->padded_width * p->depth,
                             gradients + (image * p->out_height + y) * row_size, smaller(band, p->out_height - y), own);
            }
        }
#pragma omp for schedule(static)
        for (int64_t i = 0; i < filter_size; ++i)
            for (int64_t part = 1; part < parts; ++part)
                out[i] += sums[(part - 1) * filter_size + i];
    }
}
