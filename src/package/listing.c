#include "package/listing.h"
#include "base/array.h"
#include "base/path.h"
#include "codec/hash.h"
#include <stdlib.h>
#include <string.h>

static int compare_items(const void *a, const void *b)
{
	const pnr_listed *left = *(pnr_listed *const *)a, *right = *(pnr_listed *const *)b;
	int order = strcmp(left->asset->path, right->asset->path);
	/* Equal paths in the manifest's order: the first one stays. */
	return order != 0 ? order : (left > right) - (left < right);
}

static void report_repeated(const pnr_manifest *manifest, const pnr_manifest_asset *first,
                            const pnr_manifest_asset *again, pnr_findings *findings)
{
	if (!manifest->has_package_hash && first->size == again->size && pnr_digest_equal(&first->hash, &again->hash))
		pnr_findings_warning(findings, again->path, "is listed twice, as the old packager does");
	else
		pnr_findings_problem(findings, again->path, "is listed twice in the manifest");
}

pnr_status pnr_listing_new(const pnr_manifest *manifest, pnr_findings *findings, pnr_listing **out_listing,
                           pnr_error *err)
{
	PNR_CLEANUP(pnr_listing_cleanup) pnr_listing *listing = calloc(1, sizeof *listing);
	if (listing == NULL)
		return pnr_fail_nomem(err);
	size_t count = manifest->asset_count;
	listing->items = calloc(count + 1, sizeof *listing->items);
	listing->by_path = calloc(count + 1, sizeof(pnr_listed *));
	if (listing->items == NULL || listing->by_path == NULL)
		return pnr_fail_nomem(err);
	listing->count = count;
	pnr_listed **by_path = listing->by_path;
	for (size_t i = 0; i < count; i++) {
		listing->items[i].asset = &manifest->assets[i];
		by_path[i] = &listing->items[i];
	}
	pnr_array_sort(by_path, count, sizeof(pnr_listed *), compare_items);
	for (size_t i = 0; i < count; i++) {
		const pnr_listed *last = listing->unique == 0 ? NULL : by_path[listing->unique - 1];
		if (last == NULL || strcmp(last->asset->path, by_path[i]->asset->path) != 0) {
			by_path[listing->unique++] = by_path[i];
			continue;
		}
		by_path[i]->repeated = true;
		report_repeated(manifest, last->asset, by_path[i]->asset, findings);
	}
	*out_listing = PNR_STEAL(listing);
	return PNR_OK;
}

void pnr_listing_free(pnr_listing *listing)
{
	if (listing == NULL)
		return;
	free(listing->items);
	free(listing->by_path);
	free(listing);
}

void pnr_listing_cleanup(pnr_listing **listing)
{
	pnr_listing_free(*listing);
	*listing = NULL;
}

/* ---------------------------------------------------------------- names -- */

static void check_path(const char *path, pnr_findings *findings)
{
	const char *problem = pnr_path_package_problem(path, strlen(path));
	if (problem != NULL) {
		pnr_findings_problem(findings, path, "its path %s", problem);
		return;
	}
	size_t depth = 0;
	for (const char *c = path; *c != '\0'; c++)
		depth += *c == '/';
	if (depth > PNR_LISTING_DEPTH_MAX)
		pnr_findings_problem(findings, path, "its path has more than %u folders", PNR_LISTING_DEPTH_MAX);
}

/* Ignores case, and sorts '/' first: what lies in a folder then follows a file of the folder's name at once. */
static int fold(char c)
{
	if (c == '\0')
		return 0;
	if (c == '/')
		return 1;
	return 1 + (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* The length of what both start with. */
static size_t common(const char *a, const char *b)
{
	size_t length = 0;
	while (a[length] != '\0' && fold(a[length]) == fold(b[length]))
		length++;
	return length;
}

static int compare_folded(const char *a, const char *b)
{
	size_t length = common(a, b);
	return fold(a[length]) - fold(b[length]);
}

typedef enum relation { APART, SAME, INSIDE } relation;

/* Of a path and the one that follows it in folded order. */
static relation relate(const char *first, const char *second)
{
	size_t length = common(first, second);
	if (first[length] != '\0')
		return APART;
	return second[length] == '\0' ? SAME : second[length] == '/' ? INSIDE : APART;
}

/* A path and what it is compared by. */
typedef struct spelling {
	const char *path;
	char *key; /* see pnr_path_key; NULL: the path itself */
} spelling;

typedef struct spellings {
	spelling *items;
	size_t count;
} spellings;

static void spellings_cleanup(spellings *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->items[i].key);
	free(s->items);
}

static const char *key_of(const spelling *s)
{
	return s->key != NULL ? s->key : s->path;
}

static int compare_spellings(const void *a, const void *b)
{
	const spelling *left = a, *right = b;
	int order = compare_folded(key_of(left), key_of(right));
	return order != 0 ? order : strcmp(left->path, right->path);
}

static void check_neighbours(spellings *s, pnr_findings *findings)
{
	pnr_array_sort(s->items, s->count, sizeof *s->items, compare_spellings);
	for (size_t i = 1; i < s->count; i++) {
		const char *first = s->items[i - 1].path, *second = s->items[i].path;
		relation found = relate(first, second);
		if (found == SAME)
			pnr_findings_problem(findings, second, "is the path of '%s' when case is ignored", first);
		else if (found == INSIDE)
			pnr_findings_problem(findings, second, "lies in '%s', which is a file", first);
	}
}

/* The same beyond ASCII, where file systems disagree: only a warning, and not of what was a problem already. */
static pnr_status check_forms(spellings *s, pnr_findings *findings, pnr_error *err)
{
	for (size_t i = 0; i < s->count; i++) {
		s->items[i].key = pnr_path_key(s->items[i].path);
		if (s->items[i].key == NULL)
			return pnr_fail_nomem(err);
	}
	pnr_array_sort(s->items, s->count, sizeof *s->items, compare_spellings);
	for (size_t i = 1; i < s->count; i++) {
		const char *first = s->items[i - 1].path, *second = s->items[i].path;
		relation found = relate(s->items[i - 1].key, s->items[i].key);
		if (relate(first, second) != APART)
			continue;
		if (found == SAME)
			pnr_findings_warning(findings, second, "is the path of '%s' in another Unicode form or case", first);
		else if (found == INSIDE)
			pnr_findings_warning(findings, second,
			                     "lies in '%s', which is a file, in another Unicode form or case", first);
	}
	return PNR_OK;
}

static bool is_ascii(const char *text)
{
	while (*text != '\0' && (unsigned char)*text < 0x80)
		text++;
	return *text == '\0';
}

pnr_status pnr_listing_check_names(const pnr_listing *listing, pnr_findings *findings, pnr_error *err)
{
	PNR_CLEANUP(spellings_cleanup) spellings s = { calloc(listing->unique + 1, sizeof(spelling)), 0 };
	if (s.items == NULL)
		return pnr_fail_nomem(err);
	bool ascii = true;
	for (size_t i = 0; i < listing->unique; i++) {
		const char *path = listing->by_path[i]->asset->path;
		check_path(path, findings);
		ascii = ascii && is_ascii(path);
		s.items[s.count++].path = path;
	}
	s.items[s.count++].path = PNR_MANIFEST_NAME;
	check_neighbours(&s, findings);
	return ascii ? PNR_OK : check_forms(&s, findings, err);
}

/* ------------------------------------------------------------ searching -- */

/* The first place in by_path that is not below @path. */
static size_t lower_bound(const pnr_listing *listing, const char *path)
{
	size_t low = 0, high = listing->unique;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(listing->by_path[middle]->asset->path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

pnr_listed *pnr_listing_find(const pnr_listing *listing, const char *path)
{
	size_t place = lower_bound(listing, path);
	if (place == listing->unique || strcmp(listing->by_path[place]->asset->path, path) != 0)
		return NULL;
	return listing->by_path[place];
}

bool pnr_listing_has_folder(const pnr_listing *listing, const char *folder)
{
	size_t place = lower_bound(listing, folder);
	size_t length = strlen(folder);
	if (place == listing->unique)
		return false;
	const char *path = listing->by_path[place]->asset->path;
	return strncmp(path, folder, length) == 0 && path[length] != '\0';
}

/* ---------------------------------------------------------- packageHash -- */

pnr_status pnr_listing_hash(const pnr_listing *listing, bool actual, pnr_digest *out_hash, pnr_error *err)
{
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	pnr_status status = pnr_hash_new(&hash, err);
	for (size_t i = 0; i < listing->unique && status == PNR_OK; i++) {
		const pnr_listed *item = listing->by_path[i];
		if (actual && !item->read) {
			memset(out_hash, 0, sizeof *out_hash);
			return PNR_OK;
		}
		char line[PNR_DIGEST_HEX_SIZE + 1];
		pnr_digest_to_hex(actual ? &item->actual : &item->asset->hash, line);
		memcpy(line + PNR_DIGEST_HEX_SIZE - 1, "  ", 2);
		const char *path = item->asset->path;
		status = pnr_hash_update(hash, line, sizeof line, err);
		if (status == PNR_OK)
			status = pnr_hash_update(hash, path, strlen(path), err);
		if (status == PNR_OK)
			status = pnr_hash_update(hash, "\n", 1, err);
	}
	if (status == PNR_OK)
		status = pnr_hash_finish(hash, out_hash, NULL, NULL, err);
	return status;
}
