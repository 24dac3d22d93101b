/*
 * A remote that fails when it is told to, around one that works: for tests of what pushes to it and pulls from it. A
 * failure comes before anything is done, or in the middle: of a put or a get, half of the first object's bytes have
 * moved then; all else was done, and its answer is lost.
 */
#ifndef TESTS_UNIT_REMOTE_FLAKY_H
#define TESTS_UNIT_REMOTE_FLAKY_H

#include "remote/remote.h"
#include <stdlib.h>
#include <string.h>

typedef struct flaky {
	pnr_remote base;
	pnr_remote *inner;
	unsigned calls;   /**< of has, put, get, list and swap_ref so far */
	unsigned fail_at; /**< that call fails, from 1; 0: none */
	bool midway;
	pnr_status status; /**< what it fails with */
	const pnr_remote_upload *cut; /* whose body ends early */
} flaky;

static inline pnr_status flaky_fail(const flaky *f, pnr_error *err)
{
	return pnr_fail(err, f->status, "the remote was told to fail");
}

/* Does this call fail before anything is done? *out_midway: or in the middle. */
static inline bool flaky_now(flaky *f, bool *out_midway)
{
	bool now = ++f->calls == f->fail_at;
	*out_midway = now && f->midway;
	return now && !f->midway;
}

static inline pnr_status flaky_end(flaky *f, bool midway, pnr_status status, pnr_error *err)
{
	f->base.ours = !midway && !pnr_remote_at_fault(f->inner);
	return status == PNR_OK && midway ? flaky_fail(f, err) : status;
}

static inline void flaky_close(pnr_remote *remote)
{
	pnr_remote_close(((flaky *)(void *)remote)->inner);
	free(remote);
}

static inline pnr_status flaky_has(pnr_remote *remote, pnr_remote_query *queries, size_t count, pnr_error *err)
{
	flaky *f = (flaky *)(void *)remote;
	bool midway;
	if (flaky_now(f, &midway))
		return flaky_fail(f, err);
	return flaky_end(f, midway, pnr_remote_has(f->inner, queries, count, err), err);
}

static inline pnr_status flaky_read(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	const flaky *f = context;
	if (offset + length > f->cut->size / 2)
		return flaky_fail(f, err);
	return f->cut->body.read(f->cut->body.context, offset, buffer, length, err);
}

static inline pnr_status flaky_put(pnr_remote *remote, pnr_remote_upload *uploads, size_t count, pnr_error *err)
{
	flaky *f = (flaky *)(void *)remote;
	bool midway;
	if (flaky_now(f, &midway))
		return flaky_fail(f, err);
	if (!midway)
		return flaky_end(f, false, pnr_remote_put(f->inner, uploads, count, err), err);
	pnr_remote_upload whole = uploads[0];
	f->cut = &whole;
	uploads[0].body = (pnr_remote_body){ .read = flaky_read, .context = f };
	pnr_status status = pnr_remote_put(f->inner, uploads, count, err);
	uploads[0].body = whole.body;
	return flaky_end(f, true, status, err);
}

static inline pnr_status flaky_get(pnr_remote *remote, pnr_remote_download *downloads, size_t count, pnr_error *err)
{
	flaky *f = (flaky *)(void *)remote;
	bool midway;
	if (flaky_now(f, &midway))
		return flaky_fail(f, err);
	uint64_t limit = downloads[0].limit;
	if (midway)
		downloads[0].limit /= 2;
	pnr_status status = pnr_remote_get(f->inner, downloads, count, err);
	downloads[0].limit = limit;
	/* What is missing is told by the one who asked. */
	if (status == PNR_NOT_FOUND && !midway && pnr_remote_at_fault(f->inner)) {
		pnr_error_clear(err);
		return PNR_OK;
	}
	return flaky_end(f, midway, status, err);
}

static inline pnr_status flaky_list(pnr_remote *remote, const char *prefix, pnr_remote_list_fn fn, void *user,
                                    uint64_t *out_foreign, pnr_error *err)
{
	flaky *f = (flaky *)(void *)remote;
	bool midway;
	if (flaky_now(f, &midway))
		return flaky_fail(f, err);
	return flaky_end(f, midway, pnr_remote_list(f->inner, prefix, fn, user, out_foreign, err), err);
}

static inline pnr_status flaky_swap_ref(pnr_remote *remote, const char *key, const pnr_remote_ref *expected,
                                        const pnr_remote_ref *value, pnr_buffer *out_found, pnr_error *err)
{
	flaky *f = (flaky *)(void *)remote;
	bool midway;
	if (flaky_now(f, &midway))
		return flaky_fail(f, err);
	pnr_status status = pnr_remote_swap_ref(f->inner, key, expected, value, out_found, err);
	return flaky_end(f, midway, status, err);
}

/** Takes @inner; closing the flaky one's `base` closes it. */
static inline flaky *flaky_new(pnr_remote *inner)
{
	static const pnr_remote_ops ops = {
		.close = flaky_close,
		.has = flaky_has,
		.put = flaky_put,
		.get = flaky_get,
		.list = flaky_list,
		.swap_ref = flaky_swap_ref,
	};
	flaky *f = calloc(1, sizeof *f);
	if (f == NULL)
		abort();
	f->base.ops = &ops;
	f->base.name = strdup("flaky");
	f->inner = inner;
	f->status = PNR_IO;
	return f;
}

#endif
