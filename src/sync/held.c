#include "sync/held.h"
#include "base/array.h"
#include <stdlib.h>
#include <string.h>

static pnr_status add(void *user, const pnr_asset_row *row, pnr_error *err)
{
	pnr_held_list *list = user;
	pnr_held *items = pnr_array_grow(list->items, sizeof *items, list->count, &list->capacity);
	if (items == NULL)
		return pnr_fail_nomem(err);
	list->items = items;
	char *path = strdup(row->path);
	if (path == NULL)
		return pnr_fail_nomem(err);
	list->items[list->count++] = (pnr_held){
		.path = path,
		.blob = { .id = row->blob_id, .hash = row->hash, .size = row->size, .crc32 = row->crc32 },
	};
	return PNR_OK;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const pnr_held *)a)->path, ((const pnr_held *)b)->path);
}

pnr_status pnr_held_load(pnr_index *index, int64_t package_id, pnr_held_list *out_list, pnr_error *err)
{
	PNR_CLEANUP(pnr_held_free) pnr_held_list list = PNR_HELD_LIST_INIT;
	pnr_status status = pnr_index_package_assets(index, package_id, 0, add, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_array_sort(list.items, list.count, sizeof *list.items, by_path);
	*out_list = list;
	list = (pnr_held_list)PNR_HELD_LIST_INIT;
	return PNR_OK;
}

pnr_held *pnr_held_find(const pnr_held_list *list, const char *path)
{
	const pnr_held key = { .path = (char *)(uintptr_t)path };
	return list->count == 0 ? NULL : bsearch(&key, list->items, list->count, sizeof key, by_path);
}

void pnr_held_free(pnr_held_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].path);
	free(list->items);
	*list = (pnr_held_list)PNR_HELD_LIST_INIT;
}
