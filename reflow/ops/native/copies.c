/* Copies of boxes of memory, for reflow/ops/native/copies.py: what Tile and Pad make. */
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* `layout` has for each of `rank` axes its size, and how many bytes lie between neighbours in the source and the target;
 * along the last axis, whose "size" is in bytes, both lie densely. */
static void copy(const char *source, char *target, int64_t rank, const int64_t *layout)
{
    const int64_t size = layout[0], from = layout[1], to = layout[2];
    if (rank == 1) {
        memcpy(target, source, (size_t)size);
    } else if (rank == 2) {
        const size_t bytes = (size_t)layout[3];
        for (int64_t i = 0; i < size; ++i)
            memcpy(target + i * to, source + i * from, bytes);
    } else {
        for (int64_t i = 0; i < size; ++i)
            copy(source + i * from, target + i * to, rank - 1, layout + 3);
    }
}

/* Copies a box of `rank` axes to `offset` bytes behind the target's start, which is made of `zeros` bytes of 0 before. The
 * threads share the first axis. */
EXPORT int64_t reflow_copy_box(const char *source, char *target, int64_t offset, int64_t zeros, int64_t rank,
                               const int64_t *layout, int64_t threads)
{
    memset(target, 0, (size_t)zeros);
    if (rank < 2 || threads < 2) {
        copy(source, target + offset, rank, layout);
        return 0;
    }
    const int64_t size = layout[0], from = layout[1], to = layout[2];
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < size; ++i)
        copy(source + i * from, target + offset + i * to, rank - 1, layout + 3);
    return 0;
}
