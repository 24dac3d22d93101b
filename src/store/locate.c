/* Where the workspace and its store are. */
#include "base/error.h"
#include "base/file.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <pannier/store.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pnr_status canonical(const char *path, char **out_path, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *real = realpath(path, NULL);
	if (real == NULL)
		return pnr_fail_errno(err, errno, "folder '%s'", path);
	struct stat st;
	pnr_status status = pnr_file_stat_at(AT_FDCWD, real, &st, err);
	if (status != PNR_OK)
		return status;
	if (!S_ISDIR(st.st_mode))
		return pnr_fail(err, PNR_INVALID, "'%s' is not a folder", path);
	*out_path = PNR_STEAL(real);
	return PNR_OK;
}

/* In a folder where anyone may put things (/tmp), a store that somebody else put there is not ours to use. */
static bool planted(const char *dir, const struct stat *entry)
{
	struct stat st;
	return entry->st_uid != geteuid() && stat(dir, &st) == 0 && (st.st_mode & S_IWOTH) != 0;
}

typedef bool (*accept_fn)(const char *dir, const struct stat *entry);

static bool accept_store(const char *dir, const struct stat *entry)
{
	return S_ISDIR(entry->st_mode) && !planted(dir, entry);
}

static bool accept_any(const char *dir, const struct stat *entry)
{
	(void)dir;
	(void)entry;
	return true;
}

/* The nearest folder at or above @from that has an entry @name which @accept takes; NULL if there is none. */
static pnr_status upward(const char *from, const char *name, accept_fn accept, char **out_dir, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *dir = strdup(from);
	while (dir != NULL) {
		PNR_CLEANUP(pnr_cleanup_free) char *probe = pnr_path_join(dir, name);
		struct stat st;
		if (probe == NULL)
			break;
		if (stat(probe, &st) == 0 && accept(dir, &st)) {
			*out_dir = PNR_STEAL(dir);
			return PNR_OK;
		}
		if (strcmp(dir, "/") == 0) {
			*out_dir = NULL;
			return PNR_OK;
		}
		char *parent = pnr_path_dir(dir);
		free(dir);
		dir = parent;
	}
	return pnr_fail_nomem(err);
}

pnr_status pnr_workspace_find(const char *config_path, const char *explicit_dir, char **out_workspace,
                              pnr_error *err)
{
	if (explicit_dir != NULL)
		return canonical(explicit_dir, out_workspace, err);
	PNR_CLEANUP(pnr_cleanup_free) char *dir = pnr_path_dir(config_path);
	PNR_CLEANUP(pnr_cleanup_free) char *start = NULL;
	char *found = NULL;
	if (dir == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = canonical(dir, &start, err);
	if (status == PNR_OK)
		status = upward(start, PNR_STORE_NAME, accept_store, &found, err);
	if (status == PNR_OK && found == NULL)
		status = upward(start, ".git", accept_any, &found, err);
	if (status != PNR_OK)
		return status;
	*out_workspace = found != NULL ? found : PNR_STEAL(start);
	return PNR_OK;
}

pnr_status pnr_store_find(const char *workspace, const char *explicit_dir, char **out_dir, pnr_error *err)
{
	const char *named = explicit_dir != NULL ? explicit_dir : getenv("PANNIER_STORE");
	if (named != NULL && named[0] != '\0')
		return pnr_path_absolute(named, out_dir, err);
	PNR_CLEANUP(pnr_cleanup_free) char *found = NULL;
	pnr_status status = upward(workspace, PNR_STORE_NAME, accept_store, &found, err);
	if (status != PNR_OK)
		return status;
	PNR_CLEANUP(pnr_cleanup_free) char *dir = pnr_path_join(found != NULL ? found : workspace, PNR_STORE_NAME);
	if (dir == NULL)
		return pnr_fail_nomem(err);
	return pnr_path_absolute(dir, out_dir, err);
}
