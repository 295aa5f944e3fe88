/*===- Weir.h - the compiler as a C library --------------------------------------------------------===*/
/* Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.                       */
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                                              */
/* Plain C99 (and C++), library libWeirC.
 *
 * Ownership: who calls a function whose name has Create, Parse, Clone or Compile owns what it returns and
 * gives it to the matching Destroy. A weirBytes that a function filled is freed by weirBytesFree. Arguments
 * are borrowed for the call, strings included. A module belongs to its context, which must live longer; a
 * kernel depends on neither.
 *
 * Failure: a function that returns a pointer returns null, one that returns int returns something other than
 * 0; weirLastError() then says why, with the place in the text where there is one. A null pointer where
 * something is needed is such a failure. What a function would have filled stays as it was. Nothing is
 * printed, but for what LLVM's own reader of options has to say about the value of a pass's option.
 *
 * Threads: contexts are independent of each other; a context and its modules are for one thread at a time. A
 * kernel may be called from any number of threads at once. */
#ifndef WEIR_C_WEIR_H
#define WEIR_C_WEIR_H
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct weirContext weirContext;
typedef struct weirModule weirModule;
typedef struct weirKernel weirKernel;

/* `length` bytes at `data`, followed by a zero byte that does not count. */
typedef struct weirBytes {
  char *data;
  size_t length;
} weirBytes;

/* Frees the bytes and makes `bytes` empty; null and empty ones are fine. */
void weirBytesFree(weirBytes *bytes);

/* What this thread's last failed call of this library had to say, "" before the first: errors, warnings and
 * notes, a line each. Valid until the thread's next call that fails. */
const char *weirLastError(void);

/* Dialects, passes and pipelines of Weir, and the upstream dialects that they lower to. */
weirContext *weirContextCreate(void);
void weirContextDestroy(weirContext *context);

/* Reads text in Weir's language, `length` bytes, and makes a cascade of it (level 2). Messages call the text
 * `name`. `cascade` chooses one of several; null takes the last. */
weirModule *weirModuleParseAttn(weirContext *context, const char *text, size_t length, const char *name,
                                const char *cascade);
/* Reads MLIR, text or bytecode, at any level, and verifies it. */
weirModule *weirModuleParseMLIR(weirContext *context, const char *text, size_t length, const char *name);
weirModule *weirModuleClone(const weirModule *module);
void weirModuleDestroy(weirModule *module);

/* The module as MLIR text. */
int weirModulePrint(const weirModule *module, weirBytes *out);

/* Runs a pipeline in MLIR's notation on the module:
 * "builtin.module(attn-to-tiles-pipeline{target=cpu:native})". After a failure of a pass the module is in no
 * useful state and can only be destroyed; a pipeline that cannot be read leaves it as it was. */
int weirModuleRunPipeline(weirModule *module, const char *pipeline);

/* Compiles one kernel for this process and processor. The module is a cascade, or at level 4 (tiled) for the
 * processor's vector length; it is not changed. `name` is the function's; null where there is only one. */
weirKernel *weirModuleCompile(const weirModule *module, const char *name);
void weirKernelDestroy(weirKernel *kernel);

/* Runs the kernel on its NAME_args, as the header that weirModuleEmit(..., "h", ...) makes declares it.
 * Returns a weir_status (weir_runtime.h), 0 for success. */
int weirKernelCall(const weirKernel *kernel, const void *args);

/* The bytes of a file: `kind` is its suffix, "so", "o", "s" (assembly), "ll" (LLVM IR), "h" (the kernel's C
 * header) or "json" (its description). `targets` names processors, "cpu:x86-64-v3,cpu:x86-64-v4": a version
 * is made for each, and at run time the best is taken; null stands for these two and, where a program
 * multiplies on AMX, a third. A module at level 4 is for one processor, so `targets` has to name that one.
 * The module is not changed. */
int weirModuleEmit(const weirModule *module, const char *targets, const char *kind, weirBytes *out);

#ifdef __cplusplus
}
#endif
#endif
