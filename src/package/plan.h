/* What is to be packaged: the config read, then checked and its files found. Nothing is written yet. */
#ifndef PNR_PACKAGE_PLAN_H
#define PNR_PACKAGE_PLAN_H

#include "base/buffer.h"
#include "model/model.h"
#include "store/store.h"
#include <pannier/package.h>

typedef struct pnr_plan {
	char *config_path; /* absolute; for stdin where it would be in the current folder */
	char *workspace;   /* canonical */
	char *name;        /* of the model */
	struct stat config_stat;
	bool from_stdin;
	pnr_buffer text;   /* of the config */
	pnr_issues *issues;
	pnr_config *config;       /* NULL until pnr_plan_select, and if it is not valid */
	pnr_selection *selection; /* NULL likewise */
} pnr_plan;

#define PNR_PLAN_INIT { .text = PNR_BUFFER_INIT }

/** All but config and selection. */
PNR_CHECKED pnr_status pnr_plan_read(const char *config_path, const pnr_pack_options *options,
                                     pnr_plan *out_plan, pnr_error *err);
/**
 * The rest, with the options it was read with. Why a plan cannot be carried out
 * is in its issues and its selection; a failure is something else.
 *
 * @trace  gets what is looked at; must outlive the plan. May be NULL.
 */
PNR_CHECKED pnr_status pnr_plan_select(pnr_plan *plan, const pnr_pack_options *options, pnr_trace *trace,
                                       pnr_error *err);
/** Nothing is wrong and nothing is missing. */
bool pnr_plan_ready(const pnr_plan *plan);
void pnr_plan_free(pnr_plan *plan);

/** What to add to the store for candidate @index; the config itself is plan->text. */
pnr_ingest_file pnr_plan_file(const pnr_plan *plan, size_t index);
/** The bytes of all candidates: what progress is measured against. */
uint64_t pnr_plan_size(const pnr_plan *plan);

/**
 * One line for why the plan failed, from its validation and what is missing.
 * malloc'd; NULL when memory is exhausted.
 */
char *pnr_plan_error(const pnr_validation *validation, size_t missing_count);

/** The missing assets in the public form; they point into @plan. NULL when there are none. */
PNR_CHECKED pnr_status pnr_plan_missing(const pnr_plan *plan, pnr_missing_asset **out_missing,
                                        size_t *out_count, pnr_error *err);

#endif
