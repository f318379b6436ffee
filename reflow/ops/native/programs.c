/* Programs of elementwise operations on float32, for reflow/ops/native/programs.py: tensors of one shape, rows and scalars
 * go through all steps of a program block by block, so that what only passes from step to step stays in the cache.
 *
 * A register is a block of BLOCK numbers: that of an input, or scratch. Outputs are written when a block is done, so one of
 * them may be an input.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "number_functions.h"
#include "vectors.h"

#define EXPORT __attribute__((visibility("default")))
/* As in programs.py. */
#define BLOCK 256
#define REGISTERS 24

enum kind { FULL, ROW, SCALAR };
enum { OPERATION, FIRST, SECOND, RESULT, WORDS_OF_A_STEP };

typedef struct {
    int64_t inputs, outputs, temporaries, steps, rows, columns;
    const int64_t *kinds;   /* of each input */
    const int64_t *code;    /* of each step: the operation, the registers of its operands and of its result */
    const int64_t *results; /* the register of each output */
} program;

/* --- operations -------------------------------------------------------------------------------------------------- */

typedef void operation(const float *a, const float *b, float *out, int64_t n);

#define OPERATION_OF(name, expression)                                                                                 \
    static void name(const float *a, const float *b, float *out, int64_t n)                                            \
    {                                                                                                                  \
        (void)b;                                                                                                       \
        _Pragma("omp simd") for (int64_t i = 0; i < n; ++i) out[i] = expression;                                       \
    }

OPERATION_OF(add, a[i] + b[i])
OPERATION_OF(subtract, a[i] - b[i])
OPERATION_OF(multiply, a[i] * b[i])
OPERATION_OF(divide, a[i] / b[i])
OPERATION_OF(maximum, greater(a[i], b[i]))
OPERATION_OF(minimum, lesser(a[i], b[i]))
OPERATION_OF(difference_squared, squared_difference(a[i], b[i]))
OPERATION_OF(negate, -a[i])
OPERATION_OF(square, a[i] * a[i])
OPERATION_OF(square_root, sqrtf(a[i]))
OPERATION_OF(reciprocal_square_root, reciprocal_root(a[i]))
OPERATION_OF(reciprocal, 1 / a[i])
OPERATION_OF(absolute, fabsf(a[i]))
OPERATION_OF(exponential_of, exponential(a[i]))
OPERATION_OF(logarithm_of, logarithm(a[i]))
OPERATION_OF(sigmoid, logistic(a[i]))
OPERATION_OF(tangent, hyperbolic_tangent(a[i]))
OPERATION_OF(relu, a[i] <= 0 ? 0 : a[i])
OPERATION_OF(sigmoid_grad, sigmoid_gradient(a[i], b[i]))
OPERATION_OF(tanh_grad, tanh_gradient(a[i], b[i]))
OPERATION_OF(relu_grad, relu_gradient(a[i], b[i]))

/* In the order of programs.py. */
static operation *const OPERATIONS[] = {
    add, subtract, multiply, divide, maximum, minimum, difference_squared, negate, square, square_root,
    reciprocal_square_root, reciprocal, absolute, exponential_of, logarithm_of, sigmoid, tangent, relu, sigmoid_grad,
    tanh_grad, relu_grad,
};

/* --- running ----------------------------------------------------------------------------------------------------- */

/* Of each input the pointer and how far its rows are apart; then the pointer of each output. */
typedef const int64_t arguments;

static float *pointer(int64_t word) { return (float *)(intptr_t)word; }

/* How the tensors are cut into blocks: `columns` numbers of each of `rows` rows, `block` at a time. */
typedef struct {
    int64_t rows, columns, block, per_row;
} cut;

/* If rows follow each other without a gap, they are one long row; a row that all of them take is repeated in a block. */
static cut cut_of(const program *p, arguments *words)
{
    cut c = {p->rows, p->columns, BLOCK, 0};
    int is_dense = 1, has_row = 0;
    for (int64_t i = 0; i < p->inputs; ++i) {
        is_dense &= p->kinds[i] != FULL || words[2 * i + 1] == p->columns;
        has_row |= p->kinds[i] == ROW;
    }
    if (is_dense && (!has_row || p->columns <= BLOCK)) {
        c.block = has_row ? BLOCK / p->columns * p->columns : BLOCK;
        c.columns = p->rows * p->columns;
        c.rows = 1;
    }
    c.per_row = (c.columns + c.block - 1) / c.block;
    return c;
}

/* Whether a register keeps what it has got for all blocks. */
static int is_filled(const program *p, const cut *c, int64_t input)
{
    return p->kinds[input] == SCALAR || (p->kinds[input] == ROW && c->columns != p->columns);
}

/* Scalars and repeated rows, and scratch for results. */
static void set_up(const program *p, arguments *words, const cut *c, float (*scratch)[BLOCK], const float **registers)
{
    for (int64_t i = 0; i < p->inputs; ++i) {
        if (!is_filled(p, c, i))
            continue;
        const float *from = pointer(words[2 * i]);
        const int64_t period = p->kinds[i] == SCALAR ? 1 : p->columns;
        for (int64_t k = 0; k < c->block; ++k)
            (*scratch)[k] = from[k % period];
        registers[i] = *scratch++;
    }
    for (int64_t t = 0; t < p->temporaries; ++t)
        registers[p->inputs + t] = *scratch++;
}

static void run_block(const program *p, arguments *words, const cut *c, int64_t index, const float **registers)
{
    const int64_t row = index / c->per_row, column = index % c->per_row * c->block;
    const int64_t count = smaller(c->block, c->columns - column);
    for (int64_t i = 0; i < p->inputs; ++i)
        if (!is_filled(p, c, i))
            registers[i] = pointer(words[2 * i]) + (p->kinds[i] == FULL ? row * words[2 * i + 1] : 0) + column;
    for (const int64_t *step = p->code; step < p->code + WORDS_OF_A_STEP * p->steps; step += WORDS_OF_A_STEP)
        OPERATIONS[step[OPERATION]](registers[step[FIRST]], registers[step[SECOND]], (float *)registers[step[RESULT]],
                                    count);
    for (int64_t o = 0; o < p->outputs; ++o)
        memcpy(pointer(words[2 * p->inputs + o]) + row * c->columns + column, registers[p->results[o]],
               (size_t)count * sizeof(float));
}

/* The last two words are the program's address and the number of threads. */
EXPORT int64_t reflow_run_program(arguments *words, int64_t count)
{
    const program *p = (const program *)(intptr_t)words[count - 2];
    const cut c = cut_of(p, words);
    const int64_t threads = words[count - 1], blocks = c.rows * c.per_row;
#pragma omp parallel num_threads(threads)
    {
        float scratch[REGISTERS][BLOCK] __attribute__((aligned(64)));
        const float *registers[REGISTERS];
        set_up(p, words, &c, scratch, registers);
#pragma omp for schedule(static)
        for (int64_t b = 0; b < blocks; ++b)
            run_block(p, words, &c, b, registers);
    }
    return 0;
}
