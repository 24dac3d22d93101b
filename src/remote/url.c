#include "remote/url.h"
#include "base/buffer.h"
#include "base/path.h"
#include "base/percent.h"
#include "remote/remote.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define LETTERS LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char secret[] = "credentials do not belong in a remote's URL, which is kept and shown; they are taken "
			     "from the environment or from the provider's own files";

static const char *const kind_names[] = {
	[PNR_REMOTE_DIR] = "dir",
	[PNR_REMOTE_S3] = "s3",
	[PNR_REMOTE_AZURE] = "azure",
};

const char *pnr_remote_kind_name(pnr_remote_kind kind)
{
	return (unsigned)kind < PNR_COUNT(kind_names) ? kind_names[kind] : "unknown";
}

void pnr_remote_url_free(pnr_remote_url *url)
{
	free(url->text);
	free(url->path);
	free(url->account);
	free(url->bucket);
	free(url->prefix);
	free(url->endpoint);
	free(url->region);
	free(url->style);
	*url = (pnr_remote_url){ .kind = PNR_REMOTE_DIR };
}

/* No text of the URL but its scheme is ever in a message. */
static pnr_status wrong(const char *scheme, const char *reason, pnr_error *err)
{
	return pnr_fail(err, PNR_INVALID, "%s:// URL: %s", scheme, reason);
}

static bool consists_of(const char *text, size_t length, const char *allowed)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\0' || strchr(allowed, text[i]) == NULL)
			return false;
	return true;
}

/* %XX is that byte; NULL (and *out_wrong) if it is no such, or a NUL. malloc'd. */
static char *decode(const char *text, size_t length, bool *out_wrong)
{
	PNR_CLEANUP(pnr_cleanup_free) char *out = strndup(text, length);
	*out_wrong = out != NULL && !pnr_percent_decode(out, false);
	return *out_wrong ? NULL : PNR_STEAL(out);
}

/* ------------------------------------------------------------- a folder -- */

static pnr_status set_folder(const char *path, pnr_remote_url *url, pnr_error *err)
{
	pnr_status status = pnr_path_absolute(path, &url->path, err);
	if (status != PNR_OK)
		return status;
	url->text = strdup(url->path);
	return url->text == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

static pnr_status parse_file(const char *rest, pnr_remote_url *url, pnr_error *err)
{
	static const char here[] = "localhost/";
	bool bad;
	if (strncmp(rest, here, sizeof here - 1) == 0)
		rest += sizeof here - 2;
	if (strchr(rest, '?') != NULL || strchr(rest, '#') != NULL)
		return wrong("file", "it has no parameters; '?' in a name is '%3F', '#' is '%23'", err);
	if (rest[0] != '/')
		return wrong("file", "it names a folder of this machine: file:///mnt/share", err);
	PNR_CLEANUP(pnr_cleanup_free) char *path = decode(rest, strlen(rest), &bad);
	if (bad)
		return wrong("file", "'%' is not followed by two hex digits, or by 00", err);
	return path == NULL ? pnr_fail_nomem(err) : set_folder(path, url, err);
}

/* ------------------------------------------------------------ a container -- */

/* A scheme, a host (an IPv6 address in brackets), perhaps a port; NULL if it is that. */
const char *pnr_remote_endpoint_problem(const char *endpoint)
{
	static const char form[] = "the endpoint is not of the form https://host:port";
	const char *host = endpoint;
	if (strncmp(host, "https://", 8) == 0)
		host += 8;
	else if (strncmp(host, "http://", 7) == 0)
		host += 7;
	else
		return form;
	if (strchr(host, '@') != NULL)
		return secret;
	size_t length = strspn(host, LETTERS DIGITS ".-");
	if (host[0] == '[') {
		length = strspn(host + 1, "abcdefABCDEF" DIGITS ":.") + 2;
		if (length < 4 || host[length - 1] != ']')
			return form;
	}
	const char *port = host + length;
	if (length == 0 || (*port != '\0' && *port != ':'))
		return form;
	if (*port == '\0')
		return NULL;
	size_t digits = strspn(port + 1, DIGITS);
	if (digits == 0 || digits > 5 || port[1 + digits] != '\0')
		return form;
	unsigned long number = strtoul(port + 1, NULL, 10);
	return number > 0 && number <= 65535 ? NULL : form;
}

/* Its bytes, those of IPv4 as IPv6 has them. False: the host is a name. */
static bool address_of(const char *url, uint8_t out[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];
	const char *host = strstr(url, "://");
	if (host == NULL)
		return false;
	host += 3;
	bool brackets = host[0] == '[';
	host += brackets;
	size_t length = strcspn(host, brackets ? "]" : ":/?#");
	if (length >= sizeof text)
		return false;
	memcpy(text, host, length);
	text[length] = '\0';
	memcpy(out, mapped, sizeof mapped);
	return brackets ? inet_pton(AF_INET6, text, out) == 1 : inet_pton(AF_INET, text, out + sizeof mapped) == 1;
}

static bool is_v4(const uint8_t address[16])
{
	return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)address);
}

bool pnr_remote_is_here(const char *url)
{
	static const uint8_t loopback[16] = { [15] = 1 };
	static const char name[] = "localhost";
	const char *host = strstr(url, "://");
	uint8_t a[16];
	if (address_of(url, a))
		return is_v4(a) ? a[12] == 127 : memcmp(a, loopback, sizeof a) == 0;
	return host != NULL && strncmp(host + 3, name, sizeof name - 1) == 0 &&
	       strchr(":/?#", host[3 + sizeof name - 1]) != NULL;
}

bool pnr_remote_is_near(const char *url)
{
	uint8_t a[16];
	if (pnr_remote_is_here(url) || !address_of(url, a))
		return pnr_remote_is_here(url);
	if (!is_v4(a))
		return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
	return a[12] == 10 || (a[12] == 172 && (a[13] & 0xf0) == 16) || (a[12] == 192 && a[13] == 168) ||
	       (a[12] == 169 && a[13] == 254);
}

/* An emulator of Azure has the account behind it. */
static const char *azure_endpoint_problem(const char *endpoint)
{
	char origin[512];
	const char *host = strstr(endpoint, "://");
	const char *path = host == NULL ? NULL : strchr(host + 3, '/');
	if (path == NULL)
		return pnr_remote_endpoint_problem(endpoint);
	if (path[1] == '\0' || !consists_of(path + 1, strlen(path + 1), LOWER DIGITS) ||
	    (size_t)(path - endpoint) >= sizeof origin)
		return "the endpoint is not of the form https://host:port/account";
	(void)snprintf(origin, sizeof origin, "%.*s", (int)(path - endpoint), endpoint);
	return pnr_remote_endpoint_problem(origin);
}

static const char *region_problem(const char *region)
{
	size_t length = strlen(region);
	return length > 0 && length <= 63 && consists_of(region, length, LOWER DIGITS "-")
	               ? NULL
	               : "the region is not of small letters, digits and '-'";
}

static const char *style_problem(const char *style)
{
	return strcmp(style, "true") == 0 || strcmp(style, "false") == 0 ? NULL : "path-style is neither true nor false";
}

/* One "name=value", which ends where its text does. */
static pnr_status parse_parameter(const char *scheme, const char *text, size_t length, pnr_remote_url *url,
                                  pnr_error *err)
{
	const struct {
		const char *name;
		char **out;
		const char *(*problem)(const char *value);
		bool s3_only;
	} known[] = {
		{ "endpoint=", &url->endpoint,
		  url->kind == PNR_REMOTE_AZURE ? azure_endpoint_problem : pnr_remote_endpoint_problem, false },
		{ "region=", &url->region, region_problem, true },
		{ "path-style=", &url->style, style_problem, true },
	};
	bool bad;
	size_t i = 0, name = 0;
	for (; i < PNR_COUNT(known); i++) {
		name = strlen(known[i].name);
		if (length >= name && strncmp(text, known[i].name, name) == 0 && *known[i].out == NULL &&
		    (!known[i].s3_only || url->kind == PNR_REMOTE_S3))
			break;
	}
	if (i == PNR_COUNT(known))
		return pnr_fail(err, PNR_INVALID, "%s:// URL: %s, each once, are the parameters there are; %s", scheme,
		                url->kind == PNR_REMOTE_S3 ? "'endpoint', 'region' and 'path-style'" : "'endpoint'",
		                secret);
	char *value = decode(text + name, length - name, &bad);
	if (bad)
		return wrong(scheme, "'%' is not followed by two hex digits, or by 00", err);
	if (value == NULL)
		return pnr_fail_nomem(err);
	*known[i].out = value;
	size_t end = strlen(value);
	if (i == 0 && end > 0 && value[end - 1] == '/')
		value[end - 1] = '\0';
	const char *problem = known[i].problem(value);
	return problem == NULL ? PNR_OK : wrong(scheme, problem, err);
}

static pnr_status parse_query(const char *scheme, const char *query, pnr_remote_url *url, pnr_error *err)
{
	for (;;) {
		size_t length = strcspn(query, "&");
		pnr_status status = parse_parameter(scheme, query, length, url, err);
		if (status != PNR_OK || query[length] == '\0')
			return status;
		query += length + 1;
	}
}

/* The text up to the next '/', which is passed over. */
static char *take_name(const char **rest)
{
	size_t length = strcspn(*rest, "/");
	char *name = strndup(*rest, length);
	*rest += length;
	*rest += **rest == '/';
	return name;
}

/* The rules that both providers have for names that are part of a host's name. */
static bool is_name(const char *name, size_t least, size_t most, const char *allowed)
{
	size_t length = strlen(name);
	return length >= least && length <= most && consists_of(name, length, allowed) &&
	       consists_of(name, 1, LOWER DIGITS) && consists_of(name + length - 1, 1, LOWER DIGITS);
}

static pnr_status set_prefix(const char *scheme, const char *rest, pnr_remote_url *url, pnr_error *err)
{
	size_t length = strlen(rest);
	length -= length > 1 && rest[length - 1] == '/';
	url->prefix = strndup(rest, length);
	if (url->prefix == NULL)
		return pnr_fail_nomem(err);
	if (length > 0 && pnr_remote_key_problem(url->prefix) != NULL)
		return wrong(scheme,
		             "the prefix has something else than letters, digits, '.', '_' and '-' between single '/', "
		             "or is too long",
		             err);
	return PNR_OK;
}

static pnr_status set_text(pnr_remote_url *url, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_printf(&text, "%s://", pnr_remote_kind_name(url->kind));
	if (url->kind == PNR_REMOTE_AZURE)
		pnr_buffer_printf(&text, "%s/", url->account);
	pnr_buffer_puts(&text, url->bucket);
	if (url->prefix[0] != '\0')
		pnr_buffer_printf(&text, "/%s", url->prefix);
	char mark = '?';
	const char *const names[] = { "endpoint", "region", "path-style" };
	const char *const values[] = { url->endpoint, url->region, url->style };
	for (size_t i = 0; i < PNR_COUNT(values); i++)
		if (values[i] != NULL) {
			pnr_buffer_printf(&text, "%c%s=%s", mark, names[i], values[i]);
			mark = '&';
		}
	url->text = pnr_buffer_steal(&text);
	return url->text == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

static pnr_status parse_container(const char *rest, pnr_remote_url *url, pnr_error *err)
{
	const char *scheme = pnr_remote_kind_name(url->kind);
	const char *query = strchr(rest, '?');
	size_t length = query == NULL ? strlen(rest) : (size_t)(query - rest);
	PNR_CLEANUP(pnr_cleanup_free) char *place = strndup(rest, length);
	if (place == NULL)
		return pnr_fail_nomem(err);
	if (strchr(place, '@') != NULL)
		return wrong(scheme, secret, err);
	if (query != NULL) {
		pnr_status status = parse_query(scheme, query + 1, url, err);
		if (status != PNR_OK)
			return status;
	}
	const char *at = place;
	if (url->kind == PNR_REMOTE_AZURE && (url->account = take_name(&at)) == NULL)
		return pnr_fail_nomem(err);
	if ((url->bucket = take_name(&at)) == NULL)
		return pnr_fail_nomem(err);
	if (url->kind == PNR_REMOTE_AZURE && !is_name(url->account, 3, PNR_REMOTE_ACCOUNT_MAX, LOWER DIGITS))
		return wrong(scheme, "the account is not 3 to 24 small letters and digits: azure://account/container",
		             err);
	if (!is_name(url->bucket, 3, PNR_REMOTE_BUCKET_MAX, url->kind == PNR_REMOTE_S3 ? LOWER DIGITS ".-" : LOWER DIGITS "-"))
		return wrong(scheme,
		             url->kind == PNR_REMOTE_S3
		                     ? "the bucket is not 3 to 63 small letters, digits, '.' and '-': s3://bucket"
		                     : "the container is not 3 to 63 small letters, digits and '-': "
		                       "azure://account/container",
		             err);
	pnr_status status = set_prefix(scheme, at, url, err);
	return status == PNR_OK ? set_text(url, err) : status;
}

/* ------------------------------------------------------------------- any -- */

static bool is_folder(const char *text)
{
	const char *slash = strchr(text, '/');
	size_t first = slash == NULL ? strlen(text) : (size_t)(slash - text);
	return text[0] != '\0' && first <= 2 && consists_of(text, first, ".");
}

static pnr_status parse(const char *text, pnr_remote_url *url, pnr_error *err)
{
	if (is_folder(text))
		return set_folder(text, url, err);
	const char *mark = strstr(text, "://");
	size_t length = mark == NULL ? 0 : (size_t)(mark - text);
	if (length == 0 || length > 16 || !consists_of(text, length, LETTERS DIGITS "+.-"))
		return pnr_fail(err, PNR_INVALID,
		                "a remote is a folder (/mnt/share, ./folder) or a URL (file:///mnt/share, "
		                "s3://bucket/prefix, azure://account/container/prefix)");
	const char *rest = mark + 3;
	if (length == 4 && strncmp(text, "file", length) == 0)
		return parse_file(rest, url, err);
	for (unsigned kind = PNR_REMOTE_S3; kind < PNR_REMOTE_KINDS; kind++)
		if (strlen(kind_names[kind]) == length && strncmp(text, kind_names[kind], length) == 0) {
			url->kind = (pnr_remote_kind)kind;
			return parse_container(rest, url, err);
		}
	return pnr_fail(err, PNR_UNSUPPORTED,
	                "remotes of '%.*s://' are not known; there are folders, s3:// and azure://", (int)length, text);
}

/* "" instead of what the kind does not have. */
static pnr_status fill(pnr_remote_url *url, pnr_error *err)
{
	char **const parts[] = { &url->path,     &url->account, &url->bucket, &url->prefix,
		                 &url->endpoint, &url->region,  &url->style };
	for (size_t i = 0; i < PNR_COUNT(parts); i++)
		if (*parts[i] == NULL && (*parts[i] = strdup("")) == NULL)
			return pnr_fail_nomem(err);
	return PNR_OK;
}

pnr_status pnr_remote_url_parse(const char *text, pnr_remote_url *out_url, pnr_error *err)
{
	PNR_CLEANUP(pnr_remote_url_free) pnr_remote_url url = { .kind = PNR_REMOTE_DIR };
	pnr_status status = parse(text, &url, err);
	if (status == PNR_OK)
		status = fill(&url, err);
	if (status != PNR_OK)
		return status;
	*out_url = url;
	url = (pnr_remote_url){ .kind = PNR_REMOTE_DIR };
	return PNR_OK;
}
