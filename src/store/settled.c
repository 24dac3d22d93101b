/* When a file's times may be trusted to tell that it did not change. */
#include "store/store.h"
#include <sys/vfs.h>
#include <time.h>

#define NS INT64_C(1000000000)
#define MARGIN_NS (2 * NS)

static int64_t nanoseconds(const struct timespec *t)
{
	return (int64_t)t->tv_sec * NS + t->tv_nsec;
}

pnr_file_state pnr_file_state_of(const struct stat *st)
{
	return (pnr_file_state){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = nanoseconds(&st->st_mtim),
		.ctime_ns = nanoseconds(&st->st_ctim),
	};
}

/* File systems whose time stamps come from this kernel's clock; statfs(2) has the numbers. */
static bool local(int fd)
{
	static const unsigned long types[] = {
		0xef53,     /* ext2, ext3, ext4 */
		0x58465342, /* xfs */
		0x9123683e, /* btrfs */
		0x01021994, /* tmpfs */
		0x794c7630, /* overlayfs */
		0xf2f52010, /* f2fs */
		0x2fc12fc1, /* zfs */
		0xca451a4e, /* bcachefs */
	};
	struct statfs fs;
	if (fstatfs(fd, &fs) != 0)
		return false;
	for (size_t i = 0; i < PNR_COUNT(types); i++)
		if ((unsigned long)fs.f_type == types[i])
			return true;
	return false;
}

bool pnr_file_settled(int fd, const struct stat *st)
{
	struct timespec now;
	if (!local(fd) || clock_gettime(CLOCK_REALTIME_COARSE, &now) != 0)
		return false;
	/* An mtime in the future says nothing; ctime cannot be set, so it decides then. */
	int64_t limit = nanoseconds(&now) - MARGIN_NS;
	int64_t changed = nanoseconds(&st->st_ctim);
	int64_t modified = nanoseconds(&st->st_mtim);
	if (modified > changed && modified <= nanoseconds(&now))
		changed = modified;
	return changed < limit;
}
