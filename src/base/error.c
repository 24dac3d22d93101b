#include "base/error.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void pnr_cleanup_free(void *p)
{
	void **pointer = p;
	free(*pointer);
	*pointer = NULL;
}

void pnr_cleanup_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

const char *pnr_status_name(pnr_status status)
{
	static const char *const names[] = {
		[PNR_OK] = "ok",
		[PNR_NOT_FOUND] = "not_found",
		[PNR_CONFLICT] = "conflict",
		[PNR_CORRUPT] = "corrupt",
		[PNR_BUSY] = "busy",
		[PNR_DENIED] = "denied",
		[PNR_RETRY] = "retry",
		[PNR_FULL] = "full",
		[PNR_IO] = "io",
		[PNR_NOMEM] = "nomem",
		[PNR_INVALID] = "invalid",
		[PNR_UNSUPPORTED] = "unsupported",
		[PNR_CANCELLED] = "cancelled",
	};
	unsigned index = (unsigned)status;
	return index < PNR_COUNT(names) ? names[index] : "unknown";
}

pnr_status pnr_status_of_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		return PNR_NOT_FOUND;
	case EEXIST:
	case ENOTEMPTY:
	case EISDIR:
		return PNR_CONFLICT;
	case EACCES:
	case EPERM:
	case EROFS:
	case ELOOP:
		return PNR_DENIED;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return PNR_FULL;
	case ENOMEM:
		return PNR_NOMEM;
	case EAGAIN:
	case EBUSY:
	case ETXTBSY:
		return PNR_BUSY;
	case ENAMETOOLONG:
	case EILSEQ:
		return PNR_INVALID;
	default:
		return PNR_IO;
	}
}

/* An error is one line: what a file name smuggles in must not break it, nor reach a terminal as an escape. */
static void flatten(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++)
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
}

static void record(pnr_error *err, pnr_status status, int detail, const char *format, va_list args)
{
	err->status = status;
	err->detail = detail;
	if (vsnprintf(err->message, sizeof err->message, format, args) < 0)
		err->message[0] = '\0';
	flatten(err->message);
}

pnr_status (pnr_fail)(pnr_error *err, pnr_status status, const char *format, ...)
{
	if (err != NULL && err->status == PNR_OK) {
		va_list args;
		va_start(args, format);
		record(err, status, 0, format, args);
		va_end(args);
	}
	return status;
}

pnr_status (pnr_fail_errno)(pnr_error *err, int errnum, const char *format, ...)
{
	pnr_status status = pnr_status_of_errno(errnum);
	if (err != NULL && err->status == PNR_OK) {
		va_list args;
		va_start(args, format);
		record(err, status, errnum, format, args);
		va_end(args);
		size_t used = strlen(err->message);
		char memory[128];
		/* GNU's strerror_r, which returns the text, in @memory or not. */
		const char *reason = strerror_r(errnum, memory, sizeof memory);
		(void)snprintf(err->message + used, sizeof err->message - used, ": %s", reason);
	}
	return status;
}

pnr_status (pnr_fail_nomem)(pnr_error *err)
{
	return pnr_fail(err, PNR_NOMEM, "out of memory");
}

pnr_status (pnr_fail_with)(pnr_error *err, const pnr_error *cause)
{
	if (err != NULL && err->status == PNR_OK)
		*err = *cause;
	return cause->status;
}

pnr_status (pnr_context)(pnr_error *err, const char *format, ...)
{
	if (err == NULL)
		return PNR_IO;
	char prefix[sizeof err->message];
	va_list args;
	va_start(args, format);
	int length = vsnprintf(prefix, sizeof prefix, format, args);
	va_end(args);
	if (length < 0)
		return err->status;
	flatten(prefix);
	/* The cause matters more than the way to it: a long prefix is cut, never the cause. */
	size_t cause = strlen(err->message) + 1;
	size_t room = sizeof err->message - cause;
	size_t used = strlen(prefix);
	if (room < 3)
		return err->status;
	if (used > room - 2)
		used = room - 2;
	memmove(err->message + used + 2, err->message, cause);
	memcpy(err->message, prefix, used);
	memcpy(err->message + used, ": ", 2);
	return err->status;
}

void pnr_error_clear(pnr_error *err)
{
	if (err != NULL) {
		err->status = PNR_OK;
		err->detail = 0;
		err->message[0] = '\0';
	}
}
