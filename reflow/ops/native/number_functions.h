/* Functions of one and of two float32 numbers without branches and calls, so that loops over them become vector
 * instructions: what `elementwise.c` maps over tensors and `programs.c` over blocks of them.
 */
#ifndef REFLOW_NUMBER_FUNCTIONS_H
#define REFLOW_NUMBER_FUNCTIONS_H

#include "float_functions.h"

/* --- of one number ----------------------------------------------------------------------------------------------- */

static inline float reciprocal_root(float x) { return 1 / sqrtf(x); }
static inline float negative(float x) { return -x; }

static inline float cube(float x) { return x * x * x; }

/* --- of two numbers ---------------------------------------------------------------------------------------------- */

static inline float squared_difference(float a, float b) { return (a - b) * (a - b); }

/* Numbers are compared and picked: a NaN in the second input counts for nothing, one in the first stays. */
static inline float greater(float a, float b) { return a < b ? b : a; }
static inline float lesser(float a, float b) { return a > b ? b : a; }

/* --- gradients --------------------------------------------------------------------------------------------------- */

/* 0 where dy is 0, whatever y is. */
static inline float sqrt_gradient(float y, float dy)
{
    const float result = 0.5f * dy / y;
    return dy == 0 ? 0 : result;
}

static inline float rsqrt_gradient(float y, float dy)
{
    const float result = -0.5f * (dy * y) * (y * y);
    return dy == 0 ? 0 : result;
}

static inline float elu_gradient(float gradient, float output)
{
    const float below = (output + 1) * gradient;
    return output < 0 ? below : gradient;
}

static inline float sigmoid_gradient(float y, float dy) { return dy * (1 - y) * y; }
static inline float tanh_gradient(float y, float dy) { return dy * (1 - y * y); }
static inline float relu_gradient(float gradient, float feature) { return feature <= 0 ? 0 : gradient; }

#endif
