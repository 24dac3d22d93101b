#include "http/http.h"
#include <string.h>
#include <strings.h>

void pnr_http_request_free(pnr_http_request *request)
{
	pnr_buffer_free(&request->head);
	pnr_buffer_free(&request->text);
	pnr_error_clear(&request->error);
	request->code = 0;
	request->status = PNR_OK;
	request->unsure = false;
}

/* Where the value of @line begins if it is of the header @name, else NULL. */
static const char *value_in(const char *line, const char *end, const char *name)
{
	size_t length = strlen(name);
	if ((size_t)(end - line) <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
		return NULL;
	const char *value = line + length + 1;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	return value;
}

char *pnr_http_header(const pnr_http_request *request, const char *name, char *out_value, size_t size)
{
	const pnr_buffer *head = &request->head;
	const char *line = head->data, *stop = line + head->length;
	out_value[0] = '\0';
	while (head->length > 0 && line < stop) {
		const char *end = memchr(line, '\n', (size_t)(stop - line));
		if (end == NULL)
			end = stop;
		const char *next = end + (end < stop);
		const char *value = value_in(line, end, name);
		if (value != NULL) {
			while (end > value && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t'))
				end--;
			size_t length = (size_t)(end - value);
			if (length < size) {
				memcpy(out_value, value, length);
				out_value[length] = '\0';
			}
			break;
		}
		line = next;
	}
	return out_value;
}

static pnr_status status_of(int code)
{
	switch (code) {
	case 401:
	case 403:
	case 407:
		return PNR_DENIED;
	case 404:
	case 410:
		return PNR_NOT_FOUND;
	case 409:
	case 412:
		return PNR_CONFLICT;
	case 429:
	case 503:
		return PNR_BUSY;
	case 408:
	case 500:
	case 502:
	case 504:
		return PNR_RETRY;
	case 507:
		return PNR_FULL;
	default:
		return PNR_IO;
	}
}

/* Only the host of a Location: what follows may hold a signature. */
static void fail_redirect(const pnr_http_request *request, pnr_error *own)
{
	char place[512];
	const char *host = strstr(pnr_http_header(request, "location", place, sizeof place), "://");
	if (host == NULL)
		return;
	host += 3;
	size_t length = strcspn(host, "/?#");
	const char *user = memrchr(host, '@', length);
	if (user != NULL) {
		length -= (size_t)(user + 1 - host);
		host = user + 1;
	}
	pnr_error_clear(own);
	pnr_ignore(pnr_fail(own, PNR_IO,
	                    "%d: it is elsewhere, on '%.*s'; redirects are not followed, name that host as the endpoint",
	                    request->code, (int)length, host));
}

pnr_status pnr_http_fail(const pnr_http_request *request, const char *message, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	if (request->code == 0) {
		own = request->error;
	} else {
		pnr_ignore(pnr_fail(&own, status_of(request->code), "%d%s%.500s", request->code,
		                    message == NULL ? "" : ": ", message == NULL ? "" : message));
		if (request->code / 100 == 3 && message == NULL)
			fail_redirect(request, &own);
		own.detail = request->code;
	}
	pnr_context(&own, "%s %s%.300s", request->method, request->origin, request->path);
	return pnr_fail_with(err, &own);
}
