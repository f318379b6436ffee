/* Elementwise functions of float32, for reflow/ops/native/elementwise.py: one pass over memory each, on `threads`
 * threads. An output may be one of the inputs.
 *
 * Every loop body is free of branches and calls, so that it becomes vector instructions.
 */
#include <math.h>
#include <stdint.h>

#include "number_functions.h"

#define EXPORT __attribute__((visibility("default")))
#define STRINGIFY(text) #text
#define LOOP(text) _Pragma(STRINGIFY(text))
#define FOR_EACH LOOP(omp parallel for simd num_threads(threads) schedule(static))

#define UNARY(name, function)                                                                                          \
    EXPORT int64_t reflow_##name(const float *x, float *y, int64_t n, int64_t threads)                                 \
    {                                                                                                                  \
        FOR_EACH                                                                                                       \
        for (int64_t i = 0; i < n; ++i)                                                                                \
            y[i] = function(x[i]);                                                                                     \
        return 0;                                                                                                      \
    }

#define BINARY(name, function)                                                                                         \
    EXPORT int64_t reflow_##name(const float *a, const float *b, float *out, int64_t n, int64_t threads)               \
    {                                                                                                                  \
        FOR_EACH                                                                                                       \
        for (int64_t i = 0; i < n; ++i)                                                                                \
            out[i] = function(a[i], b[i]);                                                                             \
        return 0;                                                                                                      \
    }

/* The second input is a scalar. */
#define WITH_SCALAR(name, function)                                                                                    \
    EXPORT int64_t reflow_##name##_scalar(const float *a, const float *b, float *out, int64_t n, int64_t threads)      \
    {                                                                                                                  \
        const float other = *b;                                                                                        \
        FOR_EACH                                                                                                       \
        for (int64_t i = 0; i < n; ++i)                                                                                \
            out[i] = function(a[i], other);                                                                            \
        return 0;                                                                                                      \
    }

/* --- functions of one number ------------------------------------------------------------------------------------- */

UNARY(abs, fabsf)
UNARY(cube, cube)
UNARY(negative, negative)
UNARY(sqrt, sqrtf)
UNARY(rsqrt, reciprocal_root)
UNARY(exp, exponential)
UNARY(sigmoid, logistic)
UNARY(tanh, hyperbolic_tangent)
UNARY(log, logarithm)
UNARY(elu, elu)

/* --- gradients --------------------------------------------------------------------------------------------------- */

BINARY(sigmoid_grad, sigmoid_gradient)
BINARY(tanh_grad, tanh_gradient)
BINARY(relu_grad, relu_gradient)
BINARY(sqrt_grad, sqrt_gradient)
BINARY(rsqrt_grad, rsqrt_gradient)
BINARY(elu_grad, elu_gradient)

EXPORT int64_t reflow_leaky_relu_grad(const float *gradients, const float *features, float *out, int64_t n,
                                      const float *alpha, int64_t threads)
{
    const float slope = *alpha;
    FOR_EACH
    for (int64_t i = 0; i < n; ++i)
        out[i] = features[i] > 0 ? gradients[i] : gradients[i] * slope;
    return 0;
}

/* --- functions of two numbers ------------------------------------------------------------------------------------ */

BINARY(squared_difference, squared_difference)
BINARY(maximum, greater)
BINARY(minimum, lesser)
WITH_SCALAR(maximum, greater)
WITH_SCALAR(minimum, lesser)

/* Sums of several, from the first to the last. */
#define SUM(count, parameters, sum)                                                                                    \
    EXPORT int64_t reflow_add_##count(parameters, float *out, int64_t n, int64_t threads)                              \
    {                                                                                                                  \
        FOR_EACH                                                                                                       \
        for (int64_t i = 0; i < n; ++i)                                                                                \
            out[i] = sum;                                                                                              \
        return 0;                                                                                                      \
    }
#define THREE const float *a, const float *b, const float *c
#define FOUR THREE, const float *d
#define FIVE FOUR, const float *e
#define SIX FIVE, const float *f

SUM(3, THREE, a[i] + b[i] + c[i])
SUM(4, FOUR, a[i] + b[i] + c[i] + d[i])
SUM(5, FIVE, a[i] + b[i] + c[i] + d[i] + e[i])
SUM(6, SIX, a[i] + b[i] + c[i] + d[i] + e[i] + f[i])

/* --- choices ----------------------------------------------------------------------------------------------------- */

#define COMPARISON(name, operator)                                                                                     \
    EXPORT int64_t reflow_##name(const float *a, const float *b, uint8_t *out, int64_t n, int64_t threads)             \
    {                                                                                                                  \
        FOR_EACH                                                                                                       \
        for (int64_t i = 0; i < n; ++i)                                                                                \
            out[i] = a[i] operator b[i];                                                                               \
        return 0;                                                                                                      \
    }                                                                                                                  \
    EXPORT int64_t reflow_##name##_scalar(const float *a, const float *b, uint8_t *out, int64_t n, int64_t threads)    \
    {                                                                                                                  \
        const float bound = *b;                                                                                        \
        FOR_EACH                                                                                                       \
        for (int64_t i = 0; i < n; ++i)                                                                                \
            out[i] = a[i] operator bound;                                                                              \
        return 0;                                                                                                      \
    }

COMPARISON(greater, >)
COMPARISON(greater_equal, >=)
COMPARISON(less, <)
COMPARISON(less_equal, <=)
COMPARISON(equal, ==)
COMPARISON(not_equal, !=)

/* t where the condition holds, e elsewhere; a null pointer stands for zeros. */
EXPORT int64_t reflow_select(const uint8_t *condition, const float *t, const float *e, float *out, int64_t n,
                             int64_t threads)
{
    if (!e) {
        FOR_EACH
        for (int64_t i = 0; i < n; ++i)
            out[i] = condition[i] ? t[i] : 0;
    } else if (!t) {
        FOR_EACH
        for (int64_t i = 0; i < n; ++i)
            out[i] = condition[i] ? 0 : e[i];
    } else {
        FOR_EACH
        for (int64_t i = 0; i < n; ++i) {
            const float chosen = t[i], other = e[i];
            out[i] = condition[i] ? chosen : other;
        }
    }
    return 0;
}

/* --- types and copies -------------------------------------------------------------------------------------------- */

#define CONVERSION(name, from, to)                                                                                     \
    EXPORT int64_t reflow_##name(const from *x, to *y, int64_t n, int64_t threads)                                     \
    {                                                                                                                  \
        FOR_EACH                                                                                                       \
        for (int64_t i = 0; i < n; ++i)                                                                                \
            y[i] = (to)x[i];                                                                                           \
        return 0;                                                                                                      \
    }

CONVERSION(float32_to_int32, float, int32_t)
CONVERSION(int32_to_float32, int32_t, float)
CONVERSION(int64_to_float32, int64_t, float)
CONVERSION(uint8_to_float32, uint8_t, float)
CONVERSION(int32_to_int64, int32_t, int64_t)
CONVERSION(int64_to_int32, int64_t, int32_t)

EXPORT int64_t reflow_is_finite(const float *x, uint8_t *y, int64_t n, int64_t threads)
{
    FOR_EACH
    for (int64_t i = 0; i < n; ++i)
        y[i] = fabsf(x[i]) < INFINITY;
    return 0;
}

/* `ignored` are the dimensions. */
#define FILL(bits, type)                                                                                               \
    EXPORT int64_t reflow_fill_##bits(const void *ignored, const type *value, type *out, int64_t n, int64_t threads)   \
    {                                                                                                                  \
        const type number = *value;                                                                                    \
        FOR_EACH                                                                                                       \
        for (int64_t i = 0; i < n; ++i)                                                                                \
            out[i] = number;                                                                                           \
        return 0;                                                                                                      \
    }

FILL(8, uint8_t)
FILL(32, uint32_t)
FILL(64, uint64_t)
