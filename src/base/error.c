#include "base/error.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REASON_SIZE 128

void pnr_cleanup_free(void *p)
{
	void *memory; /* copied, as the variable may be a pointer to anything */
	memcpy(&memory, p, sizeof memory);
	free(memory);
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
	for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
		if (*c < 0x20 || *c == 0x7f) {
			*c = '?';
		} else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) {
			/* U+0080 to U+009F: some terminals obey these too. */
			c[0] = c[1] = '?';
		}
	}
}

/* Cut @text to at most @length bytes, no character of UTF-8 in two. */
static void cut(char *text, size_t length)
{
	if (strlen(text) <= length)
		return;
	size_t end = length;
	while (end > 0 && length - end < 3 && ((unsigned char)text[end] & 0xc0) == 0x80)
		end--;
	text[end] = '\0';
}

/* The formatted text as one line of less than @size bytes. */
static void print(char *out, size_t size, const char *format, va_list args)
{
	int length = vsnprintf(out, size, format, args);
	if (length < 0)
		out[0] = '\0';
	else if ((size_t)length >= size)
		cut(out, size - 2);
	flatten(out);
}

pnr_status (pnr_fail)(pnr_error *err, pnr_status status, const char *format, ...)
{
	if (err != NULL && err->status == PNR_OK) {
		va_list args;
		va_start(args, format);
		err->status = status;
		err->detail = 0;
		print(err->message, sizeof err->message, format, args);
		va_end(args);
	}
	return status;
}

/* What @errnum means, in the C library's words. */
static const char *reason_of(int errnum, char reason[REASON_SIZE])
{
#ifdef __GLIBC__ /* returns the text, in @reason or not */
	return strerror_r(errnum, reason, REASON_SIZE);
#else
	if (strerror_r(errnum, reason, REASON_SIZE) != 0)
		(void)snprintf(reason, REASON_SIZE, "error %d", errnum);
	return reason;
#endif
}

pnr_status (pnr_fail_errno)(pnr_error *err, int errnum, const char *format, ...)
{
	pnr_status status = pnr_status_of_errno(errnum);
	if (err != NULL && err->status == PNR_OK) {
		char reason[REASON_SIZE];
		va_list args;
		va_start(args, format);
		err->status = status;
		err->detail = errnum;
		print(err->message, sizeof err->message - REASON_SIZE, format, args);
		va_end(args);
		size_t used = strlen(err->message);
		(void)snprintf(err->message + used, sizeof err->message - used, ": %s", reason_of(errnum, reason));
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

void pnr_context(pnr_error *err, const char *format, ...)
{
	if (err == NULL || err->status == PNR_OK)
		return;
	char prefix[sizeof err->message];
	va_list args;
	va_start(args, format);
	print(prefix, sizeof prefix, format, args);
	va_end(args);
	/* The cause matters more than the way to it: a long prefix is cut, never the cause. */
	size_t cause = strlen(err->message) + 1;
	size_t room = sizeof err->message - cause;
	if (room < 3)
		return;
	cut(prefix, room - 2);
	size_t used = strlen(prefix);
	memmove(err->message + used + 2, err->message, cause);
	memcpy(err->message, prefix, used);
	memcpy(err->message + used, ": ", 2);
}

void pnr_error_clear(pnr_error *err)
{
	if (err != NULL) {
		err->status = PNR_OK;
		err->detail = 0;
		err->message[0] = '\0';
	}
}
