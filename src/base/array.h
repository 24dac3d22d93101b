/* Arrays: growing one item at a time, sorting. */
#ifndef PNR_BASE_ARRAY_H
#define PNR_BASE_ARRAY_H

#include <stddef.h>

/**
 * Make room for one more of @count items of @item_size bytes; the capacity
 * doubles. Returns where the items are now, NULL when memory is exhausted:
 * @items is valid then as it was.
 */
void *pnr_array_grow(void *items, size_t item_size, size_t count, size_t *capacity);

/** qsort; but items that are in order already, as what comes from a file often is, cost one comparison each. */
void pnr_array_sort(void *items, size_t count, size_t item_size, int (*compare)(const void *a, const void *b));

#endif
