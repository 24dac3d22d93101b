/*
 * Decoding a stream of our encoder on all cores.
 *
 * Where its segments begin is recorded nowhere; each ends with an empty stored
 * block, whose last four bytes are easy to look for, or consists of stored blocks
 * of known length. Anything may look like that, by chance or by malice, so it is
 * only where decoding ahead may begin. That a segment ends there is proved by
 * zlib, which decodes it on its own: all of its input, to exactly one block of
 * content, to the end of a DEFLATE block that is not the last and leaves no bit
 * over, with no distance beyond its start. What precedes was proved before, so a
 * decoder of the whole stream would stand there as well. At the first place
 * without proof this ends, and one thread decodes what follows the last proved
 * one: right for every stream, whoever made it.
 */
#include "codec/inflate.h"
#include "codec/join.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/*
 * Two a thread: one in work, one waiting. More segments than that are never
 * between the body and the sink.
 */
#define SLOTS_PER_THREAD 2u
#define MARKER_SIZE 4u /* 00 00 ff ff */
/* A block that does not shrink: stored blocks, the first and the last of which begin like this. */
#define STORED_SIZE (PNR_BLOCK_SIZE + PNR_STORED_OVERHEAD(PNR_BLOCK_SIZE))
#define STORED_FIRST "\x00\xff\xff\x00\x00"
#define STORED_LAST "\x00\x10\x00\xef\xff"
#define STORED_LAST_AT (STORED_SIZE - PNR_BLOCK_SIZE % PNR_STORED_MAX - PNR_STORED_HEAD)
/* No segment is longer, the end of the stream included. */
#define SEGMENT_MAX (STORED_SIZE + PNR_JOIN_ROOM + PNR_JOIN_END_SIZE)
/* It is known where one ends when it was read, and some of the next. */
#define ROOM (SEGMENT_MAX + PNR_INFLATE_STEP)

/* In `data_type`, when inflate stops: at the end of a block, which is not the last, and no bits of a byte are left. */
#define AT_BLOCK_END 128

typedef struct slot {
	pnr_job job;
	bool last;      /* the rest of the stream */
	bool proved;
	uint8_t *body;  /* ROOM bytes */
	size_t body_length;
	size_t replayed;
	uint8_t *content; /* a block, and a byte for one too many */
	size_t content_length;
} slot;

typedef struct decoder {
	const pnr_source *body;
	const pnr_sink *out;
	pnr_pool *pool;
	uint64_t body_left;       /* not read yet */
	uint64_t content_left;    /* not handed out to segments yet */
	uint64_t content_to_come; /* not passed on yet */
	slot *slots;
	size_t slot_count;
	uint64_t submitted; /* segments, in order */
	uint64_t taken;
	bool drained;   /* of what was submitted nothing is in work */
	bool stuck;     /* what comes next is no segment */
	uint8_t *ahead; /* read and not handed out: ROOM bytes */
	size_t ahead_length, ahead_replayed;
	pnr_error read_error; /* of the body; told when all before it is decoded */
	uint8_t window[PNR_WINDOW_SIZE];
	size_t window_length;
} decoder;

static slot *slot_at(const decoder *d, uint64_t number)
{
	return &d->slots[number % d->slot_count];
}

/* --------------------------------------------------------- on the pool -- */

/* Only the last bytes block by block: each stop costs zlib a copy of its window. */
static bool decode_segment(z_stream *zlib, slot *s)
{
	int state = Z_OK;
	zlib->next_in = s->body;
	zlib->avail_in = (uInt)(s->body_length - MARKER_SIZE);
	zlib->next_out = s->content;
	zlib->avail_out = (uInt)s->content_length;
	if (zlib->avail_in > 0)
		state = inflate(zlib, Z_NO_FLUSH);
	zlib->avail_in += MARKER_SIZE;
	while (state == Z_OK && zlib->avail_in > 0)
		state = inflate(zlib, Z_BLOCK);
	if (state == Z_MEM_ERROR)
		s->job.status = pnr_fail_nomem(&s->job.error);
	return state == Z_OK && zlib->avail_out == 0 && zlib->data_type == AT_BLOCK_END;
}

static void run_segment(pnr_job *job)
{
	slot *s = (slot *)(void *)((char *)job - offsetof(slot, job));
	if (s->last) {
		/* What is wrong may only be that it refers back: the text is for who sees all. */
		pnr_error own = PNR_ERROR_INIT;
		s->proved = pnr_inflate_memory(s->body, s->body_length, s->content, s->content_length, &own) == PNR_OK;
		if (own.status == PNR_NOMEM)
			job->status = pnr_fail_nomem(&job->error);
		return;
	}
	z_stream zlib = { .next_in = NULL };
	if (inflateInit2(&zlib, -MAX_WBITS) != Z_OK) {
		job->status = pnr_fail_nomem(&job->error);
		return;
	}
	s->proved = decode_segment(&zlib, s);
	(void)inflateEnd(&zlib);
}

/* ------------------------------------------------------------- the body -- */

static bool more_to_read(const decoder *d)
{
	return d->body_left > 0 && d->read_error.status == PNR_OK;
}

/* False where the body ends, or reading failed. */
static bool read_ahead(decoder *d)
{
	size_t want = d->body_left < PNR_INFLATE_STEP ? (size_t)d->body_left : PNR_INFLATE_STEP;
	size_t got = 0;
	if (!more_to_read(d))
		return false;
	/* A source that ends early gives nothing: pnr_inflate_rest, which asks again, knows what to say. */
	pnr_status status = d->body->read(d->body->context, d->ahead + d->ahead_length, want, &got, &d->read_error);
	if (status != PNR_OK || got == 0)
		return false;
	d->ahead_length += got;
	d->body_left -= got;
	return true;
}

/* The end of the first marker in @data, 0 if there is none. Bytes of 0xff are rare enough to go from one to the next. */
static size_t find_marker(const uint8_t *data, size_t length)
{
	const uint8_t *end = data + length;
	for (const uint8_t *at = data + 2; at < end; at++) {
		at = memchr(at, 0xff, (size_t)(end - at));
		if (at == NULL || end - at < 2)
			return 0;
		if (at[1] == 0xff && at[-1] == 0 && at[-2] == 0)
			return (size_t)(at - data) + 2;
	}
	return 0;
}

/* Where the segment that begins `ahead` seems to end; 0 if that cannot be seen yet. No marker ends before @*searched. */
static size_t find_end(const decoder *d, size_t *searched)
{
	size_t length = d->ahead_length;
	if (length >= PNR_STORED_HEAD && memcmp(d->ahead, STORED_FIRST, PNR_STORED_HEAD) == 0) {
		if (length >= STORED_SIZE && memcmp(d->ahead + STORED_LAST_AT, STORED_LAST, PNR_STORED_HEAD) == 0)
			return STORED_SIZE;
		if (length < STORED_SIZE && more_to_read(d))
			return 0;
	}
	size_t found = length - *searched < MARKER_SIZE ? 0 : find_marker(d->ahead + *searched, length - *searched);
	if (found != 0)
		return *searched + found;
	*searched = length < MARKER_SIZE ? 0 : length - (MARKER_SIZE - 1);
	return 0;
}

/* Read until it is known how long the next segment is; 0: it is none. */
static size_t next_length(decoder *d, bool last)
{
	size_t searched = 0;
	for (;;) {
		size_t length = 0;
		if (!last)
			length = find_end(d, &searched);
		else if (d->body_left == 0 && d->ahead_length <= SEGMENT_MAX)
			length = d->ahead_length;
		if (length != 0)
			return length;
		if (d->ahead_length > SEGMENT_MAX || !read_ahead(d))
			return 0;
	}
}

static pnr_status prepare(slot *s, pnr_error *err)
{
	s->job.run = run_segment;
	s->proved = false;
	s->replayed = 0;
	if (s->body == NULL)
		s->body = malloc(ROOM);
	if (s->content == NULL)
		s->content = malloc(PNR_BLOCK_SIZE + 1);
	return s->body != NULL && s->content != NULL ? PNR_OK : pnr_fail_nomem(err);
}

static pnr_status submit(decoder *d, pnr_error *err)
{
	slot *s = slot_at(d, d->submitted);
	bool last = d->content_left <= PNR_BLOCK_SIZE;
	size_t length = next_length(d, last);
	d->stuck = length == 0;
	if (d->stuck)
		return PNR_OK;
	pnr_status status = prepare(s, err);
	if (status != PNR_OK)
		return status;
	s->last = last;
	s->content_length = last ? (size_t)d->content_left : PNR_BLOCK_SIZE;
	d->content_left -= s->content_length;
	/* The slot takes what was read; what is not its own goes into its old memory. */
	uint8_t *old = s->body;
	s->body = d->ahead;
	s->body_length = length;
	d->ahead = old;
	d->ahead_length -= length;
	if (d->ahead_length > 0)
		memcpy(d->ahead, s->body + length, d->ahead_length);
	pnr_pool_submit(d->pool, &s->job);
	d->submitted++;
	return PNR_OK;
}

/* --------------------------------------------------- without segments -- */

static size_t hand_over(const uint8_t *data, size_t length, size_t *used, void *buffer, size_t capacity)
{
	size_t step = length - *used < capacity ? length - *used : capacity;
	memcpy(buffer, data + *used, step);
	*used += step;
	return step;
}

/* The body from slot `taken` on: what was read already, then what was not. */
static pnr_status replay(void *context, void *buffer, size_t capacity, size_t *out_length, pnr_error *err)
{
	decoder *d = context;
	while (d->taken < d->submitted && slot_at(d, d->taken)->replayed == slot_at(d, d->taken)->body_length)
		d->taken++;
	if (d->taken < d->submitted) {
		slot *s = slot_at(d, d->taken);
		*out_length = hand_over(s->body, s->body_length, &s->replayed, buffer, capacity);
		return PNR_OK;
	}
	if (d->ahead_replayed < d->ahead_length) {
		*out_length = hand_over(d->ahead, d->ahead_length, &d->ahead_replayed, buffer, capacity);
		return PNR_OK;
	}
	if (d->read_error.status != PNR_OK)
		return pnr_fail_with(err, &d->read_error);
	return d->body->read(d->body->context, buffer, capacity, out_length, err);
}

/* Segments in work own their slots until they are done. */
static void drain(decoder *d, uint64_t from)
{
	for (; from < d->submitted; from++)
		pnr_ignore(pnr_pool_wait(d->pool, &slot_at(d, from)->job, NULL));
	d->drained = true;
}

static pnr_status decode_rest(decoder *d, pnr_error *err)
{
	uint64_t size = d->body_left + d->ahead_length;
	for (uint64_t i = d->taken; i < d->submitted; i++)
		size += slot_at(d, i)->body_length;
	const pnr_source source = { .read = replay, .context = d };
	return pnr_inflate_rest(&source, size, d->content_to_come, d->window, d->window_length, d->out, err);
}

/* ----------------------------------------------------------- all of it -- */

/* The next segment in order. *out_proved: it was passed on. */
static pnr_status take(decoder *d, bool *out_proved, pnr_error *err)
{
	slot *s = slot_at(d, d->taken);
	pnr_status status = pnr_pool_wait(d->pool, &s->job, err);
	*out_proved = status == PNR_OK && s->proved;
	if (!*out_proved) {
		drain(d, d->taken + 1);
		return status;
	}
	d->taken++;
	d->content_to_come -= s->content_length;
	d->window_length = s->content_length < PNR_WINDOW_SIZE ? s->content_length : PNR_WINDOW_SIZE;
	memcpy(d->window, s->content + s->content_length - d->window_length, d->window_length);
	return d->out->write(d->out->context, s->content, s->content_length, err);
}

static pnr_status run(decoder *d, pnr_error *err)
{
	for (;;) {
		bool proved = true;
		pnr_status status = PNR_OK;
		if (d->content_left > 0 && !d->stuck && d->submitted - d->taken < d->slot_count)
			status = submit(d, err);
		else if (d->taken < d->submitted)
			status = take(d, &proved, err);
		else if (d->content_to_come > 0)
			proved = false;
		else
			return PNR_OK;
		if (status != PNR_OK)
			return status;
		if (!proved)
			return decode_rest(d, err);
	}
}

static void release(decoder **decoder_place)
{
	decoder *d = *decoder_place;
	if (d == NULL)
		return;
	if (!d->drained)
		drain(d, d->taken);
	for (size_t i = 0; d->slots != NULL && i < d->slot_count; i++) {
		free(d->slots[i].body);
		free(d->slots[i].content);
	}
	free(d->slots);
	free(d->ahead);
	free(d);
}

pnr_status pnr_inflate_segments(const pnr_source *body, uint64_t body_size, uint64_t content_size, const pnr_sink *out,
                                pnr_pool *pool, pnr_error *err)
{
	PNR_CLEANUP(release) decoder *d = calloc(1, sizeof *d);
	if (d == NULL)
		return pnr_fail_nomem(err);
	d->body = body;
	d->out = out;
	d->pool = pool;
	d->body_left = body_size;
	d->content_left = d->content_to_come = content_size;
	d->read_error = (pnr_error)PNR_ERROR_INIT;
	d->slot_count = (size_t)SLOTS_PER_THREAD * pnr_pool_threads(pool);
	d->slots = calloc(d->slot_count, sizeof *d->slots);
	d->ahead = malloc(ROOM);
	if (d->slots == NULL || d->ahead == NULL)
		return pnr_fail_nomem(err);
	return run(d, err);
}
