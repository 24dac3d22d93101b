#include "trees.h"
#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pannier/pannier.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[128];

void die(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("FAILED: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

void make_root(void)
{
	const char *temp = getenv("TMPDIR");
	/* Nothing here is to outlive the machine: in memory it goes faster. */
	if (temp == NULL || temp[0] == '\0')
		temp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(root, sizeof root, "%s/pannier-fault-XXXXXX", temp);
	if (mkdtemp(root) == NULL)
		die("mkdtemp %s: %s", root, strerror(errno));
}

const char *path(const char *name)
{
	static char buffers[8][768];
	static unsigned next;
	char *buffer = buffers[next++ % 8];
	(void)snprintf(buffer, sizeof buffers[0], "%s/%s", root, name);
	return buffer;
}

void shell(const char *format, ...)
{
	char line[1024];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(line, sizeof line, format, args);
	va_end(args);
	pid_t pid = fork();
	if (pid == 0) {
		if (chdir(root) == 0)
			execl("/bin/sh", "sh", "-ec", line, (char *)NULL);
		_exit(127);
	}
	int code;
	if (pid < 0 || waitpid(pid, &code, 0) != pid || code != 0)
		die("%s", line);
}

/* -------------------------------------------------------------------- files -- */

char *read_all(const char *name, size_t *out_length)
{
	FILE *file = fopen(path(name), "r");
	struct stat st;
	if (file == NULL || fstat(fileno(file), &st) != 0)
		die("cannot open %s: %s", name, strerror(errno));
	char *data = malloc((size_t)st.st_size + 1);
	if (data == NULL || fread(data, 1, (size_t)st.st_size, file) != (size_t)st.st_size)
		die("cannot read %s", name);
	(void)fclose(file);
	data[st.st_size] = '\0';
	*out_length = (size_t)st.st_size;
	return data;
}

void write_file(const char *name, const void *data, size_t length)
{
	FILE *file = fopen(path(name), "w");
	if (file == NULL || fwrite(data, 1, length, file) != length || fclose(file) != 0)
		die("cannot write %s", name);
}

/* Rows of 16 bytes: their number, and digits made of @seed. */
static char table_byte(size_t at, unsigned seed)
{
	static const char titles[] = "itemkey,amounts\n";
	size_t number = at / 16, column = at % 16;
	if (at < 16 || column == 7 || column == 15)
		return titles[column];
	if (column > 7)
		return (char)('0' + (seed >> 24) % 10);
	for (; column < 6; column++)
		number /= 10;
	return (char)('0' + number % 10);
}

static void write_made(const char *name, size_t length, unsigned seed, bool table)
{
	char *data = malloc(length);
	if (data == NULL)
		die("out of memory");
	for (size_t i = 0; i < length; i++) {
		seed = seed * 1103515245u + 12345u;
		data[i] = table ? table_byte(i, seed) : (char)(seed >> 23);
	}
	write_file(name, data, length);
	free(data);
}

void write_table(const char *name, size_t length, unsigned seed)
{
	write_made(name, length, seed, true);
}

void write_noise(const char *name, size_t length, unsigned seed)
{
	write_made(name, length, seed, false);
}

/* -------------------------------------------------------------------- trees -- */

uint64_t mix(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *bytes = data;
	for (; length >= 8; bytes += 8, length -= 8) {
		uint64_t word;
		memcpy(&word, bytes, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	for (; length > 0; bytes++, length--)
		hash = (hash ^ *bytes) * 0x100000001b3u;
	return hash ^ hash >> 32;
}

static int is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int is_visible(const struct dirent *entry)
{
	return is_entry(entry) && strcmp(entry->d_name, PNR_STORE_NAME) != 0 && strstr(entry->d_name, ".pnr-") == NULL;
}

static uint64_t hash_of(const char *name, int (*counts)(const struct dirent *entry))
{
	struct dirent **entries;
	uint64_t hash = 1;
	int count = scandir(path(name), &entries, counts, alphasort);
	if (count < 0)
		die("no folder %s", name);
	for (int i = 0; i < count; i++) {
		char below[512];
		struct stat st;
		(void)snprintf(below, sizeof below, "%s/%s", name, entries[i]->d_name);
		hash = mix(hash, entries[i]->d_name, strlen(entries[i]->d_name) + 1);
		if (lstat(path(below), &st) != 0)
			die("cannot stat %s", below);
		hash = mix(hash, &st.st_mode, sizeof st.st_mode);
		if (S_ISDIR(st.st_mode)) {
			uint64_t inside = hash_of(below, counts);
			hash = mix(hash, &inside, sizeof inside);
		} else {
			size_t length;
			char *data = read_all(below, &length);
			hash = mix(mix(hash, &length, sizeof length), data, length);
			free(data);
		}
		free(entries[i]);
	}
	free(entries);
	return hash;
}

uint64_t tree_hash(const char *name)
{
	return hash_of(name, is_visible);
}

uint64_t tree_hash_all(const char *name)
{
	return hash_of(name, is_entry);
}

void remove_tree(const char *name)
{
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_file_remove_tree(AT_FDCWD, path(name), &err) != PNR_OK)
		die("%s", err.message);
}

static void set_times(const char *name, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	if (utimensat(AT_FDCWD, path(name), times, 0) != 0)
		die("cannot set the time of %s", name);
}

/* A file that was not written since it was copied still has the time of what it is a copy of. */
static bool is_same_file(const struct stat *from, const char *to)
{
	struct stat st;
	return lstat(path(to), &st) == 0 && st.st_mode == from->st_mode && st.st_size == from->st_size &&
	       st.st_mtim.tv_sec == from->st_mtim.tv_sec && st.st_mtim.tv_nsec == from->st_mtim.tv_nsec;
}

static void mirror_file(const char *from, const struct stat *st, const char *to)
{
	size_t length;
	char *data = read_all(from, &length);
	remove_tree(to);
	write_file(to, data, length);
	free(data);
	if (chmod(path(to), st->st_mode & 07777) != 0)
		die("cannot set the mode of %s", to);
	set_times(to, st);
}

static void remove_others(const char *from, const char *to)
{
	struct dirent **entries;
	int count = scandir(path(to), &entries, is_entry, NULL);
	if (count < 0)
		die("no folder %s", to);
	for (int i = 0; i < count; i++) {
		char original[512], copy[512];
		(void)snprintf(original, sizeof original, "%s/%s", from, entries[i]->d_name);
		(void)snprintf(copy, sizeof copy, "%s/%s", to, entries[i]->d_name);
		if (access(path(original), F_OK) != 0)
			remove_tree(copy);
		free(entries[i]);
	}
	free(entries);
}

void mirror(const char *from, const char *to)
{
	struct dirent **entries;
	struct stat folder;
	int count = scandir(path(from), &entries, is_entry, NULL);
	if (count < 0 || lstat(path(from), &folder) != 0)
		die("no folder %s", from);
	if (mkdir(path(to), folder.st_mode & 07777) != 0 && errno != EEXIST)
		die("cannot make %s", to);
	remove_others(from, to);
	for (int i = 0; i < count; i++) {
		char original[512], copy[512];
		struct stat st;
		(void)snprintf(original, sizeof original, "%s/%s", from, entries[i]->d_name);
		(void)snprintf(copy, sizeof copy, "%s/%s", to, entries[i]->d_name);
		if (lstat(path(original), &st) != 0)
			die("cannot stat %s", original);
		if (S_ISDIR(st.st_mode))
			mirror(original, copy);
		else if (!is_same_file(&st, copy))
			mirror_file(original, &st, copy);
		free(entries[i]);
	}
	free(entries);
	set_times(to, &folder);
}
