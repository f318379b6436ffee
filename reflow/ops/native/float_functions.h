/* exp, log, tanh and their like of float32 without branches and calls, so that loops over them become vector instructions. */
#ifndef REFLOW_FLOAT_FUNCTIONS_H
#define REFLOW_FLOAT_FUNCTIONS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* 2^n for an integer -126 <= n <= 127. */
static inline float power_of_2(float n)
{
    const int32_t bits = ((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* x - n ln 2 for n = x / ln 2, rounded; the absolute value is at most ln 2 / 2. */
static inline float reduced(float x, float n)
{
    return (x - n * 0.693145751953125f) - n * 1.428606765330187e-06f;
}

/* exp(r) - 1 for |r| <= ln 2 / 2 by its Taylor polynomial, whose next term is below 2^-25 of the result. */
static inline float exponential_minus_1_near_0(float r)
{
    float p = 1 / 5040.0f;
    p = p * r + 1 / 720.0f;
    p = p * r + 1 / 120.0f;
    p = p * r + 1 / 24.0f;
    p = p * r + 1 / 6.0f;
    p = p * r + 0.5f;
    return r + r * r * p;
}

/* 2^n exp(r). The power is two factors: 2^128 is no float, and what is below 2^-126 shall become 0 by itself. */
static inline float exponential(float x)
{
    x = x > 89 ? 89 : x;
    x = x < -104 ? -104 : x;
    const float n = rintf(x * 1.44269504f), half = rintf(n * 0.5f);
    const float p = 1 + exponential_minus_1_near_0(reduced(x, n));
    return p * power_of_2(half) * power_of_2(n - half);
}

/* log(x) of a normal number x > 0: x = 2^e m with m in [sqrt(1/2), sqrt(2)), and log(m) = 2 atanh((m - 1) / (m + 1))
 * by its series, whose next term is below 2^-25 of the result. */
static inline float logarithm_of_normal(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int32_t shifted = bits - 0x3F3504F3; /* the bits of sqrt(1/2) */
    const float exponent = (float)(shifted >> 23);
    bits = (shifted & 0x7FFFFF) + 0x3F3504F3;
    float m;
    memcpy(&m, &bits, sizeof m);
    const float t = (m - 1) / (m + 1), t2 = t * t;
    const float series = t2 * (2 / 3.0f + t2 * (2 / 5.0f + t2 * (2 / 7.0f + t2 * (2 / 9.0f))));
    /* ln 2 in two parts: the product of the first, which has 15 bits, with an exponent is exact. */
    return exponent * 0.693145751953125f + (2 * t + (t * series + exponent * 1.428606765330187e-06f));
}

/* log(x) of any number; denormal ones count as 0. */
static inline float logarithm(float x)
{
    const float finite = logarithm_of_normal(x);
    const float positive = x < INFINITY ? finite : x;          /* also a NaN */
    const float all = x < 1.17549435e-38f ? -INFINITY : positive;
    return x <= -1.17549435e-38f ? NAN : all;
}

/* x P(x^2) / Q(x^2), of degrees 13 and 6, with the least relative error on [-9.01, 9.01] (6.7e-9, by Lawson's weighted
 * least squares); outside, the result rounds to 1. A NaN passes all comparisons by. */
static inline float hyperbolic_tangent(float x)
{
    x = x > 9.01f ? 9.01f : x;
    x = x < -9.01f ? -9.01f : x;
    const float z = x * x;
    float p = -8.462304122142937e-14f;
    p = p * z + 5.267842627178616e-11f;
    p = p * z - 2.0204566486955805e-08f;
    p = p * z + 1.1149277151833069e-05f;
    p = p * z + 3.10347844122809e-03f;
    p = p * z + 1.3083583224504333e-01f;
    p = p * z + 0.99999999330969f;
    float q = 2.5454476225018386e-04f;
    q = q * z + 2.4493278490306327e-02f;
    q = q * z + 4.6416910257003857e-01f;
    q = q * z + 1;
    const float y = x * p / q;
    const float below = y > 1 ? 1 : y;
    return below < -1 ? -1 : below;
}

static inline float logistic(float x) { return 1 / (1 + exponential(-x)); }

/* exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1) for x <= 0. */
static inline float exponential_minus_1(float x)
{
    x = x < -80 ? -80 : x;
    const float n = rintf(x * 1.44269504f), power = power_of_2(n);
    return power * exponential_minus_1_near_0(reduced(x, n)) + (power - 1);
}

static inline float elu(float x)
{
    const float below = exponential_minus_1(x > 0 ? 0 : x);
    return x > 0 ? x : below;
}

#endif
