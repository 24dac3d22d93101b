#include "remote/remote.h"
#include "base/json.h"
#include "codec/hash.h"
#include <stdlib.h>
#include <string.h>

#define FORMAT_KEY "pannier.json"
#define FORMAT 1
#define FORMAT_MAX ((size_t)64 * PNR_KIB) /* a later format may say more */

static const pnr_remote_ops *const kinds[PNR_REMOTE_KINDS] = {
	[PNR_REMOTE_DIR] = &pnr_remote_dir_ops,
	[PNR_REMOTE_S3] = &pnr_remote_s3_ops,
	[PNR_REMOTE_AZURE] = &pnr_remote_azure_ops,
};

const char *pnr_remote_name(const pnr_remote *remote)
{
	return remote->name;
}

bool pnr_remote_at_fault(const pnr_remote *remote)
{
	return remote->at_fault;
}

void pnr_remote_close(pnr_remote *remote)
{
	if (remote == NULL)
		return;
	free(remote->name);
	remote->name = NULL;
	remote->ops->close(remote);
}

void pnr_remote_cleanup(pnr_remote **remote)
{
	pnr_remote_close(*remote);
}

/* ----------------------------------------------------------------- keys -- */

static bool may_be_in_key(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
	       c == '-';
}

const char *pnr_remote_key_problem(const char *key)
{
	size_t length = 0;
	unsigned depth = 0;
	for (const char *name = key;; name += length + 1) {
		length = strcspn(name, "/");
		if (length == 0)
			return key[0] == '\0' ? "is empty" : "has an empty name in it";
		if (length <= 2 && strspn(name, ".") >= length)
			return "has '.' or '..' in it";
		for (size_t i = 0; i < length; i++)
			if (!may_be_in_key(name[i]))
				return "has something else than letters, digits, '.', '_' and '-' in it";
		if (length > PNR_REMOTE_NAME_MAX)
			return "has a name of more than 255 bytes in it";
		if (++depth > PNR_REMOTE_DEPTH_MAX)
			return "is of more than 8 names";
		if (name[length] == '\0')
			return (size_t)(name - key) + length > PNR_REMOTE_KEY_MAX ? "is longer than 512 bytes" : NULL;
	}
}

static pnr_status check_key(const char *key, pnr_error *err)
{
	const char *problem = pnr_remote_key_problem(key);
	return problem == NULL ? PNR_OK : pnr_fail(err, PNR_INVALID, "key '%s' %s", key, problem);
}

/* A prefix is what a key may start with. */
static pnr_status check_prefix(const char *prefix, pnr_error *err)
{
	char key[PNR_REMOTE_KEY_MAX + 2];
	size_t length = strlen(prefix);
	if (length == 0)
		return PNR_OK;
	if (length >= PNR_REMOTE_KEY_MAX)
		return pnr_fail(err, PNR_INVALID, "prefix '%s' is longer than any key", prefix);
	memcpy(key, prefix, length);
	key[length] = 'x';
	key[length + 1] = '\0';
	const char *problem = pnr_remote_key_problem(key);
	return problem == NULL ? PNR_OK : pnr_fail(err, PNR_INVALID, "prefix '%s' %s", prefix, problem);
}

/* ---------------------------------------------------------- what kinds use -- */

pnr_status pnr_remote_poll(pnr_remote *remote, pnr_error *err)
{
	pnr_status status = pnr_meter_add(remote->meter, NULL, 0, err);
	remote->ours |= status != PNR_OK;
	return status;
}

pnr_status pnr_remote_read_body(pnr_remote *remote, const pnr_remote_upload *upload, uint64_t offset, void *buffer,
                                size_t length, pnr_error *err)
{
	pnr_status status = upload->body.read(upload->body.context, offset, buffer, length, err);
	if (status == PNR_OK)
		return pnr_remote_poll(remote, err);
	remote->ours = true;
	return status;
}

pnr_status pnr_remote_sent(pnr_remote *remote, pnr_remote_upload *upload, uint64_t length, pnr_error *err)
{
	uint64_t left = upload->size - upload->told;
	if (length > left)
		length = left;
	upload->told += length;
	if (length == 0 || upload->body.sent == NULL)
		return PNR_OK;
	pnr_status status = upload->body.sent(upload->body.context, length, err);
	remote->ours |= status != PNR_OK;
	return status;
}

void pnr_remote_close_body(const pnr_remote_upload *upload)
{
	if (upload->body.close != NULL)
		upload->body.close(upload->body.context);
}

pnr_status pnr_remote_wrong_body(pnr_remote *remote, const pnr_remote_upload *upload, pnr_error *err)
{
	char hash[PNR_DIGEST_HEX_SIZE];
	remote->ours = true;
	return pnr_fail(err, PNR_CORRUPT, "it was not put: its bytes here are not those of hash %s",
	                pnr_digest_to_hex(&upload->hash, hash));
}

pnr_status pnr_remote_give(pnr_remote *remote, pnr_remote_download *download, const void *data, size_t length,
                           pnr_error *err)
{
	if (length > download->limit - download->size)
		return pnr_fail(err, PNR_CORRUPT, "it is larger than the %llu bytes that it may have",
		                (unsigned long long)download->limit);
	pnr_status status = download->sink.write(download->sink.context, data, length, err);
	if (status != PNR_OK) {
		remote->ours = true;
		return status;
	}
	download->size += length;
	return pnr_remote_poll(remote, err);
}

pnr_status pnr_remote_given(pnr_remote *remote, pnr_remote_download *download, pnr_error *err)
{
	pnr_status status = download->done == NULL ? PNR_OK : download->done(download->sink.context, err);
	if (status == PNR_OK)
		download->status = PNR_OK;
	remote->ours |= status != PNR_OK;
	return status;
}

/* ------------------------------------------------------------- every call -- */

static void begin(pnr_remote *remote)
{
	remote->ours = remote->at_fault = false;
}

/* What the kind returned: is it the remote's, its name goes in front. */
static pnr_status end(pnr_remote *remote, pnr_status status, const pnr_error *own, pnr_error *err)
{
	if (status == PNR_OK)
		return PNR_OK;
	pnr_error cause = *own;
	remote->at_fault = !remote->ours && status != PNR_NOMEM && status != PNR_CANCELLED;
	if (remote->at_fault)
		pnr_context(&cause, "remote '%s'", remote->name);
	return pnr_fail_with(err, &cause);
}

pnr_status pnr_remote_has(pnr_remote *remote, pnr_remote_query *queries, size_t count, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	begin(remote);
	for (size_t i = 0; i < count; i++) {
		pnr_status status = check_key(queries[i].key, err);
		if (status != PNR_OK)
			return status;
		queries[i].status = PNR_NOT_FOUND;
		queries[i].size = 0;
	}
	pnr_status status = count == 0 ? PNR_OK : remote->ops->has(remote, queries, count, &own);
	return end(remote, status, &own, err);
}

pnr_status pnr_remote_list(pnr_remote *remote, const char *prefix, pnr_remote_list_fn fn, void *user,
                           uint64_t *out_foreign, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	uint64_t foreign = 0;
	begin(remote);
	pnr_status status = check_prefix(prefix, err);
	if (status != PNR_OK)
		return status;
	status = remote->ops->list(remote, prefix, fn, user, &foreign, &own);
	if (status == PNR_OK && out_foreign != NULL)
		*out_foreign = foreign;
	return end(remote, status, &own, err);
}

pnr_status pnr_remote_put(pnr_remote *remote, pnr_remote_upload *uploads, size_t count, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = PNR_OK;
	begin(remote);
	for (size_t i = 0; i < count; i++) {
		uploads[i].outcome = PNR_REMOTE_PENDING;
		uploads[i].told = 0;
		if (status == PNR_OK)
			status = check_key(uploads[i].key, err);
	}
	if (status != PNR_OK || count == 0)
		return status;
	return end(remote, remote->ops->put(remote, uploads, count, &own), &own, err);
}

/* All could be asked for: was each one there? */
static pnr_status check_found(const pnr_remote_download *downloads, size_t count, pnr_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (downloads[i].status != PNR_OK)
			return pnr_fail(err, downloads[i].status, "there is no '%s'", downloads[i].key);
	return PNR_OK;
}

pnr_status pnr_remote_get(pnr_remote *remote, pnr_remote_download *downloads, size_t count, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = PNR_OK;
	begin(remote);
	for (size_t i = 0; i < count; i++) {
		downloads[i].status = PNR_BUSY;
		downloads[i].size = 0;
		if (status == PNR_OK)
			status = check_key(downloads[i].key, err);
	}
	if (status != PNR_OK || count == 0)
		return status;
	status = remote->ops->get(remote, downloads, count, &own);
	if (status == PNR_OK)
		status = check_found(downloads, count, &own);
	return end(remote, status, &own, err);
}

pnr_status pnr_remote_swap_ref(pnr_remote *remote, const char *key, const pnr_remote_ref *expected,
                               const pnr_remote_ref *value, pnr_buffer *out_found, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	begin(remote);
	pnr_status status = check_key(key, err);
	if (status != PNR_OK)
		return status;
	if (expected->length > PNR_REMOTE_REF_MAX || value->length > PNR_REMOTE_REF_MAX)
		return pnr_fail(err, PNR_INVALID, "'%s' would be larger than the %zu bytes that a ref may have", key,
		                PNR_REMOTE_REF_MAX);
	status = remote->ops->swap_ref(remote, key, expected, value, &found, &own);
	if (status == PNR_CONFLICT) {
		pnr_buffer_free(out_found);
		*out_found = found;
		found = (pnr_buffer)PNR_BUFFER_INIT;
	}
	return end(remote, status, &own, err);
}

/* ---------------------------------------------------------------- opening -- */

/* Other members are for versions to come, of the same format. */
static pnr_status check_format(const pnr_buffer *text, pnr_error *err)
{
	pnr_json_document *document = NULL;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_json_parse(text->length == 0 ? "" : text->data, text->length, &pnr_json_config_limits,
	                                   &document, NULL, &own);
	if (status == PNR_NOMEM)
		return pnr_fail_with(err, &own);
	const cJSON *root = status == PNR_OK ? pnr_json_root(document) : NULL;
	const cJSON *format = cJSON_GetObjectItemCaseSensitive(root, "format");
	double number = cJSON_IsNumber(format) ? format->valuedouble : 0;
	pnr_json_free(document);
	if (number == FORMAT)
		return PNR_OK;
	if (number > FORMAT)
		return pnr_fail(err, PNR_UNSUPPORTED,
		                "it has format %.17g, this Pannier knows formats up to %d; use a newer one", number,
		                FORMAT);
	return pnr_fail(err, PNR_CONFLICT, "it is not a Pannier remote: its %s does not say which format it has",
	                FORMAT_KEY);
}

static int stop(void *user, const char *key, uint64_t size)
{
	(void)key;
	(void)size;
	*(bool *)user = true;
	return 1;
}

static pnr_status is_empty(pnr_remote *remote, bool *out_empty, pnr_error *err)
{
	bool found = false;
	uint64_t foreign = 0;
	pnr_status status = remote->ops->list(remote, "", stop, &found, &foreign, err);
	if (status == PNR_OK)
		*out_empty = !found && foreign == 0;
	return status;
}

static pnr_status read_text(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	(void)err;
	memcpy(buffer, (const char *)context + offset, length);
	return PNR_OK;
}

static pnr_status create_format(pnr_remote *remote, pnr_error *err)
{
	static char text[] = "{\"format\": 1}\n";
	pnr_remote_upload upload = { .key = FORMAT_KEY,
		                     .body = { .read = read_text, .context = text },
		                     .size = sizeof text - 1 };
	pnr_status status = pnr_hash_memory(text, sizeof text - 1, &upload.hash, NULL, err);
	return status == PNR_OK ? remote->ops->put(remote, &upload, 1, err) : status;
}

/* *out_is: it says that it is a remote, of a format that we know. */
static pnr_status read_format(pnr_remote *remote, bool *out_is, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_end end_of = { &text, FORMAT_MAX };
	pnr_remote_download download = { .key = FORMAT_KEY, .limit = FORMAT_MAX, .sink = pnr_buffer_end_sink(&end_of),
		                         .status = PNR_BUSY };
	pnr_status status = remote->ops->get(remote, &download, 1, err);
	if (status == PNR_OK && download.status == PNR_OK)
		status = check_format(&text, err);
	*out_is = download.status == PNR_OK;
	return status;
}

/* Is it a remote? An empty place becomes one if @create. */
static pnr_status check_remote(pnr_remote *remote, bool create, pnr_error *err)
{
	bool is = false, empty = false;
	pnr_status status = read_format(remote, &is, err);
	if (status != PNR_OK || is)
		return status;
	status = is_empty(remote, &empty, err);
	/* Perhaps somebody made it a remote in between. */
	if (status == PNR_OK && !empty)
		status = read_format(remote, &is, err);
	if (status != PNR_OK || is)
		return status;
	if (!empty)
		return pnr_fail(err, PNR_CONFLICT,
		                "it is not a Pannier remote: it is not empty and has no %s; name an empty place, or a "
		                "new one in it",
		                FORMAT_KEY);
	if (!create)
		return pnr_fail(err, PNR_NOT_FOUND, "it is an empty place; the first push makes it a remote");
	return create_format(remote, err);
}

static bool create_of(const pnr_remote_options *options)
{
	return options != NULL && options->create;
}

/* @url becomes the handle's name. */
static pnr_status open_kind(pnr_remote_url *url, const pnr_remote_options *options, pnr_remote **out_remote,
                            pnr_error *err)
{
	pnr_remote *remote = NULL;
	const pnr_remote_ops *ops = kinds[url->kind];
	if (ops == NULL)
		return pnr_fail(err, PNR_UNSUPPORTED, "this build has no remotes of kind '%s'",
		                pnr_remote_kind_name(url->kind));
	pnr_status status = ops->open(url, create_of(options), &remote, err);
	if (status != PNR_OK)
		return status;
	remote->ops = ops;
	remote->name = PNR_STEAL(url->text);
	remote->meter = options == NULL ? NULL : options->meter;
	*out_remote = remote;
	return PNR_OK;
}

pnr_status pnr_remote_open(const char *url, const pnr_remote_options *options, pnr_remote **out_remote, pnr_error *err)
{
	PNR_CLEANUP(pnr_remote_url_free) pnr_remote_url parts = { .kind = PNR_REMOTE_DIR };
	PNR_CLEANUP(pnr_remote_cleanup) pnr_remote *remote = NULL;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_remote_url_parse(url, &parts, err);
	if (status != PNR_OK)
		return status;
	status = open_kind(&parts, options, &remote, &own);
	if (status == PNR_OK)
		status = check_remote(remote, create_of(options), &own);
	if (status != PNR_OK) {
		pnr_context(&own, "remote '%s'", remote == NULL ? parts.text : remote->name);
		return pnr_fail_with(err, &own);
	}
	*out_remote = PNR_STEAL(remote);
	return PNR_OK;
}
