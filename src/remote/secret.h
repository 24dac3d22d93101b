/* Credentials: from where they are read, and when those that expire are to be got anew. */
#ifndef PNR_REMOTE_SECRET_H
#define PNR_REMOTE_SECRET_H

#include "base/secret.h"

/** Called several times a second while it is waited for a program or a server: may cancel. NULL: nothing is called. */
typedef struct pnr_secret_watch {
	pnr_status (*poll)(void *context, pnr_error *err);
	void *context;
} pnr_secret_watch;

/**
 * Append a small file to the empty @buffer, in one allocation, and end it with a NUL. Errors: NOT_FOUND, DENIED,
 * INVALID (it is larger than @limit, at most 1 MiB - 1, or holds a NUL), IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_secret_read(const char *path, size_t limit, pnr_buffer *buffer, pnr_error *err);

/** *text becomes a copy of @length bytes of @value; what it was is freed. */
PNR_CHECKED pnr_status pnr_secret_set(char **text, const char *value, size_t length, pnr_error *err);
/** The same for what becomes a line of a header. INVALID: it holds a control character; the text repeats nothing. */
PNR_CHECKED pnr_status pnr_secret_set_line(char **text, const char *value, size_t length, pnr_error *err);

/** The environment variable's value; NULL if it is not set or "". */
const char *pnr_env(const char *name);

/** What never expires. */
#define PNR_SECRET_NEVER INT64_MAX
/** When to get anew what expires then: 5 minutes before, but no sooner than in 30 s, which are then its last. */
int64_t pnr_secret_renewal(int64_t expires_ms, int64_t now_ms);

#endif
