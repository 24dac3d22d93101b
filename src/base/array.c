#include "base/array.h"
#include <stdlib.h>

void *pnr_array_grow(void *items, size_t item_size, size_t count, size_t *capacity)
{
	if (count < *capacity)
		return items;
	size_t more = *capacity == 0 ? 16 : *capacity * 2;
	void *grown = more < *capacity ? NULL : reallocarray(items, more, item_size);
	if (grown != NULL)
		*capacity = more;
	return grown;
}

void pnr_array_sort(void *items, size_t count, size_t item_size, int (*compare)(const void *a, const void *b))
{
	const char *item = items;
	for (size_t i = 1; i < count; i++, item += item_size) {
		if (compare(item, item + item_size) > 0) {
			qsort(items, count, item_size, compare);
			return;
		}
	}
}
