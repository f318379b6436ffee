/* Convolutions by their definition, for reflow/ops/native/direct_conv.py: windows of 1x1, which are products of matrices, and
 * others that Winograd's way does not suit. All numbers are float32; images are [batch, height, width, depth].
 *
 * ROWS neighbouring results of PANELS * LANES channels are kept in registers while the windows' numbers go by. These lie in
 * the image as they are: a row of the window and all channels are one run, and the next result's is `stride_x * depth`
 * further on. Only images with a border of zeros are copied beforehand, with the border.
 *
 * The filter comes packed, [panel of LANES channels][numbers of the window][LANES]. It may be several filters beside one
 * another, for the same images: each part of the panels has a result of its own.
 */
#include <string.h>

#include "activations.h"

/* The images that a thread works on together for all channels of the result: an eighth of a core's own cache. */
#define CHUNK_NUMBERS (1 << 15)

typedef struct {
    int64_t batch, height, width, depth;
    int64_t out_height, out_width;
    int64_t window_height, window_width, stride_y, stride_x;
    int64_t pad_top, pad_left, padded_height, padded_width; /* the sizes are 0 where no border is wanted */
    int64_t panels, threads;
} problem;

/* Where the channels of one filter go: `columns` of them, the last panel may be incomplete; pixels are `stride` apart. The
 * residual that is added to them stands in the same way, or is null. */
typedef struct {
    float *out;
    int64_t columns, stride, activation;
    const float *residual;
} part;

/* Where one panel goes. */
typedef struct {
    float *out;
    int64_t lanes, stride, activation;
    const float *residual;
} target;

static target target_of(const part *parts, int64_t panel)
{
    int64_t column = panel * LANES;
    while (column >= parts->columns) {
        column -= (parts->columns + LANES - 1) / LANES * LANES;
        ++parts;
    }
    return (target){parts->out + column, smaller(LANES, parts->columns - column), parts->stride, parts->activation,
                    parts->residual ? parts->residual + column : 0};
}

/* The images, or their copies with borders, as a tile sees them. */
typedef struct {
    const float *numbers;
    int64_t row, image;    /* how far apart rows and images are */
    int64_t runs, length;  /* of the window */
    int64_t step, down;    /* from a result's window to that of its right neighbour, and of the one below */
} view;

/* The first `lanes` numbers from `from` on. */
INLINE vec some(const float *from, int64_t lanes)
{
    vec value = {0};
    if (lanes == LANES)
        return *(const vec *)from;
    memcpy(&value, from, (size_t)lanes * sizeof(float));
    return value;
}

/* Everything that does not change from row to row is decided before the loops, so that the sums stay in registers. */
INLINE void write_rows(const int rows, vec *sums, int64_t apart, const target *to, int64_t pixel)
{
    const int64_t at = pixel * to->stride;
    if (to->residual)
        _Pragma("GCC unroll 16") for (int r = 0; r < rows; ++r)
            sums[r * apart] += some(to->residual + at + r * to->stride, to->lanes);
    if (to->activation == RELU)
        _Pragma("GCC unroll 16") for (int r = 0; r < rows; ++r) sums[r * apart] = relu_of(sums[r * apart]);
    else if (to->activation == RELU6)
        _Pragma("GCC unroll 16") for (int r = 0; r < rows; ++r) sums[r * apart] = clipped(RELU6, sums[r * apart]);
    float *out = to->out + at;
    _Pragma("GCC unroll 16") for (int r = 0; r < rows; ++r, out += to->stride) {
        const vec value = sums[r * apart];
        if (to->lanes == LANES)
            *(vec *)out = value;
        else
            memcpy(out, &value, (size_t)to->lanes * sizeof(float));
    }
}

/* `rows` neighbouring results, of `panels` panels. `x` is where the first one's window begins. Meanwhile memory brings the
 * lines that the results go to, and with windows of 1x1 the next rows, which are too short to be foreseen. */
INLINE void tile(const int rows, const int panels, const view *v, const float *x, const float *weights, const float *bias,
                 const target *to, int64_t pixel)
{
    vec sums[ROWS][PANELS];
    const int64_t panel = v->runs * v->length * LANES, step = v->step, length = v->length;
    _Pragma("GCC unroll 16") for (int r = 0; r < rows; ++r)
        _Pragma("GCC unroll 2") for (int q = 0; q < panels; ++q)
            sums[r][q] = *(const vec *)(bias + q * LANES);
    _Pragma("GCC unroll 2") for (int q = 0; q < panels; ++q)
        _Pragma("GCC unroll 16") for (int r = 0; r < rows; ++r)
            __builtin_prefetch(to[q].out + (pixel + r) * to[q].stride, 1, 3);
    for (int64_t run = 0; run < v->runs; ++run, x += v->row)
        _Pragma("GCC unroll 1") for (int64_t k = 0; k < length; ++k, weights += LANES) {
            vec columns[PANELS];
            __builtin_prefetch(x + rows * step + k * rows, 0, 3);
            _Pragma("GCC unroll 2") for (int q = 0; q < panels; ++q)
                columns[q] = *(const vec *)(weights + q * panel);
            _Pragma("GCC unroll 16") for (int r = 0; r < rows; ++r)
                _Pragma("GCC unroll 2") for (int q = 0; q < panels; ++q)
                    sums[r][q] += x[r * step + k] * columns[q];
        }
    _Pragma("GCC unroll 2") for (int q = 0; q < panels; ++q)
        write_rows(rows, &sums[0][q], PANELS, to + q, pixel);
}

/* The same for a number of rows that is known at run time only: a case each, which keeps its sums in registers. */
static void tile_of_rows(int64_t rows, int64_t panels, const view *v, const float *x, const float *weights, const float *bias,
                         const target *to, int64_t pixel)
{
#define CASE(n)                                              \
    case n:                                                  \
        if (panels == PANELS)                                \
            tile(n, PANELS, v, x, weights, bias, to, pixel); \
        else                                                 \
            tile(n, 1, v, x, weights, bias, to, pixel);      \
        break;
    switch (rows) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if ROWS > 6
        CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
#endif
    }
#undef CASE
}

/* Of the tiles first to first + tiles, those whose work begins at `start` or later, and before `end`. The work is in panels of
 * a tile, and goes group of PANELS panels by group, so that the weights of one are read by all tiles in turn. */
static void convolve_chunk(const problem *p, const view *v, const float *weights, const float *bias, const part *parts,
                           int64_t first, int64_t tiles, int64_t start, int64_t end)
{
    const int64_t across = (p->out_width + ROWS - 1) / ROWS, window = v->runs * v->length;
    for (int64_t panel = 0; panel < p->panels; panel += PANELS) {
        const int64_t panels = smaller(PANELS, p->panels - panel);
        target to[PANELS];
        for (int64_t q = 0; q < panels; ++q)
            to[q] = target_of(parts, panel + q);
        for (int64_t t = 0; t < tiles; ++t) {
            const int64_t work = panel * tiles + t * panels;
            if (work < start || work >= end)
                continue;
            const int64_t line = (first + t) / across, i = (first + t) % across;
            const int64_t left = p->out_width * i / across, rows = p->out_width * (i + 1) / across - left;
            const float *x = v->numbers + line / p->out_height * v->image + line % p->out_height * v->down + left * v->step;
            tile_of_rows(rows, panels, v, x, weights + panel * window * LANES, bias + panel * LANES, to,
                         line * p->out_width + left);
        }
    }
}

/* Copies rows of the images into ones with borders: which, is divided among the threads that are here. */
static void copy_with_borders(const problem *p, const float *images, float *padded)
{
    const int64_t line = p->padded_width * p->depth, width = smaller(p->width, p->padded_width - p->pad_left) * p->depth;
#pragma omp for schedule(static)
    for (int64_t i = 0; i < p->batch * p->padded_height; ++i) {
        const int64_t y = i % p->padded_height - p->pad_top;
        float *to = padded + i * line;
        memset(to, 0, (size_t)line * sizeof(float));
        if (y >= 0 && y < p->height)
            memcpy(to + p->pad_left * p->depth, images + (i / p->padded_height * p->height + y) * p->width * p->depth,
                   (size_t)width * sizeof(float));
    }
}

/* Convolves images. `weights` and `bias` are those of all parts, each filled up with zeros to whole panels. `padded` has room
 * for batch * padded_height * padded_width * depth numbers. */
void reflow_direct_convolve(const problem *p, const float *images, const float *weights, const float *bias, const part *parts,
                            float *padded)
{
    const int is_padded = p->padded_height > 0;
    const int64_t height = is_padded ? p->padded_height : p->height, line = (is_padded ? p->padded_width : p->width) * p->depth;
    const view v = {is_padded ? padded : images, line, height * line, p->window_height, p->window_width * p->depth,
                    p->stride_x * p->depth, p->stride_y * line};
    const int64_t tiles = p->batch * p->out_height * ((p->out_width + ROWS - 1) / ROWS);
    const int64_t chunks = (p->batch * height * line + CHUNK_NUMBERS - 1) / CHUNK_NUMBERS;
#pragma omp parallel num_threads(p->threads)
    {
        if (is_padded)
            copy_with_borders(p, images, padded);
#pragma omp for schedule(static, 1)
        for (int64_t thread = 0; thread < p->threads; ++thread) {
            const int64_t start = tiles * p->panels * thread / p->threads, end = tiles * p->panels * (thread + 1) / p->threads;
            for (int64_t c = 0; c < chunks; ++c) {
                const int64_t first = tiles * c / chunks, count = tiles * (c + 1) / chunks - first;
                const int64_t before = first * p->panels;
                if (before + count * p->panels > start && before < end)
                    convolve_chunk(p, &v, weights, bias, parts, first, count, start - before, end - before);
            }
        }
    }
}

/* Packs a filter of `depth` rows and `columns` columns, of which number (k, j) is filter[k * row + j * column]. */
void reflow_direct_pack(const float *filter, int64_t depth, int64_t columns, int64_t row, int64_t column, int64_t threads,
                        float *packed)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t first = 0; first < columns; first += LANES) {
        const int64_t lanes = smaller(LANES, columns - first);
        const float *from = filter + first * column;
        float *to = packed + first * depth;
        if (lanes == LANES && column == 1) {
            for (int64_t k = 0; k < depth; ++k)
                *(vec *)(to + k * LANES) = *(const vec *)(from + k * row);
            continue;
        }
        if (lanes < LANES)
            memset(to, 0, (size_t)(depth * LANES) * sizeof(float));
        for (int64_t block = 0; block < depth; block += LANES)
            for (int64_t j = 0; j < lanes; ++j)
                for (int64_t k = block; k < smaller(block + LANES, depth); ++k)
                    to[k * LANES + j] = from[k * row + j * column];
    }
}
