/* Maximum pools over space and their gradients, for reflow/ops/native_pool.py.
 *
 * Images are [batch, height, width, channels], float32. Where the maximum of a window stands is a byte, the place in the
 * window: row * window width + column. PyTorch's eight bytes take twice the memory of the numbers themselves.
 */
#include <stdint.h>

#define LANES 16
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef int32_t mask __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef uint8_t bytes __attribute__((vector_size(LANES), aligned(1), may_alias));
typedef uint16_t shorts __attribute__((vector_size(LANES * sizeof(uint16_t))));

typedef struct {
    int64_t batch, height, width, depth; /* the image */
    int64_t out_height, out_width;
    int64_t window_height, window_width, stride_y, stride_x, pad_top, pad_left;
    int64_t threads;
} problem;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* In two steps: compilers turn a single one into LANES steps of a byte each. */
INLINE mask widened(const uint8_t *places)
{
    return __builtin_convertvector(__builtin_convertvector(*(const bytes *)places, shorts), mask);
}

/* `yes` where the mask is set, else `no`. */
INLINE mask choose(mask set, mask yes, mask no) { return (set & yes) | (~set & no); }

/* The rows and columns of a window that lie in the image. */
typedef struct {
    int64_t first_row, last_row, first_column, last_column;
} frame;

INLINE frame inside(const problem *p, int64_t top, int64_t left)
{
    return (frame){larger(0, -top), smaller(p->window_height, p->height - top), larger(0, -left),
                   smaller(p->window_width, p->width - left)};
}

/* The maxima of one window in LANES channels. A later number has to be greater, or no number at all. */
INLINE void greatest(const problem *p, const float *corner, frame f, float *out, uint8_t *places)
{
    vec best = *(const vec *)(corner + (f.first_row * p->width + f.first_column) * p->depth);
    mask place = (mask){0} + (int32_t)(f.first_row * p->window_width + f.first_column);
    for (int64_t row = f.first_row; row < f.last_row; row++)
        for (int64_t column = f.first_column; column < f.last_column; column++) {
            const vec in = *(const vec *)(corner + (row * p->width + column) * p->depth);
            const mask better = (in > best) | (in != in);
            best = (vec)choose(better, (mask)in, (mask)best);
            place = choose(better, (mask){0} + (int32_t)(row * p->window_width + column), place);
        }
    *(vec *)out = best;
    if (places) *(bytes *)places = __builtin_convertvector(place, bytes);
}

/* The same in one channel. */
INLINE void greatest_of_one(const problem *p, const float *corner, frame f, float *out, uint8_t *places)
{
    float best = corner[(f.first_row * p->width + f.first_column) * p->depth];
    int64_t place = f.first_row * p->window_width + f.first_column;
    for (int64_t row = f.first_row; row < f.last_row; row++)
        for (int64_t column = f.first_column; column < f.last_column; column++) {
            const float in = corner[(row * p->width + column) * p->depth];
            if (in > best || in != in) {
                best = in;
                place = row * p->window_width + column;
            }
        }
    *out = best;
    if (places) *places = place;
}

/* `out` and `places`: [batch, out_height, out_width, channels]; `places` may be null. */
void reflow_max_pool(const problem *p, const float *images, float *out, uint8_t *places)
{
    const int64_t rows = p->batch * p->out_height, depth = p->depth;
#pragma omp parallel for num_threads(p->threads) schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        const float *image = images + row / p->out_height * p->height * p->width * depth;
        const int64_t top = row % p->out_height * p->stride_y - p->pad_top;
        for (int64_t column = 0; column < p->out_width; column++) {
            const int64_t left = column * p->stride_x - p->pad_left, at = (row * p->out_width + column) * depth;
            const float *corner = image + (top * p->width + left) * depth;
            const frame f = inside(p, top, left);
            if (depth < LANES)
                for (int64_t c = 0; c < depth; c++)
                    greatest_of_one(p, corner + c, f, out + at + c, places ? places + at + c : 0);
            else
                for (int64_t i = 0; i < depth; i += LANES) {
                    const int64_t c = smaller(i, depth - LANES);
                    greatest(p, corner + c, f, out + at + c, places ? places + at + c : 0);
                }
        }
    }
}

/* The windows along one dimension that cover position `at`: from `first` up to `end`. */
typedef struct {
    int64_t first, end;
} range;

static range covering(int64_t at, int64_t pad, int64_t window, int64_t stride, int64_t count)
{
    const int64_t last = at + pad, before = last - window;
    return (range){before < 0 ? 0 : before / stride + 1, smaller(last / stride + 1, count)};
}

/* The place of a pixel in the window of `row` and `column`. */
INLINE int32_t place_in(const problem *p, int64_t y, int64_t x, int64_t row, int64_t column)
{
    return (y + p->pad_top - row * p->stride_y) * p->window_width + x + p->pad_left - column * p->stride_x;
}

/* The gradient of one pixel in LANES channels: from the windows whose maximum it is, in their order. */
INLINE void collect(const problem *p, const float *gradients, const uint8_t *places, int64_t y, int64_t x, range rows,
                    range columns, float *out)
{
    vec sum = {0};
    for (int64_t row = rows.first; row < rows.end; row++)
        for (int64_t column = columns.first; column < columns.end; column++) {
            const int64_t at = (row * p->out_width + column) * p->depth;
            const mask place = widened(places + at);
            const mask here = place == (mask){0} + place_in(p, y, x, row, column);
            sum += (vec)(here & (mask)*(const vec *)(gradients + at));
        }
    *(vec *)out = sum;
}

/* The same in one channel. */
INLINE void collect_one(const problem *p, const float *gradients, const uint8_t *places, int64_t y, int64_t x,
                        range rows, range columns, float *out)
{
    float sum = 0;
    for (int64_t row = rows.first; row < rows.end; row++)
        for (int64_t column = columns.first; column < columns.end; column++) {
            const int64_t at = (row * p->out_width + column) * p->depth;
            if (places[at] == place_in(p, y, x, row, column)) sum += gradients[at];
        }
    *out = sum;
}

/* `gradients` and `places`: [batch, out_height, out_width, channels]; `out` is of the size of the images. */
void reflow_max_pool_gradient(const problem *p, const float *gradients, const uint8_t *places, float *out)
{
    const int64_t rows = p->batch * p->height, depth = p->depth, of_image = p->out_height * p->out_width * depth;
#pragma omp parallel for num_threads(p->threads) schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        const int64_t y = row % p->height, start = row / p->height * of_image;
        const range down = covering(y, p->pad_top, p->window_height, p->stride_y, p->out_height);
        for (int64_t x = 0; x < p->width; x++) {
            const range across = covering(x, p->pad_left, p->window_width, p->stride_x, p->out_width);
            float *pixel = out + (row * p->width + x) * depth;
            const float *from = gradients + start;
            const uint8_t *of = places + start;
            if (depth < LANES)
                for (int64_t c = 0; c < depth; c++)
                    collect_one(p, from + c, of + c, y, x, down, across, pixel + c);
            else
                for (int64_t i = 0; i < depth; i += LANES) {
                    const int64_t c = smaller(i, depth - LANES);
                    collect(p, from + c, of + c, y, x, down, across, pixel + c);
                }
        }
    }
}
