/* Every command that Pannier has, as the fault tests run it. */
#include "harness.h"
#include <pannier/pannier.h>
#include <stdio.h>

static int tag(void)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_store *store = NULL;
	pnr_status status = pnr_store_open(PNR_STORE_NAME, NULL, &store, NULL, &err);
	if (status == PNR_OK)
		status = pnr_store_tag(store, "older", "older", true, &err);
	if (status == PNR_OK)
		status = pnr_store_tag(store, "newer", "latest", true, &err);
	pnr_store_close(store);
	if (status != PNR_OK)
		fprintf(stderr, "%s\n", err.message);
	return status != PNR_OK;
}

#define PACK "pack", "-q", "--level", "1", "--include-policies"

const command commands[] = {
	{ "init", SCENE_EMPTY, true, { "init" }, NULL },
	{ "pack, first", SCENE_EMPTY, true, { PACK }, NULL },
	{ "pack, changed", SCENE_CHANGED, true, { PACK, "--tag", "newer", "--note", "n" }, NULL },
	{ "pack, recalled", SCENE_UNCHANGED, true, { PACK }, NULL },
	{ "export", SCENE_PACKED, false, { "export", "older", "-o", "out.zip" }, NULL },
	{ "verify FILE", SCENE_PACKED, false, { "verify", "model-package.zip" }, NULL },
	{ "verify REF", SCENE_PACKED, false, { "verify", "older" }, NULL },
	{ "unpack FILE", SCENE_PACKED, false, { "unpack", "model-package.zip", "-C", "out" }, NULL },
	{ "unpack REF", SCENE_PACKED, false, { "unpack", "older", "-C", "out" }, NULL },
	{ "worker-json FILE", SCENE_PACKED, false, { "worker-json", "model-package.zip" }, NULL },
	{ "worker-json REF", SCENE_PACKED, false, { "worker-json", "older" }, NULL },
	{ "log", SCENE_PACKED, false, { "log" }, NULL },
	{ "show", SCENE_PACKED, false, { "show", "older" }, NULL },
	{ "cat", SCENE_PACKED, false, { "cat", "older:assumptions/expenses.csv" }, NULL },
	{ "fsck", SCENE_PACKED, false, { "fsck" }, NULL },
	{ "fsck --full", SCENE_CACHED, false, { "fsck", "--full" }, NULL },
	{ "history", SCENE_PACKED, false, { "history", "assumptions/expenses.csv" }, NULL },
	{ "uses", SCENE_PACKED, false, { "uses", "older:assumptions/expenses.csv" }, NULL },
	{ "diff --text", SCENE_PACKED, false, { "diff", "older", "latest", "--text" }, NULL },
	{ "diff --csv", SCENE_PACKED, false, { "diff", "older", "latest", "--csv", "item" }, NULL },
	{ "stats", SCENE_PACKED, false, { "stats" }, NULL },
	{ "report", SCENE_PUSHED, false, { "report", "-q", "-o", "out.zip" }, NULL },
	{ "report, to stdout", SCENE_PUSHED, false, { "report", "-o", "-" }, NULL },
	{ "tag --list", SCENE_PACKED, false, { "tag", "--list" }, NULL },
	{ "status", SCENE_CHANGED, false, { "status", "--include-policies" }, NULL },
	{ "validate", SCENE_PACKED, false, { "validate" }, NULL },
	{ "delta", SCENE_PACKED, false, { "delta", "--since", "older", "--patch", "-o", "out.zip" }, NULL },
	{ "apply, zip", SCENE_EMPTY, true, { "apply", "../delta.zip", "--base", "../older.zip", "-o", "out.zip" }, NULL },
	{ "apply, folder", SCENE_EMPTY, true, { "apply", "../delta.zip", "--base", "../older", "-C", "out" }, NULL },
	{ "apply, store", SCENE_PACKED, true, { "apply", "../delta.zip", "-o", "out.zip" }, NULL },
	{ "import", SCENE_EMPTY, true, { "import", "../older.zip" }, NULL },
	{ "remote add", SCENE_PACKED, true, { "remote", "add", "-q", "share", "./.pannier/share" }, NULL },
	{ "remote list", SCENE_PUSHED, false, { "remote", "list" }, NULL },
	{ "push, first", SCENE_PUSHED, true, { "push", "-q", "other", "older" }, NULL },
	{ "push, changed", SCENE_PUSHED, true, { "push", "-q", "share" }, NULL },
	{ "push, there", SCENE_PUSHED, true, { "push", "-q", "share", "older" }, NULL },
	{ "push --heal", SCENE_PUSHED, true, { "push", "-q", "share", "older", "--heal" }, NULL },
	{ "push --dry-run", SCENE_PUSHED, true, { "push", "-q", "share", "--dry-run" }, NULL },
	{ "pull, first", SCENE_WORKER, true, { "pull", "-q", "share", "third", "-o", "out.zip" }, NULL },
	{ "pull, warm", SCENE_PUSHED, true, { "pull", "-q", "share", "older", "-C", "out" }, NULL },
	{ "pull, evicting", SCENE_CACHED, true, { "pull", "-q", "share", "older", "--max-size", "1K" }, NULL },
	{ "delta --remote", SCENE_PUSHED, false, { "delta", "--remote", "share", "--patch", "-o", "out.zip" }, NULL },
	{ "remote check", SCENE_PUSHED, false, { "remote", "check", "-q", "share" }, NULL },
	{ "tag", SCENE_PACKED, true, { NULL }, tag },
	{ NULL, SCENE_EMPTY, false, { NULL }, NULL },
};
