/* Convolutions of stride 1 with windows of 3x3 and 5x5 by Winograd's minimal filtering, for reflow/ops/winograd.py.
 *
 * The image is cut into tiles whose outputs are 4x4 places. A tile of points x points numbers (6x6 for a 3x3 window, 8x8
 * for 5x5) is transformed, multiplied with the transformed window number by number, and transformed back: 36 products
 * instead of 144, or 64 instead of 400, for each pair of an input and an output channel. Over all channels and tiles,
 * the products at one of the points x points positions are one matrix product.
 *
 * Images are [batch, height, width, channels], filters [height, width, in, out], float32; channels come in multiples of
 * LANES. Transformed data stands in panels of LANES channels: [position][panel][row][LANES].
 *
 * Source: Lavin, Gray, "Fast algorithms for convolutional neural networks", CVPR 2016; the matrices are those of
 * Cook and Toom for the points 0, 1, -1, 2, -2, (1/2, -1/2,) infinity.
 */
#include <stdint.h>
#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_thread_num(void) { return 0; }
#endif

#define LANES 16
#define TILE 4         /* places of a tile's output along a dimension */
#define MAX_POINTS 8
#define MAX_WINDOW 5
/* The block of the result that a product keeps in registers: ROWS x (PANELS * LANES), and LANES wide ones of GRAD_ROWS. */
#ifdef __AVX512F__
#define ROWS 14
#define PANELS 2
#define GRAD_ROWS 16
#else
#define ROWS 6
#define PANELS 1
#define GRAD_ROWS 4
#endif

typedef float vec __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef int32_t mask __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
#define INLINE static inline __attribute__((always_inline))

/* What a call works on. An image's tile (i, j) has its outputs at TILE * (i, j) of the output image, and its inputs
 * from TILE * (i, j) - (pad_top, pad_left) of the input image on. */
typedef struct {
    int64_t batch, height, width, depth;        /* the input image */
    int64_t out_height, out_width, out_depth;
    int64_t pad_top, pad_left;
    int64_t window;                             /* 3 or 5 */
    int64_t block;                              /* tiles that are worked on together */
    int64_t threads;
} problem;

static int64_t tiles_across(const problem *p) { return (p->out_width + TILE - 1) / TILE; }
static int64_t tiles_of_image(const problem *p) { return (p->out_height + TILE - 1) / TILE * tiles_across(p); }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

typedef struct {
    int64_t image, top, left; /* where the tile's outputs are */
} place;

INLINE place place_of(const problem *p, int64_t tile)
{
    const int64_t in_image = tile % tiles_of_image(p), across = tiles_across(p);
    return (place){tile / tiles_of_image(p), in_image / across * TILE, in_image % across * TILE};
}

/* --- the transforms along one dimension: from `d`, with a stride, to `o`, with a stride of its own --- */

/* The data's transform B^T. */
INLINE void to_points(const int points, const vec *d, int s, vec *o, int q)
{
    if (points == 6) {
        const vec d0 = d[0], d1 = d[s], d2 = d[2 * s], d3 = d[3 * s], d4 = d[4 * s], d5 = d[5 * s];
        const vec even1 = d4 - 4 * d2, odd1 = d3 - 4 * d1, even2 = d4 - d2, odd2 = 2 * (d3 - d1);
        o[0] = 4 * d0 - 5 * d2 + d4;
        o[q] = even1 + odd1;
        o[2 * q] = even1 - odd1;
        o[3 * q] = even2 + odd2;
        o[4 * q] = even2 - odd2;
        o[5 * q] = 4 * d1 - 5 * d3 + d5;
    } else {
        const vec d0 = d[0], d1 = d[s], d2 = d[2 * s], d3 = d[3 * s];
        const vec d4 = d[4 * s], d5 = d[5 * s], d6 = d[6 * s], d7 = d[7 * s];
        const vec even1 = d2 + d6 - 4.25f * d4, odd1 = d1 + d5 - 4.25f * d3;
        const vec even2 = d6 + 0.25f * d2 - 1.25f * d4, odd2 = 0.5f * d1 - 2.5f * d3 + 2 * d5;
        const vec even3 = d6 + 4 * d2 - 5 * d4, odd3 = 2 * d1 - 2.5f * d3 + 0.5f * d5;
        o[0] = d0 - d6 + 5.25f * (d4 - d2);
        o[q] = even1 + odd1;
        o[2 * q] = even1 - odd1;
        o[3 * q] = even2 + odd2;
        o[4 * q] = even2 - odd2;
        o[5 * q] = even3 + odd3;
        o[6 * q] = even3 - odd3;
        o[7 * q] = d7 - d1 + 5.25f * (d3 - d5);
    }
}

/* The result's transform A^T: to TILE places. */
INLINE void from_points(const int points, const vec *d, int s, vec *o, int q)
{
    const vec sum1 = d[s] + d[2 * s], difference1 = d[s] - d[2 * s];
    const vec sum2 = d[3 * s] + d[4 * s], difference2 = d[3 * s] - d[4 * s];
    o[0] = d[0] + sum1 + sum2;
    o[q] = difference1 + 2 * difference2;
    o[2 * q] = sum1 + 4 * sum2;
    o[3 * q] = difference1 + 8 * difference2 + d[(points - 1) * s];
    if (points == 8) {
        const vec sum3 = d[5 * s] + d[6 * s], difference3 = d[5 * s] - d[6 * s];
        o[0] += sum3;
        o[q] += 0.5f * difference3;
        o[2 * q] += 0.25f * sum3;
        o[3 * q] += 0.125f * difference3;
    }
}

/* The adjoint of from_points: from TILE places. */
INLINE void gradient_to_points(const int points, const vec *d, int s, vec *o, int q)
{
    const vec d0 = d[0], d1 = d[s], d2 = d[2 * s], d3 = d[3 * s];
    const vec even1 = d0 + d2, odd1 = d1 + d3, even2 = d0 + 4 * d2, odd2 = 2 * d1 + 8 * d3;
    o[0] = d0;
    o[q] = even1 + odd1;
    o[2 * q] = even1 - odd1;
    o[3 * q] = even2 + odd2;
    o[4 * q] = even2 - odd2;
    if (points == 8) {
        const vec even3 = d0 + 0.25f * d2, odd3 = 0.5f * d1 + 0.125f * d3;
        o[5 * q] = even3 + odd3;
        o[6 * q] = even3 - odd3;
    }
    o[(points - 1) * q] = d3;
}

#define POWERS(scale, x) {scale, scale * x, scale * x * x, scale * x * x * x, scale * x * x * x * x}
/* The window's transform G: row i is the powers of point i over the product of its distances to the others. */
static const float TO_6_POINTS[6][MAX_WINDOW] = {
    {1 / 4.0f}, POWERS(-1 / 6.0f, 1), POWERS(-1 / 6.0f, -1), POWERS(1 / 24.0f, 2), POWERS(1 / 24.0f, -2), {0, 0, 1}};
static const float TO_8_POINTS[8][MAX_WINDOW] = {
    {1}, POWERS(-2 / 9.0f, 1), POWERS(-2 / 9.0f, -1), POWERS(1 / 90.0f, 2), POWERS(1 / 90.0f, -2),
    POWERS(32 / 45.0f, 0.5f), POWERS(32 / 45.0f, -0.5f), {0, 0, 0, 0, 1}};

/* G w G^T of a window of vectors. */
INLINE void window_to_points(const int points, const vec *w, vec *o)
{
    const int window = points - TILE + 1;
    const float(*g)[MAX_WINDOW] = points == 6 ? TO_6_POINTS : TO_8_POINTS;
    vec half[MAX_POINTS * MAX_WINDOW];
    for (int i = 0; i < points; ++i)
        for (int j = 0; j < window; ++j) {
            vec sum = {0};
            for (int k = 0; k < window; ++k)
                sum += g[i][k] * w[k * window + j];
            half[i * window + j] = sum;
        }
    for (int i = 0; i < points; ++i)
        for (int j = 0; j < points; ++j) {
            vec sum = {0};
            for (int k = 0; k < window; ++k)
                sum += g[j][k] * half[i * window + k];
            o[i * points + j] = sum;
        }
}

/* Its adjoint: G^T u G. */
INLINE void window_from_points(const int points, const vec *u, vec *o)
{
    const int window = points - TILE + 1;
    const float(*g)[MAX_WINDOW] = points == 6 ? TO_6_POINTS : TO_8_POINTS;
    vec half[MAX_POINTS * MAX_WINDOW];
    for (int i = 0; i < window; ++i)
        for (int j = 0; j < points; ++j) {
            vec sum = {0};
            for (int k = 0; k < points; ++k)
                sum += g[k][i] * u[k * points + j];
            half[i * points + j] = sum;
        }
    for (int i = 0; i < window; ++i)
        for (int j = 0; j < window; ++j) {
            vec sum = {0};
            for (int k = 0; k < points; ++k)
                sum += g[k][j] * half[i * points + k];
            o[i * window + j] = sum;
        }
}

/* --- tiles: LANES channels of one tile, from an image or into one --- */

INLINE void store_points(const int points, const vec *values, float *out, int64_t stride)
{
    for (int i = 0; i < points * points; ++i)
        *(vec *)(out + i * stride) = values[i];
}

/* Transforms the tile's inputs. What lies outside of the image is 0. */
INLINE void tile_to_points(const int points, const problem *p, const float *images, int64_t tile, int64_t channel, float *out,
                           int64_t stride)
{
    const place at = place_of(p, tile);
    const float *image = images + at.image * p->height * p->width * p->depth + channel;
    const int64_t top = at.top - p->pad_top, left = at.left - p->pad_left;
    vec d[MAX_POINTS * MAX_POINTS];
    if (top >= 0 && left >= 0 && top + points <= p->height && left + points <= p->width) {
        for (int i = 0; i < points; ++i)
            for (int j = 0; j < points; ++j)
                d[i * points + j] = *(const vec *)(image + ((top + i) * p->width + left + j) * p->depth);
    } else {
        for (int i = 0; i < points; ++i)
            for (int j = 0; j < points; ++j) {
                const int64_t y = top + i, x = left + j;
                const int inside = y >= 0 && x >= 0 && y < p->height && x < p->width;
                d[i * points + j] = inside ? *(const vec *)(image + (y * p->width + x) * p->depth) : (vec){0};
            }
    }
    for (int j = 0; j < points; ++j)
        to_points(points, d + j, points, d + j, points);
    for (int i = 0; i < points; ++i)
        to_points(points, d + i * points, 1, d + i * points, 1);
    store_points(points, d, out, stride);
}

/* Transforms the products back and writes the tile's outputs, plus a bias (or null), through a ReLU if asked for. */
INLINE void tile_from_points(const int points, const problem *p, const float *products, int64_t stride, int64_t tile,
                             int64_t channel, const float *bias, int relu, float *images)
{
    const place at = place_of(p, tile);
    float *image = images + at.image * p->out_height * p->out_width * p->out_depth + channel;
    vec d[MAX_POINTS * MAX_POINTS], half[TILE * MAX_POINTS], o[TILE * TILE];
    for (int i = 0; i < points * points; ++i)
        d[i] = *(const vec *)(products + i * stride);
    for (int j = 0; j < points; ++j)
        from_points(points, d + j, points, half + j, points);
    for (int i = 0; i < TILE; ++i)
        from_points(points, half + i * points, 1, o + i * TILE, 1);
    const vec zero = {0}, added = bias ? *(const vec *)(bias + channel) : zero;
    for (int i = 0; i < TILE && at.top + i < p->out_height; ++i)
        for (int j = 0; j < TILE && at.left + j < p->out_width; ++j) {
            vec value = o[i * TILE + j] + added;
            if (relu) /* a NaN stays one */
                value = (vec)((mask)value & ~(mask)(value < zero));
            *(vec *)(image + ((at.top + i) * p->out_width + at.left + j) * p->out_depth) = value;
        }
}

/* Transforms the gradients of the tile's outputs. */
INLINE void tile_gradient_to_points(const int points, const problem *p, const float *images, int64_t tile, int64_t channel,
                                    float *out, int64_t stride)
{
    const place at = place_of(p, tile);
    const float *image = images + at.image * p->out_height * p->out_width * p->out_depth + channel;
    vec d[TILE * TILE], half[MAX_POINTS * TILE], o[MAX_POINTS * MAX_POINTS];
    for (int i = 0; i < TILE; ++i)
        for (int j = 0; j < TILE; ++j) {
            const int64_t y = at.top + i, x = at.left + j;
            const int inside = y < p->out_height && x < p->out_width;
            d[i * TILE + j] = inside ? *(const vec *)(image + (y * p->out_width + x) * p->out_depth) : (vec){0};
        }
    for (int j = 0; j < TILE; ++j)
        gradient_to_points(points, d + j, TILE, half + j, TILE);
    for (int i = 0; i < points; ++i)
        gradient_to_points(points, half + i * TILE, 1, o + i * points, 1);
    store_points(points, o, out, stride);
}

/* --- the filter --- */

INLINE void filter_to_points(const int points, const float *filter, int64_t depth, int64_t out_depth, int rotate,
                             int64_t threads, float *out)
{
    (void)threads; /* without OpenMP there is one */
    const int window = points - TILE + 1, taps = window * window;
    const int64_t rows = rotate ? out_depth : depth, columns = rotate ? depth : out_depth;
#pragma omp parallel for collapse(2) num_threads(threads)
    for (int64_t column = 0; column < columns; column += LANES)
        for (int64_t row = 0; row < rows; ++row) {
            vec w[MAX_WINDOW * MAX_WINDOW], u[MAX_POINTS * MAX_POINTS];
            for (int tap = 0; tap < taps; ++tap) {
                if (rotate) {
                    const float *from = filter + ((taps - 1 - tap) * depth + column) * out_depth + row;
                    for (int lane = 0; lane < LANES; ++lane)
                        w[tap][lane] = from[lane * out_depth];
                } else {
                    w[tap] = *(const vec *)(filter + (tap * depth + row) * out_depth + column);
                }
            }
            window_to_points(points, w, u);
            store_points(points, u, out + column * rows + row * LANES, rows * columns);
        }
}

/* Transforms a filter: [position][panel of output channels][input channel][LANES]. With `rotate`, it is the filter of
 * the input's gradient: turned by half a turn, and from the output's channels to the input's. */
void reflow_winograd_filter(const float *filter, int64_t window, int64_t depth, int64_t out_depth, int64_t rotate,
                            int64_t threads, float *out)
{
    if (window == 3)
        filter_to_points(6, filter, depth, out_depth, rotate != 0, threads, out);
    else
        filter_to_points(8, filter, depth, out_depth, rotate != 0, threads, out);
}

/* --- convolution --- */

/* rows x (panels * LANES) results of a product of `v` [panel][row][LANES] with `u` [panel][depth][LANES]. */
INLINE void small_product(const int rows, const int panels, const float *v, int64_t v_panel, const float *u, int64_t depth,
                          float *m, int64_t m_panel)
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
            for (int q = 0; q < panels; ++q)
                columns[q] = *(const vec *)(u + q * depth * LANES + c * LANES);
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
static void few_rows_product(int64_t rows, int64_t panels, const float *v, int64_t v_panel, const float *u, int64_t depth,
                             float *m, int64_t m_panel)
{
#define CASE(n)                                                          \
    case n:                                                              \
        if (panels == PANELS)                                            \
            small_product(n, PANELS, v, v_panel, u, depth, m, m_panel);  \
        else                                                             \
            small_product(n, 1, v, v_panel, u, depth, m, m_panel);       \
        break;
    switch (rows) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if ROWS > 6
        CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
#endif
    }
#undef CASE
}

/* m = v u at one position: [panel][tiles][LANES] from [panel][tiles][LANES] and [panel][depth][LANES]. */
static void product(const float *v, const float *u, int64_t tiles, int64_t depth, int64_t out_depth, float *m)
{
    const int64_t panel = tiles * LANES;
    for (int64_t column = 0; column < out_depth; column += PANELS * LANES) {
        const int64_t panels = smaller(PANELS, (out_depth - column) / LANES);
        for (int64_t t = 0; t < tiles; t += ROWS)
            few_rows_product(smaller(ROWS, tiles - t), panels, v + t * LANES, panel, u + column * depth, depth,
                             m + column * tiles + t * LANES, panel);
    }
}

INLINE void convolve_tiles(const int points, const problem *p, const float *images, const float *filter, const float *bias,
                           int relu, int64_t first, int64_t tiles, float *scratch, float *out)
{
    const int64_t positions = points * points;
    const int64_t v_size = tiles * p->depth, m_size = tiles * p->out_depth, u_size = p->depth * p->out_depth;
    float *v = scratch, *m = scratch + positions * v_size;
    for (int64_t c = 0; c < p->depth; c += LANES)
        for (int64_t t = 0; t < tiles; ++t)
            tile_to_points(points, p, images, first + t, c, v + c * tiles + t * LANES, v_size);
    for (int64_t i = 0; i < positions; ++i)
        product(v + i * v_size, filter + i * u_size, tiles, p->depth, p->out_depth, m + i * m_size);
    for (int64_t c = 0; c < p->out_depth; c += LANES)
        for (int64_t t = 0; t < tiles; ++t)
            tile_from_points(points, p, m + c * tiles + t * LANES, m_size, first + t, c, bias, relu, out);
}

/* Convolves images with a filter that reflow_winograd_filter transformed. A thread works on a block of tiles at a time;
 * `scratch` has room for threads * points^2 * block * (depth + out_depth) numbers. */
void reflow_winograd_convolve(const problem *p, const float *images, const float *filter, const float *bias, int64_t relu,
                              float *scratch, float *out)
{
    const int64_t points = p->window + TILE - 1, all = p->batch * tiles_of_image(p), block = p->block;
    const int64_t share = points * points * block * (p->depth + p->out_depth);
#pragma omp parallel num_threads(p->threads)
    {
        float *own = scratch + omp_get_thread_num() * share;
#pragma omp for schedule(static)
        for (int64_t first = 0; first < all; first += block) {
            const int64_t tiles = smaller(block, all - first);
            if (points == 6)
                convolve_tiles(6, p, images, filter, bias, relu != 0, first, tiles, own, out);
            else
                convolve_tiles(8, p, images, filter, bias, relu != 0, first, tiles, own, out);
        }
    }
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
    for (int64_t t = 0; t < tiles; ++t)
        if (p->window == 3)
            tile_to_points(6, p, images, first + t, channel, v + t * LANES, tiles * LANES);
        else
            tile_to_points(8, p, images, first + t, channel, v + t * LANES, tiles * LANES);
}

static void gradient_panel_to_points(const problem *p, const float *images, int64_t first, int64_t tiles, int64_t channel,
                                     float *m)
{
    for (int64_t t = 0; t < tiles; ++t)
        if (p->window == 3)
            tile_gradient_to_points(6, p, images, first + t, channel, m + t * LANES, tiles * LANES);
        else
            tile_gradient_to_points(8, p, images, first + t, channel, m + t * LANES, tiles * LANES);
}

/* Adds a block's products of two panels of channels to `sums`: [position][LANES][LANES]. */
static void add_products(int64_t positions, const float *v, const float *m, int64_t tiles, int is_first, float *sums)
{
    for (int64_t i = 0; i < positions; ++i)
        outer_product(v + i * tiles * LANES, m + i * tiles * LANES, tiles, is_first, sums + i * LANES * LANES);
}

/* Transforms the sums of LANES x LANES channels, added up over `parts` that lie `stride` apart, into the gradient. */
static void sums_to_filter(const problem *p, const float *sums, int64_t parts, int64_t stride, int64_t channel,
                           int64_t out_channel, float *out)
{
    const int points = (int)p->window + TILE - 1;
    for (int row = 0; row < LANES; ++row) {
        vec u[MAX_POINTS * MAX_POINTS], w[MAX_WINDOW * MAX_WINDOW];
        for (int i = 0; i < points * points; ++i) {
            u[i] = *(const vec *)(sums + (i * LANES + row) * LANES);
            for (int64_t part = 1; part < parts; ++part)
                u[i] += *(const vec *)(sums + part * stride + (i * LANES + row) * LANES);
        }
        if (points == 6)
            window_from_points(6, u, w);
        else
            window_from_points(8, u, w);
        for (int64_t tap = 0; tap < p->window * p->window; ++tap)
            *(vec *)(out + (tap * p->depth + channel + row) * p->out_depth + out_channel) = w[tap];
    }
}

/* The gradient by the filter. Each of `parts` shares of the tiles, of which none is empty, has sums of its own, so that
 * each thread works alone, on data in its own cache.
 *
 * `sums` has room for parts * points^2 * depth * out_depth numbers, `scratch` for parts * points^2 * block *
 * (depth + out_depth). */
void reflow_winograd_filter_gradient(const problem *p, const float *images, const float *gradients, int64_t parts,
                                     float *scratch, float *sums, float *out)
{
    const int64_t points = p->window + TILE - 1, positions = points * points, all = p->batch * tiles_of_image(p);
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
    const int64_t points = p->window + TILE - 1, positions = points * points, all = p->batch * tiles_of_image(p);
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
