/* Local response normalization over neighbouring channels and its gradient, for reflow/ops/native/lrn.py.
 *
 * With n = bias + alpha * (the sum of the squares of the channels from c - radius to c + radius), y = x * n^-beta.
 * Images are pixels x channels, float32. Several pixels are worked on together, each in a line of its own with zeros on
 * both sides of its channels, so that a sum over neighbours needs no cases.
 */
#include <string.h>

#include "vectors.h"

#define LINES 8 /* pixels that are worked on together: what is stored for one is in the cache before it is read */


typedef struct {
    int64_t pixels, depth, radius; /* radius < depth */
    int64_t quarters;              /* of beta: 2, 3 or 4 */
    int64_t line;                  /* numbers of a line: 2 * radius + depth, the latter rounded up to LANES */
    int64_t threads;
    float bias, alpha;
} problem;


/* LANES numbers, or as many as there are and zeros. */
INLINE vec load(const float *from, int64_t count)
{
    if (count >= LANES)
        return *(const vec *)from;
    vec some = {0};
    memcpy(&some, from, (size_t)count * sizeof *from);
    return some;
}

INLINE void store(float *to, vec values, int64_t count)
{
    if (count >= LANES)
        *(vec *)to = values;
    else
        memcpy(to, &values, (size_t)count * sizeof *to);
}

INLINE vec roots(vec x)
{
    vec result;
#pragma GCC unroll 16
    for (int lane = 0; lane < LANES; ++lane)
        result[lane] = __builtin_sqrtf(x[lane]);
    return result;
}

/* n^-beta, and 1 / n. */
typedef struct {
    vec power, inverse;
} powers;

INLINE powers powers_of(vec n, const int quarters)
{
    if (quarters == 4) {
        const vec inverse = 1 / n;
        return (powers){inverse, inverse};
    }
    const vec root = 1 / roots(n);
    if (quarters == 2)
        return (powers){root, root * root};
    return (powers){root * roots(root), root * root};
}

/* The sums of LANES channels of a line and their neighbours; `line` is at the leftmost neighbour of the first one. */
INLINE vec sum_of_neighbours(const float *line, int64_t radius)
{
    vec sum = *(const vec *)line;
    for (int64_t i = 1; i <= 2 * radius; ++i)
        sum += *(const vec *)(line + i);
    return sum;
}

INLINE powers norm_powers(const problem *p, const float *squares, const int quarters)
{
    return powers_of(p->bias + p->alpha * sum_of_neighbours(squares, p->radius), quarters);
}

/* The squares of some pixels, a line each. */
INLINE void square(const problem *p, const float *image, int64_t pixels, float *squares)
{
    for (int64_t i = 0; i < pixels; ++i)
        for (int64_t c = 0; c < p->depth; c += LANES) {
            const vec x = load(image + i * p->depth + c, p->depth - c);
            *(vec *)(squares + i * p->line + p->radius + c) = x * x;
        }
}

INLINE void normalize(const problem *p, const int quarters, const float *image, int64_t pixels, float *squares,
                      float *out)
{
    square(p, image, pixels, squares);
    for (int64_t i = 0; i < pixels; ++i)
        for (int64_t c = 0; c < p->depth; c += LANES) {
            const int64_t at = i * p->depth + c, count = p->depth - c;
            const powers n = norm_powers(p, squares + i * p->line + c, quarters);
            store(out + at, load(image + at, count) * n.power, count);
        }
}

/* dx = dy n^-beta - 2 alpha beta x (the neighbours' sum of t), where t = dy y / n. */
INLINE void normalize_gradient(const problem *p, const int quarters, const float *gradients, const float *image,
                               int64_t pixels, float *squares, float *out)
{
    float *terms = squares + LINES * p->line, *scales = terms + LINES * p->line;
    const float factor = p->alpha * (float)quarters / 2;
    square(p, image, pixels, squares);
    for (int64_t i = 0; i < pixels; ++i)
        for (int64_t c = 0; c < p->depth; c += LANES) {
            const int64_t at = i * p->depth + c, in_lines = i * p->line + c, count = p->depth - c;
            const powers n = norm_powers(p, squares + in_lines, quarters);
            const vec scaled = load(gradients + at, count) * n.power;
            *(vec *)(scales + in_lines) = scaled;
            /* Beside the channels stay zeros: with a bias of 0, a norm there makes NaNs. */
            store(terms + in_lines + p->radius, load(image + at, count) * scaled * n.inverse, count);
        }
    for (int64_t i = 0; i < pixels; ++i)
        for (int64_t c = 0; c < p->depth; c += LANES) {
            const int64_t at = i * p->depth + c, in_lines = i * p->line + c, count = p->depth - c;
            const vec sum = sum_of_neighbours(terms + in_lines, p->radius), x = load(image + at, count);
            store(out + at, *(const vec *)(scales + in_lines) - factor * x * sum, count);
        }
}

/* Room for squares, terms and scales of one thread. */
static int64_t scratch_of_thread(const problem *p) { return 3 * LINES * p->line; }

/* Normalizes images, or with `gradients` gives the gradient by the images from that by what is normalized. `out` may be
 * one of the two. `scratch` has room for threads * 3 * LINES * line numbers. */
void reflow_lrn(const problem *p, const float *images, const float *gradients, float *scratch, float *out)
{
#pragma omp parallel num_threads(p->threads)
    {
        float *own = scratch + omp_get_thread_num() * scratch_of_thread(p);
        memset(own, 0, (size_t)scratch_of_thread(p) * sizeof *own);
#pragma omp for schedule(static)
        for (int64_t first = 0; first < p->pixels; first += LINES) {
            const int64_t pixels = smaller(LINES, p->pixels - first), at = first * p->depth;
#define CASE(quarters)                                                                              \
    case quarters:                                                                                  \
        if (gradients)                                                                              \
            normalize_gradient(p, quarters, gradients + at, images + at, pixels, own, out + at);    \
        else                                                                                        \
            normalize(p, quarters, images + at, pixels, own, out + at);                             \
        break;
            switch (p->quarters) {
                CASE(2) CASE(3) CASE(4)
            }
#undef CASE
        }
    }
}
