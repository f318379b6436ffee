/* exp and log of float32 without branches and calls, so that loops over them become vector instructions. */
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

#endif
