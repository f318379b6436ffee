/* Updates of many float32 variables in one pass each, for reflow/ops/native/optimizer.py.
 *
 * An update is given as columns of pointers: `count` variables, then as many of each slot, then the gradients. The threads
 * share all numbers evenly, whatever variable they belong to.
 */
#include <math.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* Each rule is the body of a loop over i, which the macro lays over the part of every variable that a thread has. */
#define FOR_ALL_NUMBERS(...)                                                                                           \
    int64_t total = 0;                                                                                                 \
    for (int64_t k = 0; k < count; ++k)                                                                                \
        total += sizes[k];                                                                                             \
    _Pragma("omp parallel for num_threads(threads) schedule(static)")                                                  \
    for (int part = 0; part < threads; ++part) {                                                                       \
        const int64_t begin = total * part / threads, end = total * (part + 1) / threads;                              \
        for (int64_t k = 0, offset = 0; k < count && offset < end; offset += sizes[k++]) {                             \
            const int64_t first = begin > offset ? begin - offset : 0;                                                 \
            const int64_t last = end - offset < sizes[k] ? end - offset : sizes[k];                                    \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

#define COLUMN(position) (columns[(position) * count + k])
#define LOOP _Pragma("omp simd") for (int64_t i = first; i < last; ++i)

/* accum = momentum * accum + grad; var -= rate * accum, with Nesterov's look-ahead rate * (grad + momentum * accum). */
EXPORT void reflow_momentum(float *const *columns, const int64_t *sizes, int64_t count, const double *numbers,
                            int threads)
{
    const float rate = (float)numbers[0], momentum = (float)numbers[1];
    const int use_nesterov = numbers[2] != 0;
    FOR_ALL_NUMBERS(float *var = COLUMN(0); float *accum = COLUMN(1); const float *grad = COLUMN(2);
                    LOOP {
                        const float sum = momentum * accum[i] + grad[i], ahead = grad[i] + momentum * sum;
                        accum[i] = sum;
                        var[i] -= rate * (use_nesterov ? ahead : sum);
                    })
}

/* accum += grad^2; var -= rate * grad / sqrt(accum) */
EXPORT void reflow_adagrad(float *const *columns, const int64_t *sizes, int64_t count, const double *numbers,
                           int threads)
{
    const float rate = (float)numbers[0];
    FOR_ALL_NUMBERS(float *var = COLUMN(0); float *accum = COLUMN(1); const float *grad = COLUMN(2);
                    LOOP {
                        const float sum = accum[i] + grad[i] * grad[i];
                        accum[i] = sum;
                        var[i] -= rate * grad[i] / sqrtf(sum);
                    })
}

/* ms: running mean of grad^2; mom = momentum * mom + rate * grad / sqrt(ms + epsilon); var -= mom */
EXPORT void reflow_rms_prop(float *const *columns, const int64_t *sizes, int64_t count, const double *numbers,
                            int threads)
{
    const float rate = (float)numbers[0], decay = (float)numbers[1], momentum = (float)numbers[2];
    const float epsilon = (float)numbers[3], share = (float)(1 - numbers[1]);
    FOR_ALL_NUMBERS(float *var = COLUMN(0); float *ms = COLUMN(1); float *mom = COLUMN(2); const float *grad = COLUMN(3);
                    LOOP {
                        const float mean = decay * ms[i] + share * (grad[i] * grad[i]);
                        const float step = momentum * mom[i] + rate * grad[i] / sqrtf(mean + epsilon);
                        ms[i] = mean;
                        mom[i] = step;
                        var[i] -= step;
                    })
}
