/*
 * Line by line. Lines become numbers, equal ones the same number; what stands
 * at both ends, and lines that only one side has, need no search; in the rest
 * Myers's algorithm finds the fewest edits, in linear space: from both ends at
 * once to the middle of a shortest path, then on each side of that.
 * E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986.
 */
#include "diff/diff.h"
#include <stdlib.h>
#include <string.h>

#define TEXT_PROBE 8000u
#define CONTEXT 3u
/* So many steps from each end without meeting, and a good guess must do: two texts that have little in common. */
#define PATIENCE 512
/* Between two looks at whether to go on. */
#define PULSE_LINES 4096u

bool pnr_diff_is_text(const char *data, size_t length)
{
	return length == 0 || memchr(data, '\0', length < TEXT_PROBE ? length : TEXT_PROBE) == NULL;
}

/* ---------------------------------------------------------------- lines -- */

typedef struct side {
	const char *text;
	size_t length;
	uint32_t *starts; /* of each line, and the end of the last */
	uint32_t count;
	uint32_t *classes;  /* equal lines of both sides have one number */
	unsigned char *cut; /* 1: the line is on this side only; one more at the end, always 0 */
	uint32_t *kept;     /* the lines that must be searched: their places */
	uint32_t kept_count;
} side;

static void side_free(side *s)
{
	free(s->starts);
	free(s->classes);
	free(s->cut);
	free(s->kept);
}

static pnr_status split(side *s, pnr_error *err)
{
	size_t lines = 0;
	for (const char *at = s->text, *end = at + s->length; at < end; lines++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		at = stop == NULL ? end : stop + 1;
	}
	if (lines > PNR_DIFF_LINES_MAX)
		return pnr_fail(err, PNR_UNSUPPORTED, "it has more than %u lines, too many to compare them",
		                PNR_DIFF_LINES_MAX);
	s->count = (uint32_t)lines;
	s->starts = calloc(lines + 1, sizeof *s->starts);
	s->classes = calloc(lines + 1, sizeof *s->classes);
	s->cut = calloc(lines + 1, sizeof *s->cut);
	s->kept = calloc(lines + 1, sizeof *s->kept);
	if (s->starts == NULL || s->classes == NULL || s->cut == NULL || s->kept == NULL)
		return pnr_fail_nomem(err);
	size_t offset = 0;
	for (size_t i = 0; i < lines; i++) {
		const char *stop = memchr(s->text + offset, '\n', s->length - offset);
		s->starts[i] = (uint32_t)offset;
		offset = stop == NULL ? s->length : (size_t)(stop - s->text) + 1;
	}
	s->starts[lines] = (uint32_t)s->length;
	return PNR_OK;
}

/* A table of the lines that were seen: open addressing, never more than half full. */
typedef struct classes {
	uint32_t *slots; /* class + 1; 0: free */
	size_t mask;
	const char *texts[2]; /* of the old side and of the new one */
	struct {
		unsigned side; /* where it was seen */
		uint32_t start, length;
		unsigned sides; /* bit 0: the old one has it, bit 1: the new one */
	} *first; /* by class */
	uint32_t count;
} classes;

static void classes_free(classes *c)
{
	free(c->slots);
	free(c->first);
}

static pnr_status classes_new(const side *old, const side *new, classes *out, pnr_error *err)
{
	size_t lines = (size_t)old->count + new->count;
	size_t slots = 16;
	while (slots < 2 * lines)
		slots *= 2;
	out->slots = calloc(slots, sizeof *out->slots);
	out->first = calloc(lines + 1, sizeof *out->first);
	out->mask = slots - 1;
	out->texts[0] = old->text;
	out->texts[1] = new->text;
	return out->slots == NULL || out->first == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

static uint64_t hash_line(const char *text, size_t length)
{
	uint64_t hash = length * UINT64_C(0x9e3779b97f4a7c15);
	for (; length >= 8; text += 8, length -= 8) {
		uint64_t word;
		memcpy(&word, text, 8);
		hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
		hash ^= hash >> 32;
	}
	for (; length > 0; text++, length--)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

static uint32_t class_of(classes *c, unsigned which, uint32_t start, uint32_t length)
{
	const char *text = c->texts[which] + start;
	size_t slot = (size_t)hash_line(text, length) & c->mask;
	for (; c->slots[slot] != 0; slot = (slot + 1) & c->mask) {
		uint32_t known = c->slots[slot] - 1;
		if (c->first[known].length != length ||
		    memcmp(c->texts[c->first[known].side] + c->first[known].start, text, length) != 0)
			continue;
		c->first[known].sides |= 1u << which;
		return known;
	}
	c->first[c->count].side = which;
	c->first[c->count].start = start;
	c->first[c->count].length = length;
	c->first[c->count].sides = 1u << which;
	c->slots[slot] = c->count + 1;
	return c->count++;
}

static pnr_status classify(classes *c, unsigned number, side *s, pnr_meter *meter, pnr_error *err)
{
	pnr_status status = PNR_OK;
	for (uint32_t i = 0; status == PNR_OK && i < s->count; i++) {
		s->classes[i] = class_of(c, number, s->starts[i], s->starts[i + 1] - s->starts[i]);
		if (i % PULSE_LINES == 0)
			status = pnr_meter_add(meter, NULL, 0, err);
	}
	return status;
}

/* From @from to @to, without what the other side does not have: that is cut, whatever else is. */
static void keep(const classes *c, side *s, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		if (c->first[s->classes[i]].sides == 3)
			s->kept[s->kept_count++] = i;
		else
			s->cut[i] = 1;
	}
}

/* ---------------------------------------------------------------- Myers -- */

/*
 * x is a place among the kept lines of the old side, y of the new one, a
 * diagonal holds the places with one x - y. `forth` has for each diagonal how
 * far x came from the beginning, `back` from the end.
 */
typedef struct search {
	side *old, *new;
	int32_t *forth, *back; /* by diagonal: from -new->kept_count - 1 to old->kept_count + 1 */
	pnr_meter *meter;
} search;

typedef struct box {
	int32_t x0, x1, y0, y1;
} box;

static bool same(const search *s, int32_t x, int32_t y)
{
	return s->old->classes[s->old->kept[x]] == s->new->classes[s->new->kept[y]];
}

/* The diagonals that one direction has reached: from @low to @high, every second one. */
typedef struct front {
	int32_t low, high;
} front;

/* One edit more: the front grows by a diagonal on each side, but not out of the box. */
static void grow(front *f, int32_t *reach, const box *b, int32_t beyond)
{
	if (f->low > b->x0 - b->y1)
		reach[--f->low - 1] = beyond;
	else
		f->low++;
	if (f->high < b->x1 - b->y0)
		reach[++f->high + 1] = beyond;
	else
		f->high--;
}

/* True if it met the other direction: @out_x, @out_y is on a shortest path. */
static bool step_forth(const search *s, const box *b, front *f, const front *met, bool odd, int32_t *out_x,
                       int32_t *out_y)
{
	grow(f, s->forth, b, -1);
	for (int32_t d = f->high; d >= f->low; d -= 2) {
		int32_t x = s->forth[d - 1] >= s->forth[d + 1] ? s->forth[d - 1] + 1 : s->forth[d + 1];
		int32_t y = x - d;
		while (x < b->x1 && y < b->y1 && same(s, x, y)) {
			x++;
			y++;
		}
		s->forth[d] = x;
		if (odd && met->low <= d && d <= met->high && s->back[d] <= x) {
			*out_x = x;
			*out_y = y;
			return true;
		}
	}
	return false;
}

static bool step_back(const search *s, const box *b, front *f, const front *met, bool odd, int32_t *out_x,
                      int32_t *out_y)
{
	grow(f, s->back, b, INT32_MAX);
	for (int32_t d = f->high; d >= f->low; d -= 2) {
		int32_t x = s->back[d - 1] < s->back[d + 1] ? s->back[d - 1] : s->back[d + 1] - 1;
		int32_t y = x - d;
		while (x > b->x0 && y > b->y0 && same(s, x - 1, y - 1)) {
			x--;
			y--;
		}
		s->back[d] = x;
		if (!odd && met->low <= d && d <= met->high && x <= s->forth[d]) {
			*out_x = x;
			*out_y = y;
			return true;
		}
	}
	return false;
}

static int32_t at_most(int32_t value, int32_t limit)
{
	return value < limit ? value : limit;
}

static int32_t at_least(int32_t value, int32_t limit)
{
	return value > limit ? value : limit;
}

/* Neither end has met the other in time: the place that the farther one has come to. */
static void guess(const search *s, const box *b, const front *forth, const front *back, int32_t *out_x, int32_t *out_y)
{
	int32_t best = -1;
	for (int32_t d = forth->low; d <= forth->high; d += 2) {
		int32_t x = at_most(s->forth[d], b->x1), y = x - d;
		if (y > b->y1) {
			y = b->y1;
			x = y + d;
		}
		if (x >= b->x0 && y >= b->y0 && x - b->x0 + y - b->y0 > best) {
			best = x - b->x0 + y - b->y0;
			*out_x = x;
			*out_y = y;
		}
	}
	for (int32_t d = back->low; d <= back->high; d += 2) {
		int32_t x = at_least(s->back[d], b->x0), y = x - d;
		if (y < b->y0) {
			y = b->y0;
			x = y + d;
		}
		if (x <= b->x1 && y <= b->y1 && b->x1 - x + b->y1 - y > best) {
			best = b->x1 - x + b->y1 - y;
			*out_x = x;
			*out_y = y;
		}
	}
}

/* A place inside of @b through which a shortest path leads, or nearly. */
static void middle(const search *s, const box *b, int32_t *out_x, int32_t *out_y)
{
	int32_t begin = b->x0 - b->y0, end = b->x1 - b->y1;
	bool odd = ((begin - end) & 1) != 0;
	front forth = { begin, begin }, back = { end, end };
	s->forth[begin] = b->x0;
	s->back[end] = b->x1;
	for (int edits = 0; edits < PATIENCE; edits++) {
		if (step_forth(s, b, &forth, &back, odd, out_x, out_y) ||
		    step_back(s, b, &back, &forth, odd, out_x, out_y))
			return;
	}
	guess(s, b, &forth, &back, out_x, out_y);
}

static void cut_all(side *s, int32_t from, int32_t to)
{
	for (; from < to; from++)
		s->cut[s->kept[from]] = 1;
}

static uint64_t extent(const box *b)
{
	return (uint64_t)(b->x1 - b->x0) + (uint64_t)(b->y1 - b->y0);
}

/* The larger half is done in the loop: the smaller ones are within each other at most 32 times. */
static pnr_status compare(const search *s, box b, pnr_error *err) /* NOLINT(misc-no-recursion) */
{
	for (;;) {
		pnr_status status = pnr_meter_add(s->meter, NULL, 0, err);
		if (status != PNR_OK)
			return status;
		while (b.x0 < b.x1 && b.y0 < b.y1 && same(s, b.x0, b.y0)) {
			b.x0++;
			b.y0++;
		}
		while (b.x0 < b.x1 && b.y0 < b.y1 && same(s, b.x1 - 1, b.y1 - 1)) {
			b.x1--;
			b.y1--;
		}
		if (b.x0 == b.x1 || b.y0 == b.y1) {
			cut_all(s->old, b.x0, b.x1);
			cut_all(s->new, b.y0, b.y1);
			return PNR_OK;
		}
		int32_t x = b.x0, y = b.y0;
		middle(s, &b, &x, &y);
		x = at_most(at_least(x, b.x0), b.x1);
		y = at_most(at_least(y, b.y0), b.y1);
		/* A corner divides nothing. It is never on a path with two edits or more; a guess might be one. */
		if ((x == b.x0 && y == b.y0) || (x == b.x1 && y == b.y1)) {
			x = b.x1;
			y = b.y0;
		}
		box first = { b.x0, x, b.y0, y }, second = { x, b.x1, y, b.y1 };
		bool first_larger = extent(&first) > extent(&second);
		status = compare(s, first_larger ? second : first, err);
		if (status != PNR_OK)
			return status;
		b = first_larger ? first : second;
	}
}

static pnr_status find_edits(side *old, side *new, pnr_meter *meter, pnr_error *err)
{
	size_t diagonals = (size_t)old->kept_count + new->kept_count + 5;
	PNR_CLEANUP(pnr_cleanup_free) int32_t *forth = calloc(diagonals, sizeof *forth);
	PNR_CLEANUP(pnr_cleanup_free) int32_t *back = calloc(diagonals, sizeof *back);
	if (forth == NULL || back == NULL)
		return pnr_fail_nomem(err);
	const search s = { old, new, forth + new->kept_count + 2, back + new->kept_count + 2, meter };
	return compare(&s, (box){ 0, (int32_t)old->kept_count, 0, (int32_t) new->kept_count }, err);
}

static pnr_status mark(side *old, side *new, pnr_meter *meter, pnr_error *err)
{
	PNR_CLEANUP(classes_free) classes c = { .slots = NULL };
	pnr_status status = classes_new(old, new, &c, err);
	if (status == PNR_OK)
		status = classify(&c, 0, old, meter, err);
	if (status == PNR_OK)
		status = classify(&c, 1, new, meter, err);
	if (status != PNR_OK)
		return status;
	uint32_t head = 0, tail = 0;
	while (head < old->count && head < new->count && old->classes[head] == new->classes[head])
		head++;
	while (tail < old->count - head && tail < new->count - head &&
	       old->classes[old->count - 1 - tail] == new->classes[new->count - 1 - tail])
		tail++;
	keep(&c, old, head, old->count - tail);
	keep(&c, new, head, new->count - tail);
	return find_edits(old, new, meter, err);
}

/* --------------------------------------------------------------- output -- */

static void put_line(pnr_buffer *out, const side *s, uint32_t line, char sign)
{
	size_t length = s->starts[line + 1] - s->starts[line];
	const char *text = s->text + s->starts[line];
	pnr_buffer_putc(out, sign);
	pnr_buffer_append(out, text, length);
	if (length == 0 || text[length - 1] != '\n')
		pnr_buffer_puts(out, "\n\\ No newline at end of file\n");
}

/* "17,4"; one line is "17", none is named by the line before. */
static void put_range(pnr_buffer *out, uint32_t from, uint32_t count)
{
	pnr_buffer_printf(out, "%u", count == 0 ? from : from + 1);
	if (count != 1)
		pnr_buffer_printf(out, ",%u", count);
}

/* Lines from @x and @y on, until both sides are at @x1 and @y1. */
static void put_body(pnr_buffer *out, const side *old, const side *new, uint32_t x, uint32_t y, uint32_t x1,
                     uint32_t y1)
{
	while (x < x1 || y < y1) {
		if (x < x1 && old->cut[x] != 0) {
			put_line(out, old, x++, '-');
		} else if (y < y1 && new->cut[y] != 0) {
			put_line(out, new, y++, '+');
		} else {
			put_line(out, old, x++, ' ');
			y++;
		}
	}
}

/* Past the changes that start at @x and @y, and those that follow so closely that their context would touch. */
static void hunk_end(const side *old, const side *new, uint32_t *x, uint32_t *y)
{
	for (;;) {
		while (old->cut[*x] != 0)
			(*x)++;
		while (new->cut[*y] != 0)
			(*y)++;
		uint32_t quiet = 0;
		while (quiet <= 2 * CONTEXT && *x + quiet < old->count && old->cut[*x + quiet] == 0 &&
		       new->cut[*y + quiet] == 0)
			quiet++;
		if (quiet > 2 * CONTEXT || (*x + quiet == old->count && new->cut[*y + quiet] == 0))
			return;
		*x += quiet;
		*y += quiet;
	}
}

static pnr_status put_hunks(const side *old, const side *new, const pnr_sink *out, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer hunk = PNR_BUFFER_INIT;
	pnr_status status = PNR_OK;
	for (uint32_t x = 0, y = 0; status == PNR_OK;) {
		while (x < old->count && old->cut[x] == 0 && new->cut[y] == 0) {
			x++;
			y++;
		}
		if (x == old->count && y == new->count)
			break;
		uint32_t before = x < CONTEXT ? x : CONTEXT;
		uint32_t from_x = x - before, from_y = y - before;
		hunk_end(old, new, &x, &y);
		uint32_t after = old->count - x < CONTEXT ? old->count - x : CONTEXT;
		pnr_buffer_clear(&hunk);
		pnr_buffer_puts(&hunk, "@@ -");
		put_range(&hunk, from_x, x + after - from_x);
		pnr_buffer_puts(&hunk, " +");
		put_range(&hunk, from_y, y + after - from_y);
		pnr_buffer_puts(&hunk, " @@\n");
		put_body(&hunk, old, new, from_x, from_y, x + after, y + after);
		status = pnr_buffer_status(&hunk, err);
		if (status == PNR_OK)
			status = out->write(out->context, hunk.data, hunk.length, err);
	}
	return status;
}

pnr_status pnr_diff_lines(const char *old_text, size_t old_length, const char *new_text, size_t new_length,
                          pnr_meter *meter, const pnr_sink *out, pnr_error *err)
{
	PNR_CLEANUP(side_free) side old = { .text = old_text, .length = old_length };
	PNR_CLEANUP(side_free) side new = { .text = new_text, .length = new_length };
	if (old_length > PNR_DIFF_TEXT_MAX || new_length > PNR_DIFF_TEXT_MAX)
		return pnr_fail(err, PNR_UNSUPPORTED, "it is larger than %u MiB, too large to compare lines",
		                PNR_DIFF_TEXT_MAX >> 20);
	pnr_status status = split(&old, err);
	if (status == PNR_OK)
		status = split(&new, err);
	if (status == PNR_OK)
		status = mark(&old, &new, meter, err);
	return status == PNR_OK ? put_hunks(&old, &new, out, err) : status;
}
