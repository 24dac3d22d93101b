/*
 * Packs a model and prints its package hash.
 *
 *   cc example.c $(pkg-config --cflags --libs pannier) -o example
 *   ./example MODEL/livecalc.config.json
 */
#include <pannier/pannier.h>
#include <stdio.h>
#include <stdlib.h>

/* Called now and then while the library works. Returning non-zero would cancel. */
static int show(void *user, const pnr_progress *progress)
{
	(void)user;
	fprintf(stderr, "%s: %llu of %llu bytes\n", pnr_phase_name(progress->phase),
	        (unsigned long long)progress->bytes_done, (unsigned long long)progress->bytes_total);
	return 0;
}

static void report(const pnr_pack_result *result)
{
	char hash[PNR_DIGEST_HEX_SIZE];
	for (size_t i = 0; i < result->error_count; i++)
		fprintf(stderr, "line %u: %s\n", result->errors[i].line, result->errors[i].message);
	for (size_t i = 0; i < result->missing_count; i++)
		fprintf(stderr, "missing: %s\n", result->missing[i].path);
	if (result->success)
		printf("%s  %s\n", pnr_digest_to_hex(&result->package_hash, hash), result->package_path);
}

static pnr_status pack(const char *config_path, pnr_error *err)
{
	const pnr_store_options store_options = { .size = sizeof store_options, .create = true };
	const pnr_pack_options options = { .size = sizeof options, .progress = show };
	char *workspace = NULL, *dir = NULL;
	pnr_store *store = NULL;
	pnr_pack_result *result = NULL;
	pnr_status status = pnr_workspace_find(config_path, NULL, &workspace, err);
	if (status == PNR_OK)
		status = pnr_store_find(workspace, NULL, &dir, err);
	if (status == PNR_OK)
		status = pnr_store_open(dir, &store_options, &store, NULL, err);
	if (status == PNR_OK)
		status = pnr_pack(store, config_path, &options, &result, err);
	if (result != NULL) /* also when the config is wrong, or files are missing */
		report(result);
	pnr_pack_result_free(result);
	pnr_store_close(store);
	free(dir);
	free(workspace);
	return status;
}

int main(int argc, char **argv)
{
	pnr_error err = PNR_ERROR_INIT;
	if (argc != 2) {
		fprintf(stderr, "usage: %s CONFIG\n", argv[0]);
		return 2;
	}
	if (pack(argv[1], &err) == PNR_OK)
		return 0;
	fprintf(stderr, "%s: %s\n", pnr_status_name(err.status), err.message);
	return 1;
}
