#include "remote/secret.h"
#include "base/file.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define EARLY_MS 300000
#define PAUSE_MS 30000

pnr_status pnr_secret_read(const char *path, size_t limit, pnr_buffer *buffer, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_status status = pnr_file_open(AT_FDCWD, path, O_RDONLY, 0, &fd, err);
	if (status == PNR_OK)
		status = pnr_file_read_all(fd, limit, buffer, path, err);
	if (status == PNR_OK && memchr(buffer->data, '\0', buffer->length) != NULL)
		return pnr_fail(err, PNR_INVALID, "'%s' holds a NUL byte", path);
	return status;
}

pnr_status pnr_secret_set(char **text, const char *value, size_t length, pnr_error *err)
{
	char *copy = strndup(value, length);
	if (copy == NULL)
		return pnr_fail_nomem(err);
	pnr_secret_free(text);
	*text = copy;
	return PNR_OK;
}

pnr_status pnr_secret_set_line(char **text, const char *value, size_t length, pnr_error *err)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return pnr_fail(err, PNR_INVALID,
			                "a key or token holds a line break or another control character");
	return pnr_secret_set(text, value, length, err);
}

const char *pnr_env(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

int64_t pnr_secret_renewal(int64_t expires_ms, int64_t now_ms)
{
	if (expires_ms == PNR_SECRET_NEVER)
		return PNR_SECRET_NEVER;
	int64_t early = expires_ms - EARLY_MS;
	int64_t soon = expires_ms < now_ms + PAUSE_MS ? expires_ms : now_ms + PAUSE_MS;
	return early > soon ? early : soon;
}
