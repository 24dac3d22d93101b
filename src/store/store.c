/* Opening a store, its lock, its threads. */
#include "base/file.h"
#include "base/options.h"
#include "base/path.h"
#include "store/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define DATABASE "pannier.db"
#define LOCK "lock"
#define IGNORE_FILE ".gitignore"
#define BUSY_MS_DEFAULT 30000u
#define LOCK_POLL_MS 20u
#define ALONE_MS 1000u

/* A store must not be committed by accident. Written once; a user's own file is left alone. */
static pnr_status write_ignore_file(int dir, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_open(dir, IGNORE_FILE, O_WRONLY | O_CREAT | O_EXCL, 0666, &fd, &own);
	if (status == PNR_CONFLICT)
		return PNR_OK;
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	status = pnr_file_write(fd, "*\n", 2, IGNORE_FILE, err);
	if (status == PNR_OK)
		status = pnr_file_close(&fd, IGNORE_FILE, err);
	return status;
}

static pnr_status open_folder(pnr_store *store, bool create, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_open_dir(AT_FDCWD, store->dir, &store->fd, &own);
	if (status == PNR_OK)
		return PNR_OK;
	if (own.detail == ENOTDIR)
		return pnr_fail(err, PNR_INVALID, "'%s' is not a folder", store->dir);
	if (status != PNR_NOT_FOUND)
		return pnr_fail_with(err, &own);
	if (!create)
		return pnr_fail(err, PNR_NOT_FOUND,
		                "there is none at '%s'; 'pannier init' or the first 'pannier pack' makes one",
		                store->dir);
	status = pnr_file_make_dirs(AT_FDCWD, store->dir, err);
	if (status == PNR_OK)
		status = pnr_file_open_dir(AT_FDCWD, store->dir, &store->fd, err);
	return status;
}

/* Not by a blocking call: that could not be cancelled. */
static pnr_status wait_for_lock(pnr_store *store, int kind, unsigned busy_ms, pnr_error *err)
{
	for (unsigned waited = 0;; waited += LOCK_POLL_MS) {
		pnr_error own = PNR_ERROR_INIT;
		pnr_status status = pnr_file_lock(store->lock, kind | LOCK_NB, LOCK, &own);
		if (status != PNR_BUSY)
			return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
		if (waited >= busy_ms)
			return pnr_fail(err, PNR_BUSY, "%s; try again later",
			                kind == LOCK_SH ? "another process is cleaning up or repairing it"
			                                : "other processes have the store open");
		(void)usleep(LOCK_POLL_MS * 1000);
	}
}

/*
 * Shared for everyone who opens objects, exclusive for whoever removes them.
 * Who finds nobody else there first clears away what crashed writers left.
 */
static pnr_status take_lock(pnr_store *store, pnr_error *err)
{
	int flags = O_NOFOLLOW | (store->read_only ? O_RDONLY : O_RDWR | O_CREAT);
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_open(store->fd, LOCK, flags, 0666, &store->lock, &own);
	if (status != PNR_OK && store->read_only)
		return PNR_OK; /* nothing can be removed where nothing can be written */
	if (status != PNR_OK) {
		pnr_context(&own, "'%s'", store->dir);
		return pnr_fail_with(err, &own);
	}
	if (!store->read_only && pnr_file_lock(store->lock, LOCK_EX | LOCK_NB, LOCK, NULL) == PNR_OK) {
		status = pnr_blobs_sweep(store->blobs, err);
		if (status != PNR_OK)
			return status;
	}
	return wait_for_lock(store, LOCK_SH, store->busy_ms, err);
}

/* A change of the lock lets go of it first, also when it fails: the shared one is asked for again each time. */
pnr_status pnr_store_lock_alone(pnr_store *store, pnr_error *err)
{
	pnr_status status = wait_for_lock(store, LOCK_EX, ALONE_MS, err);
	pnr_status shared = status == PNR_BUSY ? pnr_store_lock_shared(store, NULL) : PNR_OK;
	return shared == PNR_OK ? status : shared;
}

pnr_status pnr_store_lock_shared(pnr_store *store, pnr_error *err)
{
	return wait_for_lock(store, LOCK_SH, store->busy_ms, err);
}

static pnr_status open_index(pnr_store *store, bool create, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *database = pnr_path_join(store->dir, DATABASE);
	if (database == NULL)
		return pnr_fail_nomem(err);
	const pnr_index_options index_options = {
		.create = create,
		.read_only = store->read_only,
		.busy_ms = store->busy_ms,
	};
	pnr_status status = pnr_index_open(database, &index_options, &store->index, err);
	if (status == PNR_OK && store->created)
		status = pnr_file_fsync(store->fd, store->dir, err);
	return status;
}

static pnr_status open_parts(pnr_store *store, const pnr_store_options *options, pnr_error *err)
{
	bool create = options->create && !options->read_only;
	pnr_status status = open_folder(store, create, err);
	if (status != PNR_OK)
		return status;
	struct stat st;
	pnr_error own = PNR_ERROR_INIT;
	status = pnr_file_stat_at(store->fd, DATABASE, &st, &own);
	if (status == PNR_NOT_FOUND && create) {
		store->created = true;
		status = write_ignore_file(store->fd, err);
	} else if (status == PNR_NOT_FOUND) {
		status = pnr_fail(err, PNR_NOT_FOUND, "'%s' is no store: it has no %s", store->dir, DATABASE);
	} else if (status != PNR_OK) {
		status = pnr_fail_with(err, &own);
	}
	if (status == PNR_OK)
		status = pnr_blobs_open(store->fd, &store->blobs, err);
	if (status == PNR_OK)
		status = take_lock(store, err);
	if (status == PNR_OK)
		status = open_index(store, create, err);
	return status;
}

pnr_status pnr_store_open(const char *dir, const pnr_store_options *options, pnr_store **out_store,
                          bool *out_created, pnr_error *err)
{
	pnr_store_options own = { .size = sizeof own };
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_store_options", err);
	if (status != PNR_OK)
		return status;
	pnr_store *store = calloc(1, sizeof *store);
	if (store == NULL)
		return pnr_fail_nomem(err);
	store->fd = store->lock = -1;
	store->read_only = own.read_only;
	store->busy_ms = own.busy_ms != 0 ? own.busy_ms : BUSY_MS_DEFAULT;
	store->threads = own.threads;
	status = pnr_path_absolute(dir, &store->dir, err);
	if (status == PNR_OK)
		status = open_parts(store, &own, err);
	if (status != PNR_OK) {
		pnr_context(err, "opening the store");
		pnr_store_close(store);
		return status;
	}
	if (out_created != NULL)
		*out_created = store->created;
	*out_store = store;
	return PNR_OK;
}

void pnr_store_close(pnr_store *store)
{
	if (store == NULL)
		return;
	pnr_pool_free(store->pool);
	pnr_index_close(store->index);
	pnr_blobs_close(store->blobs);
	pnr_cleanup_close(&store->lock);
	pnr_cleanup_close(&store->fd);
	free(store->dir);
	free(store);
}

const char *pnr_store_dir(const pnr_store *store)
{
	return store->dir;
}

pnr_index *pnr_store_index(pnr_store *store)
{
	return store->index;
}

bool pnr_store_read_only(const pnr_store *store)
{
	return store->read_only;
}

pnr_status pnr_store_pool(pnr_store *store, pnr_pool **out_pool, pnr_error *err)
{
	if (store->pool == NULL) {
		pnr_status status = pnr_pool_new(store->threads, &store->pool, err);
		if (status != PNR_OK)
			return status;
	}
	*out_pool = store->pool;
	return PNR_OK;
}

pnr_status pnr_store_scratch(pnr_store *store, int *out_fd, pnr_error *err)
{
	return pnr_blobs_scratch(store->blobs, out_fd, err);
}

pnr_status pnr_store_transaction(pnr_store *store, pnr_store_work work, void *user, pnr_error *err)
{
	pnr_status status = pnr_index_begin(store->index, err);
	if (status != PNR_OK)
		return status;
	status = work(user, err);
	if (status != PNR_OK) {
		pnr_index_rollback(store->index);
		return status;
	}
	return pnr_index_commit(store->index, err);
}
