/* A store in a folder of its own, and what takes content in. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include "../base/support.h"
#include "codec/hash.h"
#include "store/store.h"

typedef struct fixture {
	char dir[64];
	char store_dir[96];
	pnr_store *store;
	/* what a test has taken in last */
	pnr_ingested item;
	char *content;
	size_t size;
} fixture;

static inline int set_up(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	(void)snprintf(f->dir, sizeof f->dir, "/tmp/pannier-store-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	(void)snprintf(f->store_dir, sizeof f->store_dir, "%s/store", f->dir);
	*state = f;
	const pnr_store_options options = { .size = sizeof options, .create = true, .threads = 2 };
	assert_ok(pnr_store_open(f->store_dir, &options, &f->store, NULL, err));
	return 0;
}

static inline int tear_down(void **state)
{
	fixture *f = *state;
	pnr_store_close(f->store);
	pnr_ignore(pnr_file_remove_tree(AT_FDCWD, f->dir, NULL));
	free(f->content);
	free(f);
	return 0;
}

static inline pnr_status rows(void *user, pnr_error *err)
{
	return pnr_ingest_rows(user, err);
}

static inline pnr_status open_path(const void *context, int *out_fd, pnr_error *err)
{
	return pnr_file_open(AT_FDCWD, context, O_RDONLY, 0, out_fd, err);
}

#endif
