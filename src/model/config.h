/* What was read of a config, as the files of this folder share it. */
#ifndef PNR_MODEL_CONFIG_H
#define PNR_MODEL_CONFIG_H

#include "model/model.h"

/** The fields that hold references, in package order. */
typedef enum pnr_role {
	PNR_ROLE_MODEL,
	PNR_ROLE_POLICIES,
	PNR_ROLE_MORTALITY,
	PNR_ROLE_LAPSE,
	PNR_ROLE_EXPENSES,
	PNR_ROLE_COUNT
} pnr_role;

typedef struct pnr_role_names {
	const char *name;    /**< its key in the config */
	const char *title;   /**< as a sentence starts with it */
	const char *pointer; /**< its place in the config */
} pnr_role_names;
extern const pnr_role_names pnr_roles[PNR_ROLE_COUNT];

/** A field that holds a reference. */
typedef struct pnr_field {
	const cJSON *item;       /**< NULL: not in the config */
	const char *text;        /**< NULL: not a string, or empty */
	bool parsed;             /**< reference is valid */
	pnr_reference reference;
} pnr_field;

typedef enum pnr_engine_kind { PNR_ENGINE_OTHER, PNR_ENGINE_WASM, PNR_ENGINE_PYTHON } pnr_engine_kind;

/** One item of the pipeline's nodes, whatever it is. */
typedef struct pnr_node {
	const cJSON *item;
	size_t index;
	const char *id;          /**< NULL: missing, empty or not a string */
	bool id_taken;           /**< an earlier node has it */
	const char *engine;      /**< NULL: missing, empty or not a string */
	pnr_engine_kind kind;
	const char *engine_name; /**< what follows the scheme; NULL with PNR_ENGINE_OTHER */
	bool engine_usable;      /**< the name follows the pattern, so that it can be a file's */
} pnr_node;

struct pnr_config {
	pnr_json_document *document;
	const cJSON *root;
	const cJSON *pipeline;   /**< as it is in the config, whatever its type; NULL: none */
	pnr_field fields[PNR_ROLE_COUNT];
	pnr_node *nodes;
	size_t node_count;
};

/** The nodes of a valid config, sorted by engine, then by index. */
typedef struct pnr_engines {
	const pnr_node **nodes;
	size_t count;
} pnr_engines;

PNR_CHECKED pnr_status pnr_engines_sort(const pnr_config *config, pnr_engines *out_engines, pnr_error *err);
/** Leaves it initialised. */
void pnr_engines_free(pnr_engines *engines);
/**
 * The nodes that run @node's engine, as JSON: pnr_package_file. "" if an earlier
 * node has the same one. malloc'd; NULL when memory is exhausted.
 */
char *pnr_engines_uses(const pnr_engines *engines, const pnr_node *node);

#define PNR_NO_USES "[]"
#define PNR_ROLE_USES_SIZE 64
/** The role, as such JSON, in @buffer. */
const char *pnr_role_uses(pnr_role role, char buffer[PNR_ROLE_USES_SIZE]);
/** Two of these as one. malloc'd; NULL when memory is exhausted. */
char *pnr_uses_join(const char *a, const char *b);

/** Room for the pointer of anything in a node. */
#define PNR_POINTER_SIZE 96
/** Room for what a node without an id is called. */
#define PNR_LABEL_SIZE 32

/**
 * Read what can be read, and judge nothing. A text that is no JSON or no object
 * gives PNR_INVALID and its one error in @issues.
 */
PNR_CHECKED pnr_status pnr_config_read(const char *text, size_t length, pnr_issues *issues,
                                       pnr_config **out_config, pnr_error *err);
/** The errors, in the order of the rules. */
void pnr_config_check(const pnr_config *config, pnr_issues *issues);
/** The warnings, in theirs. */
PNR_CHECKED pnr_status pnr_config_warn(const pnr_config *config, pnr_issues *issues, pnr_error *err);
/** Those about nodes that form a cycle, then those about inputs that no node produces. */
PNR_CHECKED pnr_status pnr_graph_warn(const pnr_config *config, pnr_issues *issues, pnr_error *err);

/** The pointer to member @key of the node and its item @index (-1: all of it), in @buffer; without @key to the node. */
const char *pnr_node_pointer(const pnr_node *node, const char *key, int64_t index, char buffer[PNR_POINTER_SIZE]);
/** The node's id, or "at index N" in @buffer. */
const char *pnr_node_label(const pnr_node *node, char buffer[PNR_LABEL_SIZE]);
/** Is it what JavaScript takes for false: missing, null, false, 0 or ""? */
bool pnr_json_falsy(const cJSON *item);
/** "a string", "null", ...: the type of @item in a sentence. */
const char *pnr_json_type_name(const cJSON *item);
/** A letter, then letters, digits, '_' or '-': the pattern of node ids and engine names. */
bool pnr_name_valid(const char *name);
/** The basename as JavaScript sees it: what follows the last '/'. */
const char *pnr_field_base(const pnr_field *field);

#endif
