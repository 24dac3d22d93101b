#include "base/xml.h"
#include <string.h>

#define DEPTH_MAX 32u
#define PATH_MAX_BYTES 1024u

typedef struct scanner {
	const char *at, *end;
	const char *start;
	char path[PATH_MAX_BYTES + 1];
	size_t lengths[DEPTH_MAX + 1]; /* of the path at each level */
	unsigned depth;
	bool leaf;      /* no element ended in the one that is open */
	bool begun;     /* there was an element */
	pnr_buffer text; /* of the element that is open, since its start or its last child */
	pnr_xml_visit visit;
	void *user;
	pnr_error *err;
} scanner;

/* It may hold what STS gives. */
static void scanner_free(scanner *s)
{
	if (s->text.data != NULL)
		explicit_bzero(s->text.data, s->text.capacity);
	pnr_buffer_free(&s->text);
}

static pnr_status wrong(const scanner *s, const char *why)
{
	return pnr_fail(s->err, PNR_INVALID, "XML, byte %zu: %s", (size_t)(s->at - s->start), why);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool starts(const scanner *s, const char *text)
{
	size_t length = strlen(text);
	return (size_t)(s->end - s->at) >= length && memcmp(s->at, text, length) == 0;
}

/* Pass over all up to and with @mark. */
static pnr_status pass(scanner *s, const char *mark)
{
	const char *found = memmem(s->at, (size_t)(s->end - s->at), mark, strlen(mark));
	if (found == NULL)
		return wrong(s, "it ends in the middle");
	s->at = found + strlen(mark);
	return PNR_OK;
}

static void put_utf8(pnr_buffer *out, unsigned long c)
{
	if (c < 0x80) {
		pnr_buffer_putc(out, (char)c);
		return;
	}
	unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char first[] = { 0, 0xc0, 0xe0, 0xf0 };
	pnr_buffer_putc(out, (char)(first[more] | c >> (6 * more)));
	while (more-- > 0)
		pnr_buffer_putc(out, (char)(0x80 | (c >> (6 * more) & 0x3f)));
}

/* "#65", "#x41" of @length bytes; 0 if it is no character. */
static unsigned long character(const char *name, size_t length)
{
	unsigned long c = 0;
	bool hex = length > 1 && name[1] == 'x';
	for (size_t i = hex ? 2 : 1; i < length; i++) {
		const char *digits = "0123456789abcdefABCDEF";
		const char *digit = strchr(digits, name[i]);
		size_t value = digit == NULL ? 99 : (size_t)(digit - digits);
		value -= value > 15 && value < 22 ? 6 : 0;
		if (value >= (hex ? 16u : 10u))
			return 0;
		c = c * (hex ? 16 : 10) + value;
		if (c > 0x10ffff)
			return 0;
	}
	return c >= 0xd800 && c < 0xe000 ? 0 : c;
}

static pnr_status read_entity(scanner *s)
{
	static const struct {
		const char *name;
		char c;
	} names[] = { { "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' }, { "&quot;", '"' }, { "&apos;", '\'' } };
	for (size_t i = 0; i < PNR_COUNT(names); i++) {
		if (starts(s, names[i].name)) {
			pnr_buffer_putc(&s->text, names[i].c);
			s->at += strlen(names[i].name);
			return PNR_OK;
		}
	}
	size_t left = (size_t)(s->end - s->at);
	const char *end = memchr(s->at, ';', left < 12 ? left : 12);
	unsigned long c = end == NULL || s->at[1] != '#' ? 0 : character(s->at + 1, (size_t)(end - s->at) - 1);
	if (c == 0)
		return wrong(s, "an entity that is none");
	put_utf8(&s->text, c);
	s->at = end + 1;
	return PNR_OK;
}

static pnr_status read_cdata(scanner *s)
{
	s->at += strlen("<![CDATA[");
	const char *from = s->at;
	pnr_status status = pass(s, "]]>");
	if (status != PNR_OK)
		return status;
	if (memchr(from, '\0', (size_t)(s->at - from)) != NULL)
		return wrong(s, "a NUL byte");
	pnr_buffer_append(&s->text, from, (size_t)(s->at - from) - 3);
	return PNR_OK;
}

/* A name without its prefix; it is empty if there is none. */
static const char *read_name(scanner *s, size_t *out_length)
{
	const char *name = s->at;
	while (s->at < s->end && !is_space(*s->at) && strchr("/><=&", *s->at) == NULL) {
		if (*s->at == ':')
			name = s->at + 1;
		s->at++;
	}
	*out_length = (size_t)(s->at - name);
	return name;
}

static pnr_status close_element(scanner *s)
{
	const pnr_xml_event event = { s->path, s->leaf && s->text.length > 0 ? s->text.data : "" };
	pnr_status status = pnr_buffer_status(&s->text, s->err);
	if (status == PNR_OK)
		status = s->visit(s->user, &event, s->err);
	s->depth--;
	s->path[s->lengths[s->depth]] = '\0';
	s->leaf = false;
	pnr_buffer_clear(&s->text);
	return status;
}

/* Attributes, up to and with '>'; *out_empty: it was "/>". */
static pnr_status pass_attributes(scanner *s, bool *out_empty)
{
	for (char quote = '\0'; s->at < s->end; s->at++) {
		if (quote != '\0') {
			quote = *s->at == quote ? '\0' : quote;
		} else if (*s->at == '"' || *s->at == '\'') {
			quote = *s->at;
		} else if (*s->at == '>') {
			*out_empty = s->at[-1] == '/';
			s->at++;
			return PNR_OK;
		}
	}
	return wrong(s, "it ends in the middle");
}

static pnr_status open_element(scanner *s)
{
	size_t length, before = s->lengths[s->depth];
	bool empty = false;
	s->at++;
	const char *name = read_name(s, &length);
	if (length == 0)
		return wrong(s, "an element without a name");
	if (s->depth == 0 && s->begun)
		return wrong(s, "more than one document");
	if (s->depth == DEPTH_MAX || before + 1 + length > PATH_MAX_BYTES)
		return wrong(s, "elements too deep in each other");
	if (before > 0)
		s->path[before++] = '/';
	memcpy(s->path + before, name, length);
	s->path[before + length] = '\0';
	s->lengths[++s->depth] = before + length;
	s->begun = s->leaf = true;
	pnr_buffer_clear(&s->text);
	pnr_status status = pass_attributes(s, &empty);
	return status == PNR_OK && empty ? close_element(s) : status;
}

static pnr_status read_end(scanner *s)
{
	size_t length;
	s->at += 2;
	const char *name = read_name(s, &length);
	while (s->at < s->end && is_space(*s->at))
		s->at++;
	if (s->at == s->end || *s->at != '>' || s->depth == 0)
		return wrong(s, "an end of nothing");
	const char *open = s->path + s->lengths[s->depth - 1];
	open += *open == '/';
	if (strlen(open) != length || memcmp(open, name, length) != 0)
		return wrong(s, "an element ends that is not open");
	s->at++;
	return close_element(s);
}

static pnr_status read_text(scanner *s)
{
	const char *from = s->at;
	if (*s->at == '&')
		return s->depth > 0 ? read_entity(s) : wrong(s, "text outside of the document");
	while (s->at < s->end && *s->at != '<' && *s->at != '&') {
		if (*s->at == '\0' || (s->depth == 0 && !is_space(*s->at)))
			return wrong(s, "text outside of the document, or a NUL byte");
		s->at++;
	}
	if (s->depth > 0)
		pnr_buffer_append(&s->text, from, (size_t)(s->at - from));
	return PNR_OK;
}

static pnr_status step(scanner *s)
{
	if (*s->at != '<')
		return read_text(s);
	if (starts(s, "<?"))
		return pass(s, "?>");
	if (starts(s, "<!--"))
		return pass(s, "-->");
	if (starts(s, "<![CDATA[") && s->depth > 0)
		return read_cdata(s);
	if (starts(s, "<!"))
		return wrong(s, "a document type, which is not taken");
	return starts(s, "</") ? read_end(s) : open_element(s);
}

pnr_status pnr_xml_scan(const char *text, size_t length, pnr_xml_visit visit, void *user, pnr_error *err)
{
	PNR_CLEANUP(scanner_free)
	scanner s = { .at = text, .end = text + length, .start = text, .text = PNR_BUFFER_INIT, .visit = visit,
		      .user = user, .err = err };
	static const char mark[] = "\xef\xbb\xbf"; /* Azure's texts begin with one */
	if (starts(&s, mark))
		s.at += sizeof mark - 1;
	while (s.at < s.end) {
		pnr_status status = step(&s);
		if (status != PNR_OK)
			return status;
	}
	return s.begun && s.depth == 0 ? PNR_OK : wrong(&s, "it ends in the middle");
}

/* ----------------------------------------------------------------- one text -- */

typedef struct search {
	const char *path;
	pnr_buffer *out;
	bool found;
} search;

static pnr_status compare(void *user, const pnr_xml_event *event, pnr_error *err)
{
	search *s = user;
	(void)err;
	if (s->found || strcmp(event->path, s->path) != 0)
		return PNR_OK;
	s->found = true;
	pnr_buffer_puts(s->out, event->text);
	return PNR_OK;
}

pnr_status pnr_xml_find(const char *text, size_t length, const char *path, pnr_buffer *out, pnr_error *err)
{
	search s = { path, out, false };
	pnr_error own = PNR_ERROR_INIT;
	if (pnr_xml_scan(text, length, compare, &s, &own) == PNR_NOMEM)
		return pnr_fail_with(err, &own);
	return pnr_buffer_status(out, err);
}
