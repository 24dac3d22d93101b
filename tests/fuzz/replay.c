/* What libFuzzer's main does when it only replays: give each file of the named folders to the target. */
#include "target.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void stop(const char *what, const char *name)
{
	fprintf(stderr, "replay: %s '%s'\n", what, name);
	exit(1);
}

static void replay(int dir, const char *name)
{
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		stop("cannot open", name);
	/* Exactly its size, so that a read past the end is seen by the sanitizer. */
	size_t size = (size_t)st.st_size;
	uint8_t *data = malloc(size == 0 ? 1 : size);
	if (data == NULL || read(fd, data, size) != (ssize_t)size)
		stop("cannot read", name);
	close(fd);
	/* An input that kills the process is the last one named. */
	printf("%s\n", name);
	fflush(stdout);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
}

static size_t replay_folder(const char *path)
{
	size_t count = 0;
	DIR *dir = opendir(path);
	if (dir == NULL)
		stop("cannot open folder", path);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		replay(dirfd(dir), entry->d_name);
		count++;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	static const uint8_t nothing;
	(void)LLVMFuzzerTestOneInput(&nothing, 0);
	for (int i = 1; i < argc; i++)
		if (replay_folder(argv[i]) == 0)
			stop("no inputs in", argv[i]);
	return 0;
}
