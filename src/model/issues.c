#include "base/array.h"
#include "base/path.h"
#include "model/model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nobody reads more, and a hostile config can have a million faults with long names in each. */
#define TEXT_MAX 4096u
#define ALL_TEXT_MAX (64 * PNR_MIB)

/* One of the two lists while it grows. */
typedef struct issue_list {
	pnr_issue *items;
	size_t count, capacity;
	size_t dropped; /* beyond ALL_TEXT_MAX */
} issue_list;

struct pnr_issues {
	issue_list errors, warnings;
	size_t text_left;
	bool failed; /* memory was exhausted */
};

pnr_status pnr_issues_new(pnr_issues **out_issues, pnr_error *err)
{
	pnr_issues *issues = calloc(1, sizeof *issues);
	if (issues == NULL)
		return pnr_fail_nomem(err);
	issues->text_left = ALL_TEXT_MAX;
	*out_issues = issues;
	return PNR_OK;
}

static void free_items(pnr_issue *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free((char *)items[i].message);
		free((char *)items[i].pointer);
	}
	free(items);
}

void pnr_issues_free(pnr_issues *issues)
{
	if (issues == NULL)
		return;
	free_items(issues->errors.items, issues->errors.count);
	free_items(issues->warnings.items, issues->warnings.count);
	free(issues);
}

bool pnr_issues_valid(const pnr_issues *issues)
{
	return issues->errors.count == 0 && issues->errors.dropped == 0;
}

/* What a config smuggles into a message must neither break its line nor a terminal nor the JSON it goes into. */
static char *one_line(const char *text)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer line = PNR_BUFFER_INIT;
	size_t length = strlen(text);
	for (size_t i = 0, step; i < length; i += step) {
		unsigned char c = (unsigned char)text[i];
		step = pnr_utf8_sequence(text + i, length - i);
		bool shown = step > 0 && c >= 0x20 && c != 0x7f && !(c == 0xc2 && (unsigned char)text[i + 1] < 0xa0);
		step = step == 0 ? 1 : step;
		if (line.length + step > TEXT_MAX - 3) {
			pnr_buffer_puts(&line, "...");
			break;
		}
		pnr_buffer_append(&line, shown ? text + i : "?", shown ? step : 1);
	}
	return pnr_buffer_steal(&line);
}

static bool make_room(issue_list *list)
{
	pnr_issue *items = pnr_array_grow(list->items, sizeof *items, list->count, &list->capacity);
	if (items != NULL)
		list->items = items;
	return items != NULL;
}

/* Add an issue at @line and @column; takes @message. */
static void add(pnr_issues *issues, issue_list *list, char *message, const char *pointer, unsigned line,
                unsigned column)
{
	PNR_CLEANUP(pnr_cleanup_free) char *own_message = message;
	PNR_CLEANUP(pnr_cleanup_free) char *own_pointer = one_line(pointer);
	if (own_message == NULL || own_pointer == NULL || !make_room(list)) {
		issues->failed = true;
		return;
	}
	size_t cost = strlen(own_message) + strlen(own_pointer) + sizeof(pnr_issue);
	if (cost > issues->text_left) {
		issues->text_left = 0;
		list->dropped++;
		return;
	}
	issues->text_left -= cost;
	list->items[list->count++] = (pnr_issue){
		.message = PNR_STEAL(own_message),
		.pointer = PNR_STEAL(own_pointer),
		.line = line,
		.column = column,
	};
}

static void add_at(pnr_issues *issues, issue_list *list, const pnr_json_document *document,
                   const cJSON *item, const char *pointer, const char *format, va_list args)
{
	unsigned line = 0, column = 0;
	if (issues->text_left == 0) {
		list->dropped++;
		return;
	}
	char text[TEXT_MAX + 1];
	if (vsnprintf(text, sizeof text, format, args) < 0)
		text[0] = '\0';
	if (document != NULL && item != NULL)
		pnr_json_position(document, pnr_json_span_of(document, item).start, &line, &column);
	add(issues, list, one_line(text), pointer, line, column);
}

void pnr_issues_error(pnr_issues *issues, const pnr_json_document *document, const cJSON *item,
                      const char *pointer, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_at(issues, &issues->errors, document, item, pointer, format, args);
	va_end(args);
}

void pnr_issues_warning(pnr_issues *issues, const pnr_json_document *document, const cJSON *item,
                        const char *pointer, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_at(issues, &issues->warnings, document, item, pointer, format, args);
	va_end(args);
}

/* A text has no control character: one_line made it. */
bool pnr_issues_save(const pnr_issues *issues, pnr_buffer *out)
{
	for (size_t i = 0; i < issues->warnings.count; i++) {
		const pnr_issue *issue = &issues->warnings.items[i];
		pnr_buffer_printf(out, "%u\t%u\t%s\t%s\n", issue->line, issue->column, issue->pointer,
		                  issue->message);
	}
	return !issues->failed && issues->warnings.dropped == 0;
}

pnr_status pnr_issues_load(pnr_issues *issues, const char *saved, pnr_error *err)
{
	while (*saved != '\0' && !issues->failed) {
		char *end;
		unsigned line = (unsigned)strtoul(saved, &end, 10);
		unsigned column = (unsigned)strtoul(end, &end, 10);
		const char *pointer = end + (*end == '\t');
		size_t pointer_length = strcspn(pointer, "\t\n");
		const char *message = pointer + pointer_length + (pointer[pointer_length] == '\t');
		size_t length = strcspn(message, "\n");
		PNR_CLEANUP(pnr_cleanup_free) char *own_pointer = strndup(pointer, pointer_length);
		PNR_CLEANUP(pnr_cleanup_free) char *own_message = strndup(message, length);
		if (own_pointer == NULL || own_message == NULL)
			return pnr_fail_nomem(err);
		add(issues, &issues->warnings, one_line(own_message), own_pointer, line, column);
		saved = message + length + (message[length] == '\n');
	}
	return issues->failed ? pnr_fail_nomem(err) : PNR_OK;
}

void pnr_issues_fault(pnr_issues *issues, const pnr_json_fault *fault, const pnr_error *cause)
{
	add(issues, &issues->errors, one_line(cause->message), fault->pointer, fault->line, fault->column);
}

/* Say what is not listed; the budget has room for these two. */
static void close_list(pnr_issues *issues, issue_list *list, const char *what)
{
	if (list->dropped == 0)
		return;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_printf(&text, "%zu more %s are not listed", list->dropped, what);
	issues->text_left = TEXT_MAX;
	add(issues, list, pnr_buffer_steal(&text), "", 0, 0);
}

pnr_status pnr_issues_take(pnr_issues *issues, pnr_validation **out_validation, pnr_error *err)
{
	close_list(issues, &issues->errors, "errors");
	close_list(issues, &issues->warnings, "warnings");
	pnr_validation *validation = issues->failed ? NULL : calloc(1, sizeof *validation);
	if (validation == NULL) {
		pnr_issues_free(issues);
		return pnr_fail_nomem(err);
	}
	*validation = (pnr_validation){
		.size = sizeof *validation,
		.valid = issues->errors.count == 0,
		.errors = issues->errors.items,
		.error_count = issues->errors.count,
		.warnings = issues->warnings.items,
		.warning_count = issues->warnings.count,
	};
	free(issues);
	*out_validation = validation;
	return PNR_OK;
}

void pnr_validation_free(pnr_validation *validation)
{
	if (validation == NULL)
		return;
	free_items(validation->errors, validation->error_count);
	free_items(validation->warnings, validation->warning_count);
	free(validation);
}
