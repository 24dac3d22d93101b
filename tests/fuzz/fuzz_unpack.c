/*
 * A package as anyone may have made it, unpacked into a folder in memory.
 *
 * Nothing may appear but the folder itself, and that only if every byte in it
 * was right; then it holds the assets and the manifest, no more. Verify must
 * come to the same result.
 */
#include "target.h"
#include "base/file.h"
#include <dirent.h>
#include <fcntl.h>
#include <pannier/package.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char top[] = "/dev/shm/pannier-fuzz-XXXXXX";
static char target[sizeof top + 16];

static void remove_top(void)
{
	pnr_ignore(pnr_file_remove_tree(AT_FDCWD, top, NULL));
}

/* The target's folder has a folder above it that nothing may appear in. */
static void make_top(void)
{
	REQUIRE(mkdtemp(top) != NULL);
	REQUIRE(atexit(remove_top) == 0);
	(void)snprintf(target, sizeof target, "%s/in", top);
	REQUIRE(mkdir(target, 0700) == 0);
	(void)snprintf(target, sizeof target, "%s/in/out", top);
}

/* Files in the folder @path and below; folders count as well if @folders. */
static uint64_t count(const char *path, bool folders)
{
	uint64_t found = 0;
	DIR *dir = opendir(path);
	REQUIRE(dir != NULL);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char below[8192];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		REQUIRE(entry->d_type == DT_DIR || entry->d_type == DT_REG);
		found += entry->d_type == DT_REG || folders;
		REQUIRE(snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < (int)sizeof below);
		if (entry->d_type == DT_DIR)
			found += count(below, folders);
	}
	closedir(dir);
	return found;
}

static void require_same(const pnr_verify_result *a, const pnr_verify_result *b)
{
	REQUIRE((a == NULL) == (b == NULL));
	if (a == NULL)
		return;
	REQUIRE(a->valid == b->valid && a->problem_count == b->problem_count && a->warning_count == b->warning_count);
	REQUIRE(pnr_digest_equal(&a->package_hash, &b->package_hash));
	for (size_t i = 0; i < a->problem_count; i++)
		REQUIRE(strcmp(a->problems[i].problem, b->problems[i].problem) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32];
	if (target[0] == '\0')
		make_top();
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	REQUIRE(fd >= 0 && pnr_file_write(fd, data, size, "fuzz.zip", NULL) == PNR_OK);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	const pnr_package_source source = { .file = path, .name = "fuzz.zip" };
	pnr_verify_result *verified = NULL, *unpacked = NULL;
	pnr_status expected = pnr_verify(&source, NULL, &verified, NULL);
	pnr_status status = pnr_unpack(&source, target, NULL, &unpacked, NULL);
	REQUIRE(status == PNR_OK || status == PNR_CORRUPT || status == PNR_UNSUPPORTED);
	REQUIRE(status == expected);
	require_same(verified, unpacked);
	if (status == PNR_OK) {
		REQUIRE(count(target, false) == unpacked->asset_count + 1);
		REQUIRE(pnr_file_remove_tree(AT_FDCWD, target, NULL) == PNR_OK);
	}
	/* only the folder that the target goes into */
	REQUIRE(count(top, true) == 1);
	pnr_verify_result_free(verified);
	pnr_verify_result_free(unpacked);
	REQUIRE(close(fd) == 0);
	return 0;
}
