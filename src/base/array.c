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
