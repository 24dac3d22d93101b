#include "model/trace.h"
#include "base/file.h"
#include "model/names.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 << 20)
#define FOLDERS_MAX 64u /* each is a descriptor while a trace is compared */
#define LIST_FROM 32u    /* names not in a folder: more are looked up in a list of what is */
#define LIST_MAX_EACH 32u /* names in it, for each that is not, that are worth a list */
#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW)

/* ------------------------------------------------------------ recording -- */

void pnr_trace_lose(pnr_trace *trace)
{
	if (trace != NULL)
		trace->lost = true;
}

/* A line ends at a newline, a name at a tab. */
static bool can_tell(const char *text)
{
	return strpbrk(text, "\t\n") == NULL;
}

/* Begin the line of @name; false if it cannot be told. */
static bool begin(pnr_trace *trace, char kind, unsigned folder, const char *name)
{
	if (trace == NULL || trace->lost)
		return false;
	if (!can_tell(name) || trace->text.length > TEXT_MAX) {
		trace->lost = true;
		return false;
	}
	pnr_buffer_printf(&trace->text, "%c %u ", kind, folder);
	pnr_buffer_puts(&trace->text, name);
	return true;
}

static void put_identity(pnr_buffer *text, const struct stat *st)
{
	pnr_buffer_printf(text, "\t%llu %llu", (unsigned long long)st->st_dev, (unsigned long long)st->st_ino);
}

void pnr_trace_file(pnr_trace *trace, unsigned folder, const char *name, const struct stat *st)
{
	bool regular = S_ISREG(st->st_mode);
	if (!begin(trace, regular ? 'f' : 'o', folder, name))
		return;
	if (regular) {
		put_identity(&trace->text, st);
		pnr_buffer_printf(&trace->text, " %lld %lld.%ld %lld.%ld\n", (long long)st->st_size,
		                  (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		                  (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
	} else {
		pnr_buffer_printf(&trace->text, "\t%o\n", (unsigned)(st->st_mode & S_IFMT));
	}
}

unsigned pnr_trace_folder(pnr_trace *trace, unsigned folder, const char *name, const struct stat *st)
{
	if (!begin(trace, 'd', folder, name))
		return 0;
	put_identity(&trace->text, st);
	pnr_buffer_putc(&trace->text, '\n');
	trace->lost = ++trace->folders > FOLDERS_MAX;
	return trace->folders;
}

void pnr_trace_link(pnr_trace *trace, unsigned folder, const char *name, const char *target)
{
	if (!can_tell(target))
		pnr_trace_lose(trace);
	if (begin(trace, 'l', folder, name))
		pnr_buffer_printf(&trace->text, "\t%s\n", target);
}

void pnr_trace_absent(pnr_trace *trace, unsigned folder, const char *name)
{
	if (begin(trace, '-', folder, name))
		pnr_buffer_putc(&trace->text, '\n');
}

void pnr_trace_free(pnr_trace *trace)
{
	pnr_buffer_free(&trace->text);
	*trace = (pnr_trace)PNR_TRACE_INIT;
}

/* ------------------------------------------------------------ comparing -- */

typedef struct folder {
	int fd;
	size_t absent; /* names that were looked for there and not found */
	pnr_names names;
} folder;

/* The names of a trace, looked at once more: what is found makes a trace of its own, a line long. */
typedef struct replay {
	folder folders[FOLDERS_MAX + 1]; /* by number */
	pnr_trace now;
} replay;

static void end_replay(replay *r)
{
	for (unsigned i = 0; i < PNR_COUNT(r->folders); i++) {
		pnr_cleanup_close(&r->folders[i].fd);
		pnr_names_free(&r->folders[i].names);
	}
	pnr_trace_free(&r->now);
}

/* Take folder and name out of the line at @line. */
static bool read_line(const replay *r, const char *line, size_t length, unsigned *out_folder, char *out_name)
{
	char *end = NULL;
	if (length < 5 || line[1] != ' ' || line[2] < '0' || line[2] > '9')
		return false;
	unsigned long number = strtoul(line + 2, &end, 10);
	if (number > r->now.folders || *end != ' ')
		return false;
	const char *name = end + 1;
	size_t name_length = strcspn(name, "\t\n");
	if (name_length == 0 || name_length > NAME_MAX)
		return false;
	memcpy(out_name, name, name_length);
	out_name[name_length] = '\0';
	*out_folder = (unsigned)number;
	/* else the walk would leave the folder that it is in */
	return strchr(out_name, '/') == NULL && strcmp(out_name, ".") != 0 && strcmp(out_name, "..") != 0;
}

/* Open the folder and give it its number. */
static bool enter(replay *r, unsigned in, const char *name)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	struct stat st;
	if (pnr_file_open(r->folders[in].fd, name, FOLDER_FLAGS, 0, &fd, NULL) != PNR_OK ||
	    pnr_file_stat(fd, &st, name, NULL) != PNR_OK)
		return false;
	unsigned number = pnr_trace_folder(&r->now, in, name, &st);
	if (number == 0 || number > FOLDERS_MAX)
		return false;
	r->folders[number].fd = fd;
	fd = -1;
	return true;
}

static bool look(replay *r, unsigned in, const char *name)
{
	struct stat st;
	char target[PATH_MAX];
	folder *f = &r->folders[in];
	pnr_status status = pnr_names_lack(&f->names, name) ? PNR_NOT_FOUND : pnr_file_stat_at(f->fd, name, &st, NULL);
	if (status == PNR_NOT_FOUND) {
		pnr_trace_absent(&r->now, in, name);
		/* Engines are looked for in several folders: of the first, thousands of names may not be there. */
		if (++f->absent >= LIST_FROM && (f->absent & (f->absent - 1)) == 0 && !f->names.whole)
			pnr_names_read(&f->names, f->fd, LIST_MAX_EACH * f->absent);
		return true;
	}
	if (status != PNR_OK)
		return false;
	if (S_ISDIR(st.st_mode))
		return enter(r, in, name);
	if (!S_ISLNK(st.st_mode)) {
		pnr_trace_file(&r->now, in, name, &st);
		return true;
	}
	if (pnr_file_readlink(f->fd, name, target, sizeof target, NULL) != PNR_OK)
		return false;
	pnr_trace_link(&r->now, in, name, target);
	return true;
}

static bool compare(replay *r, const char *text)
{
	char name[NAME_MAX + 1];
	while (*text != '\0') {
		unsigned in = 0;
		size_t length = strcspn(text, "\n");
		if (text[length] != '\n' || !read_line(r, text, length, &in, name) || !look(r, in, name))
			return false;
		length++;
		const pnr_buffer *found = &r->now.text;
		if (r->now.lost || found->failed || found->length != length || memcmp(found->data, text, length) != 0)
			return false;
		pnr_buffer_clear(&r->now.text);
		text += length;
	}
	return true;
}

bool pnr_trace_same(const char *text)
{
	PNR_CLEANUP(end_replay) replay r = { .now = PNR_TRACE_INIT };
	for (unsigned i = 0; i < PNR_COUNT(r.folders); i++)
		r.folders[i] = (folder){ .fd = -1, .names = PNR_NAMES_INIT };
	return pnr_file_open(AT_FDCWD, "/", FOLDER_FLAGS, 0, &r.folders[0].fd, NULL) == PNR_OK && compare(&r, text);
}
