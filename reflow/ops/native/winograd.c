/* Convolutions of stride 1 with windows of 3x3 and 5x5 by Winograd's minimal filtering, for reflow/ops/native/winograd.py.
 *
 * The image is cut into tiles whose outputs are tile x tile places. A tile of points x points numbers is transformed,
 * multiplied with the transformed window number by number, and transformed back:
 *
 *     window  points  tile  products of an output   by the definition   error, in that of the definition
 *     3x3     6       4     36 / 16 = 2.25          9                   1.3
 *     5x5     6       2     36 / 4 = 9              25                  1.7
 *     5x5     8       4     64 / 16 = 4             25                  6
 *
 * Over all channels and tiles, the products at one of the points x points positions are one matrix product.
 *
 * Images are [batch, height, width, channels], filters [height, width, in, out], float32; channels come in multiples of
 * LANES. Transformed data stands in panels of LANES channels: [position][panel][row][LANES].
 *
 * Source: Lavin, Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, with the transforms of Cook and
 * Toom. The points are 0, infinity and the pairs x, -x of the tables below; for six points these are the pairs of small
 * fractions that were found to err least, for eight the usual 1, 2 and 1/2.
 */
#include "ending.h"

#define MAX_TILE 4
#define MAX_POINTS 8
#define MAX_WINDOW 5
#define MAX_PAIRS 3
/* Of the filter's gradient, a product keeps GRAD_ROWS x LANES numbers in registers. */
#ifdef __AVX512F__
#define GRAD_ROWS 16
#else
#define GRAD_ROWS 4
#endif


/* What a call works on. An image's tile (i, j) has its outputs at tile * (i, j) of the output image, and its inputs
 * from tile * (i, j) - (pad_top, pad_left) of the input image on. */
typedef struct {
    int64_t batch, height, width, depth;        /* the input image */
    int64_t out_height, out_width, out_depth;
    int64_t pad_top, pad_left;
    int64_t points, tile;                       /* 6 and 4, 6 and 2, or 8 and 4 */
    int64_t block;                              /* tiles that are worked on together */
    int64_t threads;
} problem;

static int64_t tiles_across(const problem *p) { return (p->out_width + p->tile - 1) / p->tile; }
static int64_t tiles_of_image(const problem *p) { return (p->out_height + p->tile - 1) / p->tile * tiles_across(p); }

/* Calls CALL(points, tile) with the constants for which the transforms are compiled. */
#define FOR_POINTS_AND_TILE(p, CALL) \
    if ((p)->points == 8)            \
        CALL(8, 4);                  \
    else if ((p)->tile == 4)         \
        CALL(6, 4);                  \
    else                             \
        CALL(6, 2)

typedef struct {
    int64_t image, top, left; /* where the tile's outputs are */
} place;

INLINE place place_of(const problem *p, int64_t tile)
{
    const int64_t in_image = tile % tiles_of_image(p), across = tiles_across(p);
    return (place){tile / tiles_of_image(p), in_image / across * p->tile, in_image % across * p->tile};
}

/* The place of the next tile. */
INLINE place after(const problem *p, place at)
{
    if ((at.left += p->tile) < p->out_width)
        return at;
    at.left = 0;
    if ((at.top += p->tile) < p->out_height)
        return at;
    return (place){at.image + 1, 0, 0};
}

/* --- the transforms along one dimension: from `d`, with a stride, to `o`, with a stride of its own --- */

/* Position 0 is the point 0, then come x and -x of each pair, and last infinity. */
typedef struct {
    float pairs[MAX_PAIRS];
    float all[MAX_PAIRS + 1];               /* the product over all pairs of (t^2 - x^2), from t^0 on in powers of t^2 */
    float rest[MAX_PAIRS][MAX_PAIRS];       /* the same without one of the pairs */
    float weight[MAX_PAIRS + 1];            /* of the window's transform, at 0 and at the pairs */
} points_table;

static const points_table SIX_POINTS = {
    {2 / 3.0f, 3 / 2.0f}, {1, -97 / 36.0f, 1}, {{-9 / 4.0f, 1}, {-4 / 9.0f, 1}}, {1, -81 / 130.0f, 8 / 65.0f}};
static const points_table EIGHT_POINTS = {
    {1, 2, 1 / 2.0f}, {-1, 5.25f, -5.25f, 1}, {{1, -4.25f, 1}, {0.25f, -1.25f, 1}, {4, -5, 1}},
    {-1, -2 / 9.0f, 1 / 90.0f, 32 / 45.0f}};

#define TABLE(points) (points == 6 ? &SIX_POINTS : &EIGHT_POINTS)
#define UNROLLED _Pragma("GCC unroll 8")

/* The data's transform B^T: the data's products with the polynomial that vanishes at all points but one. */
INLINE void to_points(const int points, const vec *d, int s, vec *o, int q)
{
    const points_table *table = TABLE(points);
    const int pairs = points / 2 - 1;
    vec first = table->all[0] * d[0], last = table->all[0] * d[s];
    vec even[MAX_PAIRS], odd[MAX_PAIRS];
    UNROLLED for (int k = 1; k <= pairs; ++k) {
        first += table->all[k] * d[2 * k * s];
        last += table->all[k] * d[(2 * k + 1) * s];
    }
    UNROLLED for (int i = 0; i < pairs; ++i) {
        even[i] = table->rest[i][0] * d[2 * s];
        odd[i] = table->rest[i][0] * d[s];
        UNROLLED for (int k = 1; k < pairs; ++k) {
            even[i] += table->rest[i][k] * d[(2 * k + 2) * s];
            odd[i] += table->rest[i][k] * d[(2 * k + 1) * s];
        }
    }
    o[0] = first;
    UNROLLED for (int i = 0; i < pairs; ++i) {
        o[(2 * i + 1) * q] = even[i] + table->pairs[i] * odd[i];
        o[(2 * i + 2) * q] = even[i] - table->pairs[i] * odd[i];
    }
    o[(points - 1) * q] = last;
}

/* Values, at the points, of the polynomial that has `count` numbers for coefficients, times a weight. With the table's weights
 * this is the window's transform G, without (null) that of the result's gradient, A. */
INLINE void values_at_points(const int points, const int count, const float *weight, const vec *d, int s, vec *o, int q)
{
    const points_table *table = TABLE(points);
    o[0] = (weight ? weight[0] : 1) * d[0];
    UNROLLED for (int i = 0; i < points / 2 - 1; ++i) {
        vec even = {0}, odd = {0};
        float power = weight ? weight[i + 1] : 1;
        UNROLLED for (int k = 0; k < count; ++k, power *= table->pairs[i])
            if (k % 2)
                odd += power * d[k * s];
            else
                even += power * d[k * s];
        o[(2 * i + 1) * q] = even + odd;
        o[(2 * i + 2) * q] = even - odd;
    }
    o[(points - 1) * q] = d[(count - 1) * s];
}

/* Its adjoint: with the table's weights G^T, without the result's transform A^T. */
INLINE void sums_over_points(const int points, const int count, const float *weight, const vec *d, int s, vec *o, int q)
{
    const points_table *table = TABLE(points);
    o[0] = (weight ? weight[0] : 1) * d[0];
    UNROLLED for (int k = 1; k < count; ++k)
        o[k * q] = (vec){0};
    UNROLLED for (int i = 0; i < points / 2 - 1; ++i) {
        const vec sum = d[(2 * i + 1) * s] + d[(2 * i + 2) * s], difference = d[(2 * i + 1) * s] - d[(2 * i + 2) * s];
        float power = weight ? weight[i + 1] : 1;
        UNROLLED for (int k = 0; k < count; ++k, power *= table->pairs[i])
            o[k * q] += power * (k % 2 ? difference : sum);
    }
    o[(count - 1) * q] += d[(points - 1) * s];
}

/* --- tiles: LANES channels of one tile, from an image or into one ---
 *
 * What is transformed has positions `stride` numbers apart, a multiple of LANES. First the columns are transformed, then the
 * rows; what comes from memory, and what goes there, is held in registers alone. */

/* Transforms the tile's inputs. What lies outside of the image is 0. */
INLINE void tile_to_points(const int points, const problem *p, const float *images, place at, int64_t channel,
                           float *out, int64_t stride)
{
    const int64_t top = at.top - p->pad_top, left = at.left - p->pad_left, row = p->width * p->depth;
    const int64_t start = at.image * p->height * row + top * row + left * p->depth + channel;
    vec half[MAX_POINTS * MAX_POINTS];
    if (top >= 0 && left >= 0 && top + points <= p->height && left + points <= p->width) {
        for (int j = 0; j < points; ++j) {
            vec d[MAX_POINTS];
            UNROLLED for (int i = 0; i < points; ++i)
                d[i] = *(const vec *)(images + start + i * row + j * p->depth);
            to_points(points, d, 1, half + j, points);
        }
    } else {
        for (int j = 0; j < points; ++j) {
            vec d[MAX_POINTS];
            const int is_column = left + j >= 0 && left + j < p->width;
            UNROLLED for (int i = 0; i < points; ++i) {
                const int inside = is_column && top + i >= 0 && top + i < p->height;
                d[i] = inside ? *(const vec *)(images + start + i * row + j * p->depth) : (vec){0};
            }
            to_points(points, d, 1, half + j, points);
        }
    }
    for (int i = 0; i < points; ++i)
        to_points(points, half + i * points, 1, (vec *)(out + i * points * stride), (int)(stride / LANES));
}

/* Transforms the products back and writes the tile's outputs. */
INLINE void tile_from_points(const int points, const int tile, const problem *p, const float *products, int64_t stride,
                             place at, int64_t channel, const ending *e)
{
    vec half[MAX_TILE * MAX_POINTS], o[MAX_TILE * MAX_TILE];
    for (int j = 0; j < points; ++j)
        sums_over_points(points, tile, 0, (const vec *)(products + j * stride), points * (int)(stride / LANES),
                         half + j, points);
    for (int i = 0; i < tile; ++i)
        sums_over_points(points, tile, 0, half + i * points, 1, o + i * tile, 1);
    /* Added before, not on the way to memory: without a residual the loops below are as if there was none. */
    if (e->residual)
        for (int64_t i = 0; i < tile && at.top + i < p->out_height; ++i)
            for (int64_t j = 0; j < tile && at.left + j < p->out_width; ++j) {
                const int64_t pixel = (at.image * p->out_height + at.top + i) * p->out_width + at.left + j;
                o[i * tile + j] += *(const vec *)(e->residual + pixel * p->out_depth + channel);
            }
    end_all(e, o, tile * tile, channel);
    const int64_t step = e->pool ? 2 : 1, rows = p->out_height / step, columns = p->out_width / step;
    for (int64_t i = 0; i < tile && at.top + i < p->out_height; i += step)
        for (int64_t j = 0; j < tile && at.left + j < p->out_width; j += step) {
            const int64_t pixel = (at.image * rows + (at.top + i) / step) * columns + (at.left + j) / step;
            const int64_t to = pixel * p->out_depth + channel;
            const vec *from = o + i * tile + j;
            if (e->pool)
                store_greatest(e, from[0], from[1], from[tile], from[tile + 1], to);
            else
                *(vec *)(e->out + to) = from[0];
        }
}

/* Transforms the gradients of the tile's outputs. */
INLINE void tile_gradient_to_points(const int points, const int tile, const problem *p, const float *images, place at,
                                    int64_t channel, float *out, int64_t stride)
{
    const int64_t row = p->out_width * p->out_depth;
    const int64_t start = (at.image * p->out_height + at.top) * row + at.left * p->out_depth + channel;
    vec half[MAX_POINTS * MAX_TILE];
    for (int j = 0; j < tile; ++j) {
        vec d[MAX_TILE];
        UNROLLED for (int i = 0; i < tile; ++i) {
            const int inside = at.top + i < p->out_height && at.left + j < p->out_width;
            d[i] = inside ? *(const vec *)(images + start + i * row + j * p->out_depth) : (vec){0};
        }
        values_at_points(points, tile, 0, d, 1, half + j, tile);
    }
    for (int i = 0; i < points; ++i)
        values_at_points(points, tile, 0, half + i * tile, 1, (vec *)(out + i * points * stride),
                         (int)(stride / LANES));
}

/* --- the filter --- */

/* LANES columns of a row of the filter; of a turned one where `rotate` is set. */
INLINE void window_to_points(const int points, const int tile, const problem *p, const float *filter, int64_t row,
                             int64_t column, int rotate, float *out, int64_t stride)
{
    const int window = points - tile + 1, taps = window * window;
    vec w[MAX_WINDOW * MAX_WINDOW], half[MAX_POINTS * MAX_WINDOW];
    for (int tap = 0; tap < taps; ++tap) {
        if (rotate) {
            const float *from = filter + ((taps - 1 - tap) * p->out_depth + column) * p->depth + row;
            for (int lane = 0; lane < LANES; ++lane)
                w[tap][lane] = from[lane * p->depth];
        } else {
            w[tap] = *(const vec *)(filter + (tap * p->depth + row) * p->out_depth + column);
        }
    }
    for (int j = 0; j < window; ++j)
        values_at_points(points, window, TABLE(points)->weight, w + j, window, half + j, window);
    for (int i = 0; i < points; ++i)
        values_at_points(points, window, TABLE(points)->weight, half + i * window, 1,
                         (vec *)(out + i * points * stride), (int)(stride / LANES));
}

/* Transforms LANES output channels of a filter: [position][input channel][LANES], positions `stride` numbers apart. */
static void filter_panel(const problem *p, const float *filter, int64_t column, int rotate, float *out, int64_t stride)
{
#define WINDOW(points, tile) window_to_points(points, tile, p, filter, row, column, rotate, out + row * LANES, stride)
    for (int64_t row = 0; row < p->depth; ++row)
        FOR_POINTS_AND_TILE(p, WINDOW);
#undef WINDOW
}

/* Transforms a filter: [position][panel of output channels][input channel][LANES]. With `rotate` the filter is one of
 * [height, width, out, in], and turned by half a turn: how it stands in the gradient by the images. */
void reflow_winograd_filter(const problem *p, const float *filter, int64_t rotate, float *out)
{
#pragma omp parallel for num_threads(p->threads)
    for (int64_t column = 0; column < p->out_depth; column += LANES)
        filter_panel(p, filter, column, rotate != 0, out + column * p->depth, p->depth * p->out_depth);
}

/* --- convolution --- */

/* rows x (panels * LANES) results of a product of `v` [panel][row][LANES] with `u` [panel][depth][LANES]. What stands `ahead`
 * numbers behind `u` is fetched meanwhile: the processor does not foresee it, for it begins anew in every position. */
INLINE void small_product(const int rows, const int panels, const float *v, int64_t v_panel, const float *u, int64_t ahead,
                          int64_t depth, float *m, int64_t m_panel)
{
    vec sums[ROWS][PANELS];
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
        for (int q = 0; q < panels; ++q)
            sums[r][q] = (vec){0};
    for (int64_t first = 0; first < depth; first += LANES, v += v_panel, u += LANES * LANES)
#pragma GCC unroll 1
        for (int c = 0; c < LANES; ++c) {
            vec columns[PANELS];
#pragma GCC unroll 2
            for (int q = 0; q < panels; ++q) {
                columns[q] = *(const vec *)(u + q * depth * LANES + c * LANES);
                __builtin_prefetch(u + ahead + q * depth * LANES + c * LANES, 0, 2);
            }
#pragma GCC unroll 16
            for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
                for (int q = 0; q < panels; ++q)
                    sums[r][q] += v[r * LANES + c] * columns[q];
        }
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
        for (int q = 0; q < panels; ++q)
            *(vec *)(m + q * m_panel + r * LANES) = sums[r][q];
}

/* The same for a number of rows that is known at run time only: a case each, which keeps its sums in registers. */
static void few_rows_product(int64_t rows, int64_t panels, const float *v, int64_t v_panel, const float *u, int64_t ahead,
                             int64_t depth, float *m, int64_t m_panel)
{
#define CASE(n)                                                                \
    case n:                                                                    \
        if (panels == PANELS)                                                  \
            small_product(n, PANELS, v, v_panel, u, ahead, depth, m, m_panel); \
        else                                                                   \
            small_product(n, 1, v, v_panel, u, ahead, depth, m, m_panel);      \
        break;
    switch (rows) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if ROWS > 6
        CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
#endif
    }
#undef CASE
}

/* m = v u at one position: [panel][tiles][LANES] from [panel][tiles][LANES], where panels are `v_panel` numbers apart, and
 * [panel][depth][LANES]. The next product takes what stands `ahead` numbers behind `u`. */
static void product(const float *v, int64_t v_panel, const float *u, int64_t ahead, int64_t tiles, int64_t depth,
                    int64_t out_depth, float *m)
{
    for (int64_t column = 0; column < out_depth; column += PANELS * LANES) {
        const int64_t panels = smaller(PANELS, (out_depth - column) / LANES);
        for (int64_t t = 0; t < tiles; t += ROWS)
            few_rows_product(smaller(ROWS, tiles - t), panels, v + t * LANES, v_panel, u + column * depth,
                             t ? 0 : ahead, depth, m + column * tiles + t * LANES, tiles * LANES);
    }
}

INLINE void convolve_tiles(const int points, const int tile, const problem *p, const float *images, const float *filter,
                           int64_t first, int64_t tiles, float *scratch, const ending *e)
{
    const int64_t positions = points * points;
    const int64_t v_size = tiles * p->depth, m_size = tiles * p->out_depth, u_size = p->depth * p->out_depth;
    float *v = scratch, *m = scratch + positions * v_size;
    const place start = place_of(p, first);
    place at = start;
    for (int64_t c = 0; c < p->depth; c += LANES, at = start)
        for (int64_t t = 0; t < tiles; ++t, at = after(p, at))
            tile_to_points(points, p, images, at, c, v + c * tiles + t * LANES, v_size);
    for (int64_t i = 0; i < positions; ++i)
        product(v + i * v_size, tiles * LANES, filter + i * u_size, PANELS * LANES * p->depth, tiles, p->depth, p->out_depth,
                m + i * m_size);
    for (int64_t c = 0; c < p->out_depth; c += LANES, at = start)
        for (int64_t t = 0; t < tiles; ++t, at = after(p, at))
            tile_from_points(points, tile, p, m + c * tiles + t * LANES, m_size, at, c, e);
}

/* Convolves images with a filter that reflow_winograd_filter transformed. A thread works on a block of tiles at a time;
 * `scratch` has room for threads * points^2 * block * (depth + out_depth) numbers. */
void reflow_winograd_convolve(const problem *p, const float *images, const float *filter, float *scratch,
                              const ending *e)
{
#define TILES(points, tile) convolve_tiles(points, tile, p, images, filter, first, tiles, own, e)
    const int64_t all = p->batch * tiles_of_image(p), block = p->block;
    const int64_t share = p->points * p->points * block * (p->depth + p->out_depth);
#pragma omp parallel num_threads(p->threads)
    {
        float *own = scratch + omp_get_thread_num() * share;
#pragma omp for schedule(static)
        for (int64_t first = 0; first < all; first += block) {
            const int64_t tiles = smaller(block, all - first);
            FOR_POINTS_AND_TILE(p, TILES);
        }
    }
#undef TILES
}

/* The results' channels from `column` on, at most PANELS * LANES of them: for a block of tiles after the other. `u` is the
 * transformed filter of these channels, whose positions are u_size numbers apart. */
static void convolve_columns(const problem *p, const float *v, int64_t tiles, const float *u, int64_t u_size, int64_t column,
                             int64_t columns, float *m, const ending *e)
{
#define TILE(points, tile) \
    tile_from_points(points, tile, p, m + k * n + t * LANES, n * columns, at, column + k, e)
    for (int64_t first = 0; first < tiles; first += p->block) {
        const int64_t n = smaller(p->block, tiles - first);
        for (int64_t i = 0; i < p->points * p->points; ++i)
            product(v + i * tiles * p->depth + first * LANES, tiles * LANES, u + i * u_size, u_size, n, p->depth, columns,
                    m + i * n * columns);
        const place start = place_of(p, first);
        place at = start;
        for (int64_t k = 0; k < columns; k += LANES, at = start)
            for (int64_t t = 0; t < n; ++t, at = after(p, at))
                FOR_POINTS_AND_TILE(p, TILE);
    }
#undef TILE
}

/* The same as reflow_winograd_convolve, for filters that are larger than the images: each thread works on channels of the
 * result, so that the filter is read once. `kind` tells whether the filter is transformed (2) or not (0, or 1: to be
 * turned, as in reflow_winograd_filter); here this is done for the channels that are worked on.
 *
 * `scratch` has room for points^2 * (tiles * depth + threads * (depth + block) * 2 * LANES) numbers. */
void reflow_winograd_convolve_by_columns(const problem *p, const float *images, const float *filter, int64_t kind,
                                         float *scratch, const ending *e)
{
#define TILE(points, tile) \
    tile_to_points(points, p, images, place_of(p, t), c, scratch + c * tiles + t * LANES, tiles * p->depth)
    const int64_t positions = p->points * p->points, tiles = p->batch * tiles_of_image(p);
    const int64_t panels = p->out_depth / LANES, share = positions * (p->depth + p->block) * PANELS * LANES;
#pragma omp parallel num_threads(p->threads)
    {
#pragma omp for collapse(2) schedule(static)
        for (int64_t c = 0; c < p->depth; c += LANES)
            for (int64_t t = 0; t < tiles; ++t)
                FOR_POINTS_AND_TILE(p, TILE);
#pragma omp for schedule(static, 1)
        for (int64_t part = 0; part < p->threads; ++part) {
            float *u = scratch + positions * tiles * p->depth + part * share, *m = u + positions * p->depth * PANELS * LANES;
            const int64_t end = panels * (part + 1) / p->threads * LANES;
            for (int64_t column = panels * part / p->threads * LANES; column < end; column += PANELS * LANES) {
                const int64_t columns = smaller(PANELS * LANES, end - column), size = p->depth * columns;
                if (kind == 2) {
                    convolve_columns(p, scratch, tiles, filter + column * p->depth, p->depth * p->out_depth, column, columns,
                                     m, e);
                    continue;
                }
                for (int64_t k = 0; k < columns; k += LANES)
                    filter_panel(p, filter, column + k, kind == 1, u + k * p->depth, size);
                convolve_columns(p, scratch, tiles, u, size, column, columns, m, e);
            }
        }
    }
#undef TILE
}

/* --- the filter's gradient --- */

/* LANES x LANES sums over tiles of products of a channel of `v` with one of `m`, both [tiles][LANES]. */
INLINE void outer_product(const float *v, const float *m, int64_t tiles, int is_first, float *sums)
{
    for (int row = 0; row < LANES; row += GRAD_ROWS) {
        vec s[GRAD_ROWS];
#pragma GCC unroll 16
        for (int i = 0; i < GRAD_ROWS; ++i)
            s[i] = is_first ? (vec){0} : *(vec *)(sums + (row + i) * LANES);
#pragma GCC unroll 1
        for (int64_t t = 0; t < tiles; ++t) {
            const vec right = *(const vec *)(m + t * LANES);
#pragma GCC unroll 16
            for (int i = 0; i < GRAD_ROWS; ++i)
                s[i] += v[t * LANES + row + i] * right;
        }
#pragma GCC unroll 16
        for (int i = 0; i < GRAD_ROWS; ++i)
            *(vec *)(sums + (row + i) * LANES) = s[i];
    }
}

/* Transforms LANES channels of a block of tiles of the images: [position][tiles][LANES]. */
static void panel_to_points(const problem *p, const float *images, int64_t first, int64_t tiles, int64_t channel, float *v)
{
#define TILE(points, tile) tile_to_points(points, p, images, at, channel, v + t * LANES, tiles * LANES)
    place at = place_of(p, first);
    for (int64_t t = 0; t < tiles; ++t, at = after(p, at))
        FOR_POINTS_AND_TILE(p, TILE);
#undef TILE
}

static void gradient_panel_to_points(const problem *p, const float *images, int64_t first, int64_t tiles, int64_t channel,
                                     float *m)
{
#define TILE(points, tile) \
    tile_gradient_to_points(points, tile, p, images, at, channel, m + t * LANES, tiles * LANES)
    place at = place_of(p, first);
    for (int64_t t = 0; t < tiles; ++t, at = after(p, at))
        FOR_POINTS_AND_TILE(p, TILE);
#undef TILE
}

/* Adds a block's products of two panels of channels to `sums`: [position][LANES][LANES]. */
static void add_products(int64_t positions, const float *v, const float *m, int64_t tiles, int is_first, float *sums)
{
    for (int64_t i = 0; i < positions; ++i)
        outer_product(v + i * tiles * LANES, m + i * tiles * LANES, tiles, is_first, sums + i * LANES * LANES);
}

/* Transforms one row of sums, added up over `parts` that lie `stride` apart, into LANES columns of the gradient. */
INLINE void window_from_points(const int points, const int tile, const problem *p, const float *sums, int64_t parts,
                               int64_t stride, float *out)
{
    const int window = points - tile + 1;
    vec u[MAX_POINTS * MAX_POINTS], half[MAX_WINDOW * MAX_POINTS], w[MAX_WINDOW * MAX_WINDOW];
    for (int i = 0; i < points * points; ++i) {
        u[i] = *(const vec *)(sums + i * LANES * LANES);
        for (int64_t part = 1; part < parts; ++part)
            u[i] += *(const vec *)(sums + part * stride + i * LANES * LANES);
    }
    for (int j = 0; j < points; ++j)
        sums_over_points(points, window, TABLE(points)->weight, u + j, points, half + j, points);
    for (int i = 0; i < window; ++i)
        sums_over_points(points, window, TABLE(points)->weight, half + i * points, 1, w + i * window, 1);
    for (int tap = 0; tap < window * window; ++tap)
        *(vec *)(out + tap * p->depth * p->out_depth) = w[tap];
}

static void sums_to_filter(const problem *p, const float *sums, int64_t parts, int64_t stride, int64_t channel,
                           int64_t out_channel, float *out)
{
#define ROW(points, tile) window_from_points(points, tile, p, sums + row * LANES, parts, stride, to)
    for (int64_t row = 0; row < LANES; ++row) {
        float *to = out + (channel + row) * p->out_depth + out_channel;
        FOR_POINTS_AND_TILE(p, ROW);
    }
#undef ROW
}

/* The gradient by the filter. Each of `parts` shares of the tiles, of which none is empty, has sums of its own, so that
 * each thread works alone, on data in its own cache.
 *
 * `sums` has room for parts * points^2 * depth * out_depth numbers, `scratch` for parts * points^2 * block *
 * (depth + out_depth). */
void reflow_winograd_filter_gradient(const problem *p, const float *images, const float *gradients, int64_t parts,
                                     float *scratch, float *sums, float *out)
{
    const int64_t positions = p->points * p->points, all = p->batch * tiles_of_image(p);
    const int64_t in_panels = p->depth / LANES, out_panels = p->out_depth / LANES, pairs = in_panels * out_panels;
    const int64_t pair_size = positions * LANES * LANES, sums_size = pairs * pair_size;
    const int64_t scratch_size = positions * p->block * (p->depth + p->out_depth);
#pragma omp parallel num_threads(p->threads)
    {
#pragma omp for schedule(static, 1)
        for (int64_t part = 0; part < parts; ++part) {
            const int64_t start = all * part / parts, end = all * (part + 1) / parts;
            float *v = scratch + part * scratch_size, *m = v + positions * p->block * p->depth;
            for (int64_t first = start; first < end; first += p->block) {
                const int64_t tiles = smaller(p->block, end - first), panel = positions * tiles * LANES;
                for (int64_t c = 0; c < in_panels; ++c)
                    panel_to_points(p, images, first, tiles, c * LANES, v + c * panel);
                for (int64_t k = 0; k < out_panels; ++k)
                    gradient_panel_to_points(p, gradients, first, tiles, k * LANES, m + k * panel);
                for (int64_t pair = 0; pair < pairs; ++pair)
                    add_products(positions, v + pair / out_panels * panel, m + pair % out_panels * panel, tiles,
                                 first == start, sums + part * sums_size + pair * pair_size);
            }
        }
#pragma omp for schedule(static)
        for (int64_t pair = 0; pair < pairs; ++pair)
            sums_to_filter(p, sums + pair * pair_size, parts, sums_size, pair / out_panels * LANES,
                           pair % out_panels * LANES, out);
    }
}

/* The same for a filter of which copies would be large: there is one sum, and the threads divide the work on a block of
 * tiles by channels. `sums` is used only if there is more than one block. */
void reflow_winograd_large_filter_gradient(const problem *p, const float *images, const float *gradients, float *scratch,
                                           float *sums, float *out)
{
    const int64_t positions = p->points * p->points, all = p->batch * tiles_of_image(p);
    const int64_t in_panels = p->depth / LANES, out_panels = p->out_depth / LANES, pairs = in_panels * out_panels;
    const int64_t pair_size = positions * LANES * LANES;
    float *v = scratch, *m = v + positions * p->block * p->depth;
#pragma omp parallel num_threads(p->threads)
    for (int64_t first = 0; first < all; first += p->block) {
        const int64_t tiles = smaller(p->block, all - first), panel = positions * tiles * LANES;
#pragma omp for schedule(static) nowait
        for (int64_t c = 0; c < in_panels; ++c)
            panel_to_points(p, images, first, tiles, c * LANES, v + c * panel);
#pragma omp for schedule(static)
        for (int64_t k = 0; k < out_panels; ++k)
            gradient_panel_to_points(p, gradients, first, tiles, k * LANES, m + k * panel);
#pragma omp for schedule(static)
        for (int64_t pair = 0; pair < pairs; ++pair) {
            float only[MAX_POINTS * MAX_POINTS * LANES * LANES];
            float *pair_sums = p->block < all ? sums + pair * pair_size : only;
            const int64_t c = pair / out_panels, k = pair % out_panels;
            add_products(positions, v + c * panel, m + k * panel, tiles, first == 0, pair_sums);
            if (first + tiles == all)
                sums_to_filter(p, pair_sums, 1, 0, c * LANES, k * LANES, out);
        }
    }
}
