/* The activations in which products and convolutions end, by the numbers of ending.py. */
#ifndef REFLOW_ACTIVATIONS_H
#define REFLOW_ACTIVATIONS_H

#include "float_functions.h"
#include "vectors.h"

enum { NO_ACTIVATION, RELU, RELU6, ELU, SELU, TANH, SIGMOID };

/* Those that need no more than comparisons, of what a kernel has in its registers. A NaN stays one. */
INLINE vec clipped(int64_t activation, vec value)
{
    if (activation == NO_ACTIVATION)
        return value;
    const vec positive = relu_of(value), six = (vec){0} + 6;
    if (activation == RELU)
        return positive;
    const mask above = (mask)(positive > six);
    return (vec)(((mask)six & above) | ((mask)positive & ~above));
}

static inline float relu(float x) { return x < 0 ? 0 : x; }
static inline float relu6(float x) { return x < 0 ? 0 : x > 6 ? 6 : x; }

/* The constants of SELU (Klambauer et al., "Self-Normalizing Neural Networks", 2017). */
static inline float selu(float x)
{
    const float below = 1.6732632423543772f * exponential_minus_1(x > 0 ? 0 : x);
    return 1.0507009873554805f * (x > 0 ? x : below);
}

#define IN_PLACE(code, function)        \
    case code:                          \
        for (int64_t i = 0; i < n; ++i) \
            x[i] = function(x[i]);      \
        return;

/* Any of them, of n numbers in place. */
static inline void activate(int64_t activation, float *x, int64_t n)
{
    switch (activation) {
        IN_PLACE(RELU, relu)
        IN_PLACE(RELU6, relu6)
        IN_PLACE(ELU, elu)
        IN_PLACE(SELU, selu)
        IN_PLACE(TANH, hyperbolic_tangent)
        IN_PLACE(SIGMOID, logistic)
    }
}

#endif
