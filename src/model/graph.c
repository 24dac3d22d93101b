/*
 * The pipeline as a graph. Both nodes and the names of what they hand on are
 * vertices, producer -> name -> consumer: with an edge for each input and each
 * output it stays linear where many nodes share one name. Nodes that wait for
 * each other are the strongly connected components of more than one vertex
 * (Tarjan 1972), found without recursion: a chain can be as long as the config.
 */
#include "base/array.h"
#include "model/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_NODES 10u

typedef struct edge {
	uint32_t from, to;
} edge;

typedef struct graph {
	const pnr_config *config;
	const char **names; /* of what nodes produce; sorted, each once; vertex node_count + i */
	uint32_t name_count;
	edge *edges;        /* sorted by from */
	size_t edge_count;
	uint32_t vertex_count;
	/* the walk; each has a slot a vertex */
	size_t *next;       /* its first edge that was not followed yet */
	uint32_t *order;    /* when it was reached, from 1; 0: not yet */
	uint32_t *low;      /* the oldest vertex on the stack that it leads back to */
	bool *on_stack;
	uint32_t *path, *stack;
	uint32_t path_length, stack_length, reached;
} graph;

static void free_graph(graph *g)
{
	free(g->names);
	free(g->edges);
	free(g->next);
	free(g->order);
	free(g->low);
	free(g->on_stack);
	free(g->path);
	free(g->stack);
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The vertex of the name, or 0 (a node's, if there is any name) when no node produces it. */
static uint32_t find_name(const graph *g, const char *name)
{
	const char **found = g->name_count == 0 ? NULL :
		bsearch(&name, g->names, g->name_count, sizeof *g->names, compare_names);
	return found == NULL ? 0 : (uint32_t)(g->config->node_count + (size_t)(found - g->names));
}

static const cJSON *list_of(const pnr_node *node, const char *key)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(node->item, key);
	return cJSON_IsArray(list) ? list : NULL;
}

static size_t count_items(const pnr_config *config, const char *key)
{
	size_t count = 0;
	for (size_t i = 0; i < config->node_count; i++)
		count += (size_t)cJSON_GetArraySize(list_of(&config->nodes[i], key));
	return count;
}

static pnr_status collect_names(graph *g, pnr_error *err)
{
	const pnr_config *config = g->config;
	g->names = malloc((count_items(config, "outputs") + 1) * sizeof *g->names);
	if (g->names == NULL)
		return pnr_fail_nomem(err);
	size_t count = 0, kept = 0;
	for (size_t i = 0; i < config->node_count; i++) {
		const cJSON *item;
		cJSON_ArrayForEach(item, list_of(&config->nodes[i], "outputs"))
			if (cJSON_IsString(item))
				g->names[count++] = item->valuestring;
	}
	pnr_array_sort(g->names, count, sizeof *g->names, compare_names);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || strcmp(g->names[kept - 1], g->names[i]) != 0)
			g->names[kept++] = g->names[i];
	g->name_count = (uint32_t)kept;
	g->vertex_count = (uint32_t)(config->node_count + kept);
	return PNR_OK;
}

static int compare_edges(const void *left, const void *right)
{
	const edge *a = left, *b = right;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return (a->to > b->to) - (a->to < b->to);
}

static pnr_status collect_edges(graph *g, pnr_error *err)
{
	const pnr_config *config = g->config;
	g->edges = malloc((count_items(config, "inputs") + count_items(config, "outputs") + 1) * sizeof *g->edges);
	if (g->edges == NULL)
		return pnr_fail_nomem(err);
	for (uint32_t i = 0; i < config->node_count; i++) {
		const cJSON *item;
		uint32_t name;
		cJSON_ArrayForEach(item, list_of(&config->nodes[i], "inputs"))
			if (cJSON_IsString(item) && (name = find_name(g, item->valuestring)) != 0)
				g->edges[g->edge_count++] = (edge){ name, i };
		cJSON_ArrayForEach(item, list_of(&config->nodes[i], "outputs"))
			if (cJSON_IsString(item))
				g->edges[g->edge_count++] = (edge){ i, find_name(g, item->valuestring) };
	}
	pnr_array_sort(g->edges, g->edge_count, sizeof *g->edges, compare_edges);
	return PNR_OK;
}

static pnr_status prepare_walk(graph *g, pnr_error *err)
{
	size_t count = (size_t)g->vertex_count + 1;
	g->next = calloc(count, sizeof *g->next);
	g->order = calloc(count, sizeof *g->order);
	g->low = calloc(count, sizeof *g->low);
	g->on_stack = calloc(count, sizeof *g->on_stack);
	g->path = calloc(count, sizeof *g->path);
	g->stack = calloc(count, sizeof *g->stack);
	if (g->next == NULL || g->order == NULL || g->low == NULL || g->on_stack == NULL || g->path == NULL ||
	    g->stack == NULL)
		return pnr_fail_nomem(err);
	size_t at = 0;
	for (uint32_t vertex = 0; vertex < g->vertex_count; vertex++) {
		g->next[vertex] = at;
		while (at < g->edge_count && g->edges[at].from == vertex)
			at++;
	}
	return PNR_OK;
}

static int compare_vertices(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	return (a > b) - (a < b);
}

/* @members, of which some are names, wait for each other. */
static pnr_status warn_cycle(const graph *g, uint32_t *members, uint32_t count, pnr_issues *issues, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	uint32_t nodes = 0;
	/* Nodes have the smaller numbers: sorted, they come first, in the order of the config. */
	pnr_array_sort(members, count, sizeof *members, compare_vertices);
	while (nodes < count && members[nodes] < g->config->node_count)
		nodes++;
	for (uint32_t i = 0; i < nodes && i < SHOWN_NODES; i++) {
		char label[PNR_LABEL_SIZE];
		pnr_buffer_puts(&text, i == 0 ? "" : ", ");
		pnr_buffer_puts(&text, pnr_node_label(&g->config->nodes[members[i]], label));
	}
	if (nodes > SHOWN_NODES)
		pnr_buffer_printf(&text, " and %u more", (unsigned)(nodes - SHOWN_NODES));
	if (text.failed)
		return pnr_fail_nomem(err);
	const pnr_node *first = &g->config->nodes[members[0]];
	char pointer[PNR_POINTER_SIZE];
	pnr_issues_warning(issues, g->config->document, first->item, pnr_node_pointer(first, NULL, -1, pointer),
	                   "Pipeline nodes form a cycle: %s",
	                   text.data);
	return PNR_OK;
}

static void enter(graph *g, uint32_t vertex)
{
	g->order[vertex] = g->low[vertex] = ++g->reached;
	g->on_stack[vertex] = true;
	g->stack[g->stack_length++] = vertex;
	g->path[g->path_length++] = vertex;
}

static void lower(graph *g, uint32_t vertex, uint32_t to)
{
	if (to < g->low[vertex])
		g->low[vertex] = to;
}

/* All edges of the last vertex of the path were followed. */
static pnr_status leave(graph *g, pnr_issues *issues, pnr_error *err)
{
	uint32_t vertex = g->path[--g->path_length];
	if (g->path_length > 0)
		lower(g, g->path[g->path_length - 1], g->low[vertex]);
	if (g->low[vertex] != g->order[vertex])
		return PNR_OK;
	uint32_t top = g->stack_length;
	do
		g->on_stack[g->stack[--g->stack_length]] = false;
	while (g->stack[g->stack_length] != vertex);
	uint32_t count = top - g->stack_length;
	return count < 2 ? PNR_OK : warn_cycle(g, g->stack + g->stack_length, count, issues, err);
}

static pnr_status walk_from(graph *g, uint32_t start, pnr_issues *issues, pnr_error *err)
{
	pnr_status status = PNR_OK;
	enter(g, start);
	while (status == PNR_OK && g->path_length > 0) {
		uint32_t vertex = g->path[g->path_length - 1];
		size_t at = g->next[vertex];
		if (at == g->edge_count || g->edges[at].from != vertex) {
			status = leave(g, issues, err);
			continue;
		}
		uint32_t to = g->edges[at].to;
		g->next[vertex]++;
		if (g->order[to] == 0)
			enter(g, to);
		else if (g->on_stack[to])
			lower(g, vertex, g->order[to]);
	}
	return status;
}

/* What the worker provides is written with a dollar. */
static void warn_inputs(const graph *g, pnr_issues *issues)
{
	for (size_t i = 0; i < g->config->node_count; i++) {
		const pnr_node *node = &g->config->nodes[i];
		int64_t index = -1;
		const cJSON *item;
		cJSON_ArrayForEach(item, list_of(node, "inputs")) {
			char pointer[PNR_POINTER_SIZE], label[PNR_LABEL_SIZE];
			index++;
			if (!cJSON_IsString(item) || item->valuestring[0] == '$' || find_name(g, item->valuestring) != 0)
				continue;
			pnr_issues_warning(issues, g->config->document, item,
			                   pnr_node_pointer(node, "inputs", index, pointer),
			                   "Pipeline node %s has an input that no node produces: %s",
			                   pnr_node_label(node, label), item->valuestring);
		}
	}
}

pnr_status pnr_graph_warn(const pnr_config *config, pnr_issues *issues, pnr_error *err)
{
	PNR_CLEANUP(free_graph) graph g = { .config = config };
	pnr_status status = collect_names(&g, err);
	if (status == PNR_OK)
		status = collect_edges(&g, err);
	if (status == PNR_OK)
		status = prepare_walk(&g, err);
	for (uint32_t vertex = 0; status == PNR_OK && vertex < config->node_count; vertex++)
		if (g.order[vertex] == 0)
			status = walk_from(&g, vertex, issues, err);
	if (status == PNR_OK)
		warn_inputs(&g, issues);
	return status;
}
