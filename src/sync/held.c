#include "sync/held.h"
#include "base/array.h"
#include "base/path.h"
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

static int by_name(const void *a, const void *b)
{
	const pnr_held *x = *(pnr_held *const *)a, *y = *(pnr_held *const *)b;
	int order = strcmp(pnr_path_base(x->path), pnr_path_base(y->path));
	return order != 0 ? order : by_path(x, y);
}

static pnr_status sort(pnr_held_list *list, pnr_error *err)
{
	pnr_array_sort(list->items, list->count, sizeof *list->items, by_path);
	list->by_name = calloc(list->count + 1, sizeof *list->by_name);
	if (list->by_name == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < list->count; i++)
		list->by_name[i] = &list->items[i];
	pnr_array_sort(list->by_name, list->count, sizeof *list->by_name, by_name);
	return PNR_OK;
}

pnr_status pnr_held_load(pnr_index *index, int64_t package_id, pnr_held_list *out_list, pnr_error *err)
{
	PNR_CLEANUP(pnr_held_free) pnr_held_list list = PNR_HELD_LIST_INIT;
	pnr_status status = pnr_index_package_assets(index, package_id, 0, add, &list, err);
	if (status == PNR_OK)
		status = sort(&list, err);
	if (status != PNR_OK)
		return status;
	*out_list = list;
	list = (pnr_held_list)PNR_HELD_LIST_INIT;
	return PNR_OK;
}

pnr_status pnr_held_load_remote(pnr_index *index, int64_t remote_id, const char *name, pnr_held_list *out_list,
                                pnr_error *err)
{
	int64_t package = 0;
	pnr_status status = pnr_index_remote_package_newest(index, remote_id, name, &package, err);
	if (status == PNR_NOT_FOUND)
		status = pnr_index_remote_package_newest(index, remote_id, NULL, &package, err);
	if (status != PNR_OK)
		return status == PNR_NOT_FOUND ? PNR_OK : status;
	return pnr_held_load(index, package, out_list, err);
}

pnr_held *pnr_held_find(const pnr_held_list *list, const char *path)
{
	const pnr_held key = { .path = (char *)(uintptr_t)path };
	return list->count == 0 ? NULL : bsearch(&key, list->items, list->count, sizeof key, by_path);
}

const pnr_held *pnr_held_version(const pnr_held_list *list, const char *path)
{
	const pnr_held *same = pnr_held_find(list, path);
	const char *name = pnr_path_base(path);
	size_t low = 0, high = list->count;
	while (same == NULL && low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(pnr_path_base(list->by_name[middle]->path), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (same == NULL && low < list->count && strcmp(pnr_path_base(list->by_name[low]->path), name) == 0)
		same = list->by_name[low];
	return same;
}

void pnr_held_free(pnr_held_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].path);
	free(list->items);
	free(list->by_name);
	*list = (pnr_held_list)PNR_HELD_LIST_INIT;
}
