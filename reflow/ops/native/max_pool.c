/* Maximum pools over space and their gradients, for reflow/ops/native/max_pool.py.
 *
 * Images are [batch, height, width, channels], float32. Where the maximum of a window stands is a byte, the place in
 * the window: row * window width + column. PyTorch's eight bytes take twice the memory of the numbers themselves.
 *
 * The innermost loops go over channels, with several places of a window (or several windows of a pixel) at once. For
 * the compiler to make vectors of them, the number of places has to be a constant, and nothing may be read on a
 * condition.
 */
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define GROUP 9      /* places that are worked on at once */
#define LARGEST 255  /* places of a window, at most */
#define NOWHERE 255  /* no place of a window */
#define CHANNELS 32  /* the loops are all vectors for multiples of that many channels */
#define LINE 16      /* numbers of a line of the cache */
#define AHEAD 2      /* windows to the one whose pixels are asked for */
#define AHEAD_OUT 8  /* pixels to the one that is asked for to be written */

typedef struct {
    int64_t batch, height, width, depth; /* the image */
    int64_t out_height, out_width;
    int64_t window_height, window_width, stride_y, stride_x, pad_top, pad_left;
    int64_t threads;
} problem;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* The end of a tensor once more, with room behind it: what is read there beyond the tensor counts for nothing. */
typedef struct {
    const char *end;
    char last[2 * CHANNELS * sizeof(float)];
} margin;

static margin margin_of(const void *tensor, int64_t size)
{
    margin m = {.end = (const char *)tensor + size};
    const int64_t copied = smaller(size, sizeof m.last / 2);
    memcpy(m.last + sizeof m.last / 2 - copied, m.end - copied, (size_t)copied);
    return m;
}

/* Where the bytes at `at`, and as many as half a margin has, may be read. */
INLINE const void *readable(const margin *m, const void *at)
{
    const int64_t half = sizeof m->last / 2, left = m->end - (const char *)at;
    return left < half ? m->last + half - left : at;
}

/* Asks for the memory of pixels that are soon worked on: the processor alone does not look so far ahead. They may lie
 * outside of the tensor. */
INLINE void fetch(const float *from, int64_t numbers, const int to_write)
{
    for (int64_t i = 0; i < numbers; i += LINE)
        __builtin_prefetch(from + i, to_write);
}

/* So many places that there are loops for them. */
static int64_t in_groups(int64_t count)
{
    return count <= 2 ? count : count <= 4 ? 4 : (count + GROUP - 1) / GROUP * GROUP;
}

/* --- maxima --- */

/* The places of a window that lie in the image, in order: where they are, and their numbers. */
typedef struct {
    const float *pixels[LARGEST + GROUP];
    int32_t numbers[LARGEST + GROUP];
    int64_t count;
} window;

static void find_places(const problem *p, const float *image, int64_t top, int64_t left, window *w)
{
    const int64_t end_row = smaller(p->window_height, p->height - top);
    const int64_t first_column = larger(0, -left), end_column = smaller(p->window_width, p->width - left);
    int64_t n = 0;
    for (int64_t row = larger(0, -top); row < end_row; row++)
        for (int64_t column = first_column; column < end_column; column++, n++) {
            w->pixels[n] = image + ((top + row) * p->width + left + column) * p->depth;
            w->numbers[n] = (int32_t)(row * p->window_width + column);
        }
    w->count = in_groups(n);
    for (; n < w->count; n++) { /* The last place once more changes nothing. */
        w->pixels[n] = w->pixels[n - 1];
        w->numbers[n] = w->numbers[n - 1];
    }
}

/* Moves all of a window over the image. */
static void move(window *w, int64_t distance)
{
    for (int64_t i = 0; i < w->count; i++)
        w->pixels[i] += distance;
}

/* Asks for the last rows of a window further on; the rows above are those of windows that are done. */
INLINE void fetch_ahead(const problem *p, const float *image, int64_t top, int64_t left)
{
    const int64_t x = left + p->window_width + AHEAD * p->stride_x;
    for (int64_t row = larger(0, p->window_height - p->stride_y); row < p->window_height; row++)
        fetch(image + ((top + row) * p->width + x) * p->depth, p->stride_x * p->depth, 0);
}

/* The maxima of a group of places, and of what was found before unless these are the first. A later number has to be
 * greater, or no number at all. */
INLINE void greatest(const int group, const int are_first, const int with_places, const float *const *pixels,
                     const int32_t *numbers, int64_t channels, float *restrict out, uint8_t *restrict places)
{
#pragma omp simd
    for (int64_t c = 0; c < channels; c++) {
        float best = are_first ? pixels[0][c] : out[c];
        int32_t place = !with_places ? 0 : are_first ? numbers[0] : places[c];
#pragma GCC unroll 9
        for (int i = are_first; i < group; i++) {
            const float in = pixels[i][c];
            const int32_t number = numbers[i];
            const int better = (in > best) | (in != in);
            best = better ? in : best;
            place = better ? number : place;
        }
        out[c] = best;
        if (with_places)
            places[c] = (uint8_t)place;
    }
}

INLINE void greatest_of_all(const int with_places, const window *w, int64_t channels, float *out, uint8_t *places)
{
    if (w->count == 1)
        greatest(1, 1, with_places, w->pixels, w->numbers, channels, out, places);
    else if (w->count == 2)
        greatest(2, 1, with_places, w->pixels, w->numbers, channels, out, places);
    else if (w->count == 4)
        greatest(4, 1, with_places, w->pixels, w->numbers, channels, out, places);
    else
        greatest(GROUP, 1, with_places, w->pixels, w->numbers, channels, out, places);
    for (int64_t i = GROUP; i < w->count; i += GROUP)
        greatest(GROUP, 0, with_places, w->pixels + i, w->numbers + i, channels, out, places);
}

static void maxima(const window *w, int64_t channels, float *out, uint8_t *places)
{
    if (places)
        greatest_of_all(1, w, channels, out, places);
    else
        greatest_of_all(0, w, channels, out, places);
}

/* The same for the last channels, from `first` on, which are less than CHANNELS. */
static void last_maxima(const window *w, const margin *m, int64_t first, int64_t channels, float *out, uint8_t *places)
{
    float all_out[CHANNELS];
    uint8_t all_places[CHANNELS];
    window last;
    last.count = w->count;
    for (int64_t i = 0; i < w->count; i++) {
        last.pixels[i] = readable(m, w->pixels[i] + first);
        last.numbers[i] = w->numbers[i];
    }
    maxima(&last, CHANNELS, all_out, places ? all_places : 0);
    memcpy(out + first, all_out, (size_t)channels * sizeof *out);
    if (places)
        memcpy(places + first, all_places, (size_t)channels);
}

/* `out` and `places`: [batch, out_height, out_width, channels]; `places` may be null. */
void reflow_max_pool(const problem *p, const float *images, float *out, uint8_t *places)
{
    const int64_t rows = p->batch * p->out_height, size = p->height * p->width * p->depth;
    const int64_t rest = p->depth % CHANNELS, depth = p->depth - rest;
    const margin m = margin_of(images, p->batch * size * (int64_t)sizeof *images);
#pragma omp parallel for num_threads(p->threads) schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        const float *image = images + row / p->out_height * size;
        const int64_t top = row % p->out_height * p->stride_y - p->pad_top;
        window w;
        for (int64_t column = 0; column < p->out_width; column++) {
            const int64_t at = (row * p->out_width + column) * p->depth, left = column * p->stride_x - p->pad_left;
            if (left - p->stride_x >= 0 && left + p->window_width <= p->width)
                move(&w, p->stride_x * p->depth);
            else
                find_places(p, image, top, left, &w);
            fetch_ahead(p, image, top, left);
            if (depth)
                maxima(&w, depth, out + at, places ? places + at : 0);
            if (rest)
                last_maxima(&w, &m, depth, rest, out + at, places ? places + at : 0);
        }
    }
}

/* --- gradients --- */

/* The windows that a pixel is in: their gradients and places, and which place of theirs the pixel is. */
typedef struct {
    const float *gradients[LARGEST + GROUP];
    const uint8_t *places[LARGEST + GROUP];
    uint8_t numbers[LARGEST + GROUP];
    int64_t count;
} cover;

/* The windows along one dimension that cover position `at`: from `first` up to `end`. */
typedef struct {
    int64_t first, end;
} range;

static range covering(int64_t at, int64_t pad, int64_t window, int64_t stride, int64_t count)
{
    const int64_t last = at + pad, before = last - window;
    return (range){before < 0 ? 0 : before / stride + 1, smaller(last / stride + 1, count)};
}

/* The same for the next position. */
INLINE range next(range r, int64_t at, int64_t pad, int64_t window, int64_t stride, int64_t count)
{
    const int64_t last = at + 1 + pad;
    r.first += r.first * stride + window <= last;
    r.end += r.end < count && r.end * stride <= last;
    return r;
}

/* `gradients` and `places` are those of the pixel's image. */
static void find_windows(const problem *p, const float *gradients, const uint8_t *places, int64_t y, int64_t x,
                         range rows, range columns, cover *c)
{
    int64_t n = 0;
    for (int64_t row = rows.first; row < rows.end; row++)
        for (int64_t column = columns.first; column < columns.end; column++, n++) {
            const int64_t at = (row * p->out_width + column) * p->depth;
            c->gradients[n] = gradients + at;
            c->places[n] = places + at;
            c->numbers[n] = (uint8_t)((y + p->pad_top - row * p->stride_y) * p->window_width + x + p->pad_left -
                                      column * p->stride_x);
        }
    c->count = in_groups(larger(n, 1));
    for (; n < c->count; n++) {
        c->gradients[n] = gradients;
        c->places[n] = places;
        c->numbers[n] = NOWHERE;
    }
}

/* The sums of a group of windows' gradients, and of what was summed before unless these are the first. */
INLINE void sum_up(const int group, const int are_first, const cover *w, int64_t first, int64_t channels,
                   float *restrict out)
{
    const float *const *gradients = w->gradients + first;
    const uint8_t *const *places = w->places + first;
    const uint8_t *numbers = w->numbers + first;
#pragma omp simd
    for (int64_t c = 0; c < channels; c++) {
        float sum = are_first ? 0 : out[c];
#pragma GCC unroll 9
        for (int i = 0; i < group; i++) {
            const float gradient = gradients[i][c];
            const uint8_t place = places[i][c], number = numbers[i];
            sum += place == number ? gradient : 0;
        }
        out[c] = sum;
    }
}

static void sums(const cover *w, int64_t channels, float *out)
{
    if (w->count == 1)
        sum_up(1, 1, w, 0, channels, out);
    else if (w->count == 2)
        sum_up(2, 1, w, 0, channels, out);
    else if (w->count == 4)
        sum_up(4, 1, w, 0, channels, out);
    else
        sum_up(GROUP, 1, w, 0, channels, out);
    for (int64_t i = GROUP; i < w->count; i += GROUP)
        sum_up(GROUP, 0, w, i, channels, out);
}

/* The same for the last channels, from `first` on, which are less than CHANNELS. */
static void last_sums(cover *w, const margin *of_gradients, const margin *of_places, int64_t first, int64_t channels,
                      float *out)
{
    float all[CHANNELS];
    for (int64_t i = 0; i < w->count; i++) {
        w->gradients[i] = readable(of_gradients, w->gradients[i] + first);
        w->places[i] = readable(of_places, w->places[i] + first);
    }
    sums(w, CHANNELS, all);
    memcpy(out + first, all, (size_t)channels * sizeof *out);
}

/* `gradients` and `places`: [batch, out_height, out_width, channels]; `out` is of the size of the images. */
void reflow_max_pool_gradient(const problem *p, const float *gradients, const uint8_t *places, float *out)
{
    const int64_t rows = p->batch * p->height, size = p->out_height * p->out_width * p->depth;
    const int64_t rest = p->depth % CHANNELS, depth = p->depth - rest;
    const margin of_gradients = margin_of(gradients, p->batch * size * (int64_t)sizeof *gradients);
    const margin of_places = margin_of(places, p->batch * size);
#pragma omp parallel for num_threads(p->threads) schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        const int64_t y = row % p->height, start = row / p->height * size;
        const range down = covering(y, p->pad_top, p->window_height, p->stride_y, p->out_height);
        range across = covering(0, p->pad_left, p->window_width, p->stride_x, p->out_width);
        for (int64_t x = 0; x < p->width; x++) {
            float *pixel = out + (row * p->width + x) * p->depth;
            cover w;
            find_windows(p, gradients + start, places + start, y, x, down, across, &w);
            fetch(pixel + AHEAD_OUT * p->depth, p->depth, 1);
            if (depth)
                sums(&w, depth, pixel);
            if (rest)
                last_sums(&w, &of_gradients, &of_places, depth, rest, pixel);
            across = next(across, x, p->pad_left, p->window_width, p->stride_x, p->out_width);
        }
    }
}
