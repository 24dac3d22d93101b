/*
 * The one mechanism of all fault tests: a command of the tool runs in a process
 * of its own, in a copy of a known scene, with a fault armed; then everything
 * that a user relies on is looked at, and the command runs again without one.
 */
#ifndef TESTS_FAULT_HARNESS_H
#define TESTS_FAULT_HARNESS_H

#include "../allocator.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every fault in a release build; under sanitizers, which are slower, every 41st. */
#ifdef SANITIZED
#define STRIDE 41
#else
#define STRIDE 1
#endif

/** A command that takes longer, in seconds, hangs. */
#define HANGS_AFTER 120

/** ctest takes this exit status for "skipped". */
#define SKIPPED 77

/** What is there before the command. */
typedef enum scene {
	SCENE_EMPTY,   /**< a model, no store */
	SCENE_PACKED,  /**< two packages, the older one tagged "older", the newer one "second" */
	SCENE_CHANGED, /**< the same, and the model has changed since */
	SCENE_PUSHED,  /**< SCENE_PACKED; "older" is on the remote "share", the newest package has one row changed. Remotes are in the store's folder */
	SCENE_WORKER,  /**< a model; a store that knows "share" and nothing else: "older" is there, and "third", with a patch */
	SCENE_CACHED,  /**< the same, and "third" was pulled */
	SCENE_UNCHANGED, /**< SCENE_PACKED, files and zip old enough to be trusted: a pack is recalled. Made once, never copied */
	SCENE_COUNT
} scene;

typedef struct command {
	const char *name;
	scene scene;
	bool writes; /**< false: the store holds the same afterwards, whatever happened */
	const char *arguments[12];
} command;

/** All commands of the tool; ends with one without a name. */
extern const command commands[];

typedef struct fault {
	const char *name;
	void (*arm)(const struct fault *fault); /**< called in the process that is to fail */
	long n;          /**< which call fails, from 1 */
	int how;         /**< for @arm */
	bool kills;      /**< the process dies of it */
	bool harmless;   /**< the command succeeds all the same */
} fault;

/** Written by the process that fails, read by the one that watches. */
typedef struct report {
	atomic_long calls;      /**< that could have failed */
	atomic_bool fired;      /**< the fault took place */
	atomic_bool forgivable; /**< it may end otherwise than faults of its kind do */
	const char *call;       /**< what failed; a literal */
	bool over;              /**< the command has returned: what is called from then on is not its */
} report;
extern report *shared;

/** One fault and all checks. False if the command ended before the fault took place. */
bool fault_once(const command *c, const fault *f);

/** How often a run without the fault passes the place where @f could take place. */
long fault_count(const command *c, const fault *f);

/**
 * Faults 1 to @lead one by one, then every @stride-th, until the command gets
 * through; prints how many there were, and returns it.
 */
long fault_loop(const command *c, fault f, long lead, long stride);

typedef struct outcome {
	int exit_status; /**< -1 if a signal ended it */
	int signal;
} outcome;

/** Run the tool with @arguments in the scene at work; its output goes to the files "stdout" and "stderr". */
outcome run_tool(const char *const *arguments, const fault *f);
/** The same without a fault: it must succeed. */
void run_well(const char *const *arguments, const char *what);

/** The database at @name is sound, as SQLite sees it; one that does not exist is. */
void check_database(const char *name, const char *what);
/** Every package that can be seen on a remote of the scene at work is whole. */
void check_remotes(const char *what);
/** No temporary is left in the folder @name, nor in its store. */
void check_no_leftovers(const char *name, const char *what);

/** Where copies of the scenes are kept, in the test's folder. */
extern const char *const scene_names[SCENE_COUNT];
/** Make the folder and the scenes; put scene @s back; remove all. */
void set_up(void);
void set_scene(scene s);
void tear_down(void);

#endif
