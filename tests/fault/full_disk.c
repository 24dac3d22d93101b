/*
 * A disk that is full at every moment: workspace and store on a small file
 * system in memory, whose size goes up by a page until the command gets
 * through. Each time it fails cleanly and says so; given room, it succeeds.
 *
 * The mounts are in a name space of their own. Needs root.
 */
#include "harness.h"
#include "trees.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PAGE 4096ul
#define ROOMY (64ul << 20)

static void resize(unsigned long flags, unsigned long size)
{
	char options[64];
	(void)snprintf(options, sizeof options, "size=%lu", size);
	if (mount("disk", path("w"), "tmpfs", flags, options) != 0)
		die("mount a tmpfs with %s: %s", options, strerror(errno));
}

/* The scene on a disk of its own with no more than @room bytes free. */
static void set_disk(scene s, unsigned long room)
{
	struct statvfs fs;
	(void)umount(path("w"));
	resize(0, ROOMY);
	shell("cp -a %s/. w", scene_names[s]);
	if (statvfs(path("w"), &fs) != 0)
		die("statvfs: %s", strerror(errno));
	resize(MS_REMOUNT, (fs.f_blocks - fs.f_bfree) * fs.f_frsize + room);
}

static void check_failure(outcome o, const char *what)
{
	size_t length;
	char *message = read_all("stderr", &length);
	if (o.exit_status != 1 || strstr(message, strerror(ENOSPC)) == NULL)
		die("%s: exit %d, signal %d: %s", what, o.exit_status, o.signal, message);
	free(message);
}

/* One size of the disk; true if the command got through. */
static bool try_size(const command *c, unsigned long room, uint64_t before, uint64_t after)
{
	static const char *const export_older[] = { "export", "-q", "older", "-o", "../exported.zip", NULL };
	char what[128];
	(void)snprintf(what, sizeof what, "%s: %lu bytes free", c->name, room);
	set_disk(c->scene, room);
	outcome o = run_tool(c->arguments, NULL);
	uint64_t seen = tree_hash("w");
	if (o.exit_status != 0)
		check_failure(o, what);
	else if (seen != after)
		die("%s: reports success, and its result is not there", what);
	if (seen != before && seen != after)
		die("%s: what is visible is neither as before nor as after", what);
	resize(MS_REMOUNT, ROOMY);
	check_database("w/.pannier/pannier.db", what);
	if (c->scene != SCENE_EMPTY) {
		run_well(export_older, what);
		shell("cmp exported.zip older.zip");
	}
	if (o.exit_status != 0)
		run_well(c->arguments, what);
	if (tree_hash("w") != after)
		die("%s: with room the result is another", what);
	check_no_leftovers("w", what);
	return o.exit_status == 0;
}

static long try_sizes(const command *c)
{
	long failed = 0;
	set_disk(c->scene, ROOMY);
	uint64_t before = tree_hash("w");
	run_well(c->arguments, c->name);
	uint64_t after = tree_hash("w");
	/* The first 64 pages one by one; then what is written is large, and steps of 8 pages are fine enough. */
	unsigned long step = PAGE * STRIDE;
	for (unsigned long room = 0; !try_size(c, room, before, after); failed++)
		room += room < 64 * PAGE ? step : 8 * step;
	printf("%s: failed cleanly on %ld sizes of a full disk, 0 losses\n", c->name, failed);
	return failed;
}

int main(void)
{
	if (geteuid() != 0) {
		printf("skipped: only root can mount the small disks\n");
		return SKIPPED;
	}
	/* In a chroot "/" is no mount point (EINVAL): what is mounted below is unmounted in any case. */
	if (unshare(CLONE_NEWNS) != 0 ||
	    (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 && errno != EINVAL))
		die("no mounts of its own: %s", strerror(errno));
	set_up();
	shell("rm -rf w && mkdir w");
	for (const command *c = commands; c->name != NULL; c++) {
		bool fills = strncmp(c->name, "init", 4) == 0 || strncmp(c->name, "pack", 4) == 0 ||
		             strncmp(c->name, "export", 6) == 0 || strncmp(c->name, "unpack", 6) == 0;
		if (fills && c->scene != SCENE_UNCHANGED && try_sizes(c) < 10 / STRIDE)
			die("%s: the disk was not full", c->name);
	}
	(void)umount(path("w"));
	tear_down();
	return 0;
}
