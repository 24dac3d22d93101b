#include "package/output.h"
#include "base/file.h"
#include "base/path.h"
#include "codec/hash.h"
#include "package/archive.h"
#include <fcntl.h>
#include <stdlib.h>

pnr_status pnr_output_find(pnr_store *store, const pnr_plan *plan, const pnr_pack_options *options, pnr_output *output,
                           pnr_error *err)
{
	bool named = options->output_path != NULL;
	PNR_CLEANUP(pnr_cleanup_free) char *path = NULL;
	if (options->no_zip)
		return PNR_OK;
	PNR_CLEANUP(pnr_cleanup_free) char *given =
		pnr_path_join(named ? "" : plan->workspace, named ? options->output_path : PNR_PACKAGE_NAME);
	if (given == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_archive_target(store, given, &path, err);
	if (status != PNR_OK)
		return status;
	/* Who did not name the output must not lose a file elsewhere to a link that came with the model. */
	if (!named && !pnr_path_inside(path, plan->workspace))
		return pnr_fail(err, PNR_INVALID,
		                "output '%s' is a link to '%s', outside the workspace; if that is meant, name it with -o",
		                given, path);
	output->path = PNR_STEAL(path);
	return PNR_OK;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

pnr_status pnr_output_refuse_inputs(const pnr_output *output, const pnr_plan *plan, pnr_error *err)
{
	const pnr_selection *selection = plan->selection;
	struct stat there;
	if (output->path == NULL || stat(output->path, &there) != 0)
		return PNR_OK;
	if (!plan->from_stdin && same_file(&there, &plan->config_stat))
		return pnr_fail(err, PNR_INVALID, "output '%s' is the config itself; name another file", output->path);
	for (size_t i = 1; i < selection->candidate_count; i++)
		if (same_file(&there, &selection->candidates[i].place.st))
			return pnr_fail(err, PNR_INVALID,
			                "output '%s' is an input of the package ('%s'); name another file", output->path,
			                selection->candidates[i].path);
	return PNR_OK;
}

static pnr_status compare(const pnr_output *output, int fd, const pnr_archive_row *archive, pnr_meter *meter,
                          bool *out_is, pnr_error *err)
{
	pnr_digest hash;
	pnr_status status = pnr_meter_begin(meter, PNR_PHASE_VERIFY, archive->size, err);
	if (status == PNR_OK)
		status = pnr_hash_file(fd, output->path, meter, &hash, NULL, NULL, err);
	if (status == PNR_OK)
		status = pnr_meter_end(meter, err);
	if (status == PNR_OK)
		*out_is = pnr_digest_equal(&hash, &archive->archive_hash);
	return status;
}

pnr_status pnr_output_is(pnr_output *output, pnr_store *store, const pnr_archive_row *archive, pnr_meter *meter,
                         bool *out_is, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	struct stat st;
	int64_t known = 0;
	*out_is = false;
	if (archive->id == 0 || pnr_file_open(AT_FDCWD, output->path, O_RDONLY | O_NONBLOCK, 0, &fd, NULL) != PNR_OK)
		return PNR_OK;
	pnr_status status = pnr_file_stat(fd, &st, output->path, err);
	if (status != PNR_OK || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != archive->size)
		return status;
	output->state = pnr_file_state_of(&st);
	status = pnr_index_output_find(pnr_store_index(store), output->path, &output->state, &known, err);
	if (status != PNR_OK && status != PNR_NOT_FOUND)
		return status;
	output->known = *out_is = known == archive->id;
	if (output->known || meter == NULL)
		return PNR_OK;
	output->settled = pnr_file_settled(fd, &st);
	return compare(output, fd, archive, meter, out_is, err);
}

pnr_status pnr_output_remember(const pnr_output *output, pnr_store *store, int64_t archive_id, pnr_error *err)
{
	if (output->known || !output->settled)
		return PNR_OK;
	return pnr_index_output_put(pnr_store_index(store), output->path, &output->state, archive_id, err);
}

void pnr_output_free(pnr_output *output)
{
	free(output->path);
	*output = (pnr_output)PNR_OUTPUT_INIT;
}
