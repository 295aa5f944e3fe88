/*===- weir_cuda.c - launches a kernel on an NVIDIA GPU ----------------------------------------------===*/
/* Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.                       */
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                                              */
/* Nothing is linked to CUDA: the driver's library is opened when a kernel is first called, as what it is
   called there since CUDA 11.2. Launches go to the caller's stream, and nobody waits for them. The context is
   the caller's, or where there is none that which CUDA's runtime has for device 0. */
#include "weir_internal.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* What cuda.h says, as far as it is needed here. */
typedef int cu_result;
typedef uint64_t cu_pointer;
enum {
  CU_ERROR_OUT_OF_MEMORY = 2,
  CU_DEVICE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,
  CU_FUNC_SHARED_SIZE_BYTES = 1,
  CU_FUNC_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8
};

typedef struct cuda_driver {
  cu_result (*init)(unsigned flags);
  cu_result (*error_string)(cu_result error, const char **text);
  cu_result (*device_get)(int *device, int ordinal);
  cu_result (*device_attribute)(int *value, int attribute, int device);
  cu_result (*primary_retain)(void **context, int device);
  cu_result (*context_current)(void **context);
  cu_result (*context_push)(void *context);
  cu_result (*context_pop)(void **context);
  cu_result (*context_device)(int *device);
  cu_result (*context_id)(void *context, unsigned long long *id); /* null before CUDA 12 */
  cu_result (*module_load)(void **module, const void *image);
  cu_result (*module_unload)(void *module);
  cu_result (*module_function)(void **function, void *module, const char *name);
  cu_result (*function_get)(int *value, int attribute, void *function);
  cu_result (*function_set)(void *function, int attribute, int value);
  cu_result (*launch)(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                      unsigned block_y, unsigned block_z, unsigned shared_bytes, void *stream,
                      void **arguments, void **extra);
  cu_result (*allocate)(cu_pointer *pointer, size_t bytes);
  cu_result (*release)(cu_pointer pointer);
  cu_result (*allocate_async)(cu_pointer *pointer, size_t bytes, void *stream);
  cu_result (*release_async)(cu_pointer pointer, void *stream);
  cu_result (*stream_synchronize)(void *stream);
  cu_result (*context_synchronize)(void);
  cu_result (*upload)(cu_pointer to, const void *from, size_t bytes);
  cu_result (*download)(void *to, cu_pointer from, size_t bytes);
  cu_result (*copy)(cu_pointer to, cu_pointer from, size_t bytes, void *stream);
  const char *problem; /* why there is no driver, or null */
} cuda_driver;

static void open_driver(cuda_driver *d) {
  static const struct {
    const char *name;
    size_t offset;
  } functions[] = {{"cuInit", offsetof(cuda_driver, init)},
                   {"cuGetErrorString", offsetof(cuda_driver, error_string)},
                   {"cuDeviceGet", offsetof(cuda_driver, device_get)},
                   {"cuDeviceGetAttribute", offsetof(cuda_driver, device_attribute)},
                   {"cuDevicePrimaryCtxRetain", offsetof(cuda_driver, primary_retain)},
                   {"cuCtxGetCurrent", offsetof(cuda_driver, context_current)},
                   {"cuCtxPushCurrent_v2", offsetof(cuda_driver, context_push)},
                   {"cuCtxPopCurrent_v2", offsetof(cuda_driver, context_pop)},
                   {"cuCtxGetDevice", offsetof(cuda_driver, context_device)},
                   {"cuModuleLoadData", offsetof(cuda_driver, module_load)},
                   {"cuModuleUnload", offsetof(cuda_driver, module_unload)},
                   {"cuModuleGetFunction", offsetof(cuda_driver, module_function)},
                   {"cuFuncGetAttribute", offsetof(cuda_driver, function_get)},
                   {"cuFuncSetAttribute", offsetof(cuda_driver, function_set)},
                   {"cuLaunchKernel", offsetof(cuda_driver, launch)},
                   {"cuMemAlloc_v2", offsetof(cuda_driver, allocate)},
                   {"cuMemFree_v2", offsetof(cuda_driver, release)},
                   {"cuMemAllocAsync", offsetof(cuda_driver, allocate_async)},
                   {"cuMemFreeAsync", offsetof(cuda_driver, release_async)},
                   {"cuStreamSynchronize", offsetof(cuda_driver, stream_synchronize)},
                   {"cuCtxSynchronize", offsetof(cuda_driver, context_synchronize)},
                   {"cuMemcpyHtoD_v2", offsetof(cuda_driver, upload)},
                   {"cuMemcpyDtoH_v2", offsetof(cuda_driver, download)},
                   {"cuMemcpyDtoDAsync_v2", offsetof(cuda_driver, copy)}};
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  void *function;
  cu_result status;
  if (!library) {
    d->problem = "libcuda.so.1, the library of NVIDIA's driver, is not there";
    return;
  }
  for (size_t i = 0; i < sizeof functions / sizeof *functions; ++i) {
    function = dlsym(library, functions[i].name);
    memcpy((char *)d + functions[i].offset, &function, sizeof function);
    if (!function) {
      d->problem = "libcuda.so.1 is older than CUDA 11.2";
      return;
    }
  }
  function = dlsym(library, "cuCtxGetId");
  memcpy(&d->context_id, &function, sizeof function);
  status = d->init(0);
  if (status && (d->error_string(status, &d->problem) || !d->problem))
    d->problem = "cuInit fails";
}

static const cuda_driver *the_driver(void) {
  static cuda_driver driver;
  static int state; /* 0: not asked, 1: asked, 2: somebody is asking */
  int none = 0;
  if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == 0 &&
      __atomic_compare_exchange_n(&state, &none, 2, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    open_driver(&driver);
    __atomic_store_n(&state, 1, __ATOMIC_RELEASE);
  }
  while (__atomic_load_n(&state, __ATOMIC_ACQUIRE) != 1)
    __builtin_ia32_pause();
  return &driver;
}

static int no_driver(const weir_kernel *k, const cuda_driver *d) {
  return d->problem ? weir_fail(k, WEIR_E_DRIVER, "no GPU: %s", d->problem) : WEIR_OK;
}

static int cuda_failed(const weir_kernel *k, const cuda_driver *d, const char *what, cu_result error) {
  const char *text = NULL;
  if (d->error_string(error, &text) || !text)
    text = "unknown error";
  return weir_fail(k, WEIR_E_DRIVER, "%s: %s (CUDA error %d)", what, text, (int)error);
}

/* Makes a context current where none is. `*pushed` says whether it has to be taken away again. */
static int enter_context(const weir_kernel *k, const cuda_driver *d, void **context, int *pushed) {
  static void *primary; /* kept until the process ends, with what has been loaded into it */
  cu_result error = d->context_current(context);
  int device;
  *pushed = 0;
  if (!error && *context)
    return WEIR_OK;
  *context = __atomic_load_n(&primary, __ATOMIC_ACQUIRE);
  if (!*context) {
    error = d->device_get(&device, 0);
    if (!error)
      error = d->primary_retain(context, device);
    if (error)
      return cuda_failed(k, d, "no device", error);
    __atomic_store_n(&primary, *context, __ATOMIC_RELEASE);
  }
  error = d->context_push(*context);
  *pushed = !error;
  return error ? cuda_failed(k, d, "cuCtxPushCurrent", error) : WEIR_OK;
}

/* The kernel's functions as a context has them. */
typedef struct loaded {
  struct loaded *next;
  void *context;
  unsigned long long id; /* a destroyed context's address may be another's later */
  void *functions[];
} loaded;

/* A function, with leave to use all the shared memory that the GPU has. */
static cu_result find_function(const cuda_driver *d, void *module, const char *name, void **function) {
  int device, most, own;
  cu_result error = d->module_function(function, module, name);
  if (!error)
    error = d->context_device(&device);
  if (!error)
    error = d->device_attribute(&most, CU_DEVICE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, device);
  if (!error)
    error = d->function_get(&own, CU_FUNC_SHARED_SIZE_BYTES, *function);
  if (!error)
    error = d->function_set(*function, CU_FUNC_MAX_DYNAMIC_SHARED_SIZE_BYTES, most - own);
  return error;
}

static int load(const weir_kernel *k, const weir_device *device, const cuda_driver *d, loaded *into) {
  void *module = NULL;
  cu_result error = 0;
  for (int i = 0; i < device->num_images && !module; ++i)
    if ((error = d->module_load(&module, device->images[i])))
      module = NULL;
  if (!module)
    return cuda_failed(k, d, "the GPU or its driver cannot take the kernel", error);
  for (int i = 0; i < device->num_launches; ++i)
    if ((error = find_function(d, module, device->launches[i].function, &into->functions[i]))) {
      d->module_unload(module);
      return cuda_failed(k, d, device->launches[i].function, error);
    }
  return WEIR_OK;
}

/* The functions in the current context: loaded now, or by an earlier call. */
static int find_loaded(const weir_kernel *k, const weir_device *device, const cuda_driver *d, void *context,
                       loaded **found) {
  loaded **list = (loaded **)device->loaded, *first = __atomic_load_n(list, __ATOMIC_ACQUIRE), *made;
  unsigned long long id = 0;
  int status;
  if (d->context_id)
    d->context_id(context, &id);
  for (loaded *l = first; l; l = l->next)
    if (l->context == context && l->id == id) {
      *found = l;
      return WEIR_OK;
    }
  made = (loaded *)malloc(sizeof(loaded) + (size_t)device->num_launches * sizeof(void *));
  if (!made)
    return weir_fail(k, WEIR_E_MEMORY, "out of memory");
  made->context = context;
  made->id = id;
  if ((status = load(k, device, d, made))) {
    free(made);
    return status;
  }
  /* Two threads may load at once: then it is there twice, and the later one is found. */
  made->next = first;
  while (!__atomic_compare_exchange_n(list, &made->next, made, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    ;
  *found = made;
  return WEIR_OK;
}

/* The arguments that every function of the kernel takes (docs/gpu.md), and where each is. */
typedef struct call_arguments {
  int64_t *values;
  void **places;
  int count;
} call_arguments;

static void add_argument(call_arguments *list, int64_t value) {
  list->values[list->count] = value;
  list->places[list->count] = &list->values[list->count];
  ++list->count;
}

static void add_arguments(const weir_kernel *k, const int64_t *slots, cu_pointer workspace, int64_t bytes,
                          call_arguments *list) {
  for (int t = 0; t <= k->num_inputs + k->num_outputs; ++t) {
    if (t == k->num_inputs)
      for (int p = 0; p < k->num_params; ++p)
        add_argument(list, *slots++);
    if (t == k->num_inputs + k->num_outputs)
      break;
    add_argument(list, slots[0]); /* the address twice, an offset, extents, strides */
    add_argument(list, slots[0]);
    add_argument(list, 0);
    for (int i = 1; i <= 2 * k->tensors[t].rank; ++i)
      add_argument(list, slots[i]);
    slots += 1 + 2 * k->tensors[t].rank;
  }
  add_argument(list, (int64_t)workspace);
  add_argument(list, (int64_t)workspace);
  add_argument(list, 0);
  add_argument(list, bytes);
  add_argument(list, 1);
}

/* `plan`: the broken promise, bytes of the workspace, blocks and dynamic shared memory of each launch. */
static int launch_all(const weir_kernel *k, const weir_device *device, const cuda_driver *d,
                      const loaded *code, const int64_t *plan, void *stream, void **arguments) {
  for (int i = 0; i < device->num_launches; ++i) {
    const weir_launch *launch = &device->launches[i];
    int64_t blocks = plan[2 + 2 * i], shared = launch->shared_bytes + plan[3 + 2 * i];
    cu_result error;
    if (!blocks)
      continue;
    if (shared > INT32_MAX) /* such as no GPU has; the driver would see less */
      return weir_fail(k, WEIR_E_EXTENT, "tiles of these extents need %lld bytes of shared memory",
                       (long long)shared);
    error = d->launch(code->functions[i], (unsigned)blocks, 1, 1, (unsigned)launch->threads, 1, 1,
                      (unsigned)shared, stream, arguments, NULL);
    if (error)
      return cuda_failed(k, d, launch->function, error);
  }
  return WEIR_OK;
}

/* Memory from the stream's pool where there is one. */
static int allocate(const weir_kernel *k, const cuda_driver *d, int64_t bytes, void *stream,
                    cu_pointer *memory, int *is_async) {
  cu_result error = d->allocate_async(memory, (size_t)bytes, stream);
  *is_async = !error;
  if (error && error != CU_ERROR_OUT_OF_MEMORY)
    error = d->allocate(memory, (size_t)bytes);
  if (!error)
    return WEIR_OK;
  *memory = 0;
  cuda_failed(k, d, "no memory for the workspace", error);
  return WEIR_E_MEMORY;
}

/* Bytes of copies of the inputs that outputs are written over. */
static int64_t bytes_of_copies(const weir_kernel *k, const void *args) {
  int64_t bytes = 0;
  intptr_t low, high;
  for (int t = 0; t < k->num_inputs; ++t)
    if (weir_is_overwritten(k, args, t) && weir_address_range(k, args, t, &low, &high) == 1)
      bytes += weir_round_up(high - low);
  return bytes;
}

/* Makes them at `memory`, before the launches, and lets the inputs' slots point there. */
static int copy_overwritten(const weir_kernel *k, const cuda_driver *d, const void *args, int64_t *slots,
                            cu_pointer memory, void *stream) {
  intptr_t low, high;
  for (int t = 0; t < k->num_inputs; slots += 1 + 2 * k->tensors[t].rank, ++t) {
    if (!weir_is_overwritten(k, args, t) || weir_address_range(k, args, t, &low, &high) != 1)
      continue;
    cu_result error = d->copy(memory, (cu_pointer)low, (size_t)(high - low), stream);
    if (error)
      return cuda_failed(k, d, "no copy of an input that an output is written over", error);
    slots[0] += (int64_t)memory - low;
    memory += (cu_pointer)weir_round_up(high - low);
  }
  return WEIR_OK;
}

static int run_in_context(const weir_kernel *k, const weir_version *v, const cuda_driver *d, void *context,
                          const void *args, const weir_workspace *workspace, const int64_t *plan,
                          call_arguments *arguments, int64_t *slots) {
  void *stream = ((const weir_call *)args)->stream;
  cu_pointer owned = 0, memory = (cu_pointer)(uintptr_t)workspace->memory;
  int64_t own = memory ? 0 : weir_round_up(workspace->bytes), bytes = own + bytes_of_copies(k, args);
  int is_async = 0;
  loaded *code;
  int status = find_loaded(k, v->device, d, context, &code);
  if (!status && bytes > 0)
    status = allocate(k, d, bytes, stream, &owned, &is_async);
  if (!status)
    status = copy_overwritten(k, d, args, slots, owned + (cu_pointer)own, stream);
  if (!status) {
    if (own > 0)
      memory = owned;
    add_arguments(k, slots, memory, workspace->bytes, arguments);
    status = launch_all(k, v->device, d, code, plan, stream, arguments->places);
  }
  if (owned && is_async)
    d->release_async(owned, stream);
  else if (owned) { /* not before the launches are done */
    d->stream_synchronize(stream);
    d->release(owned);
  }
  return status;
}

int weir_run_on_cuda(const weir_kernel *k, const weir_version *v, const void *args, int64_t *slots) {
  const cuda_driver *d = the_driver();
  int64_t numbers = 2 + 2 * v->device->num_launches, values = 5 + k->num_params;
  weir_rt rt = {0};
  weir_workspace workspace;
  call_arguments arguments = {0};
  void *context, *ignored;
  int64_t *plan;
  int pushed, status = weir_find_workspace(k, v, args, slots, &workspace);
  if (!status)
    status = no_driver(k, d);
  if (status)
    return status;
  for (int t = 0; t < k->num_inputs + k->num_outputs; ++t) {
    values += 3 + 2 * k->tensors[t].rank;
    if (t >= k->num_inputs)
      numbers += k->tensors[t].rank;
  }
  plan = (int64_t *)malloc((size_t)(numbers + 2 * values) * 8);
  if (!plan)
    return weir_fail(k, WEIR_E_MEMORY, "out of memory");
  arguments.values = plan + numbers;
  arguments.places = (void **)(void *)(arguments.values + values);
  v->entry(&rt, slots, plan, numbers * 8);
  status = enter_context(k, d, &context, &pushed);
  if (!status)
    status = run_in_context(k, v, d, context, args, &workspace, plan, &arguments, slots);
  if (pushed)
    d->context_pop(&ignored);
  free(plan);
  return status;
}

/* Carries out a call of the driver in the context of this thread's kernels. */
#define IN_CONTEXT(k, what, call)                                                                            \
  const cuda_driver *d = the_driver();                                                                       \
  void *context;                                                                                             \
  int pushed = 0, status = no_driver(k, d);                                                                  \
  if (!status)                                                                                               \
    status = enter_context(k, d, &context, &pushed);                                                         \
  if (!status) {                                                                                             \
    cu_result error = d->call;                                                                               \
    status = error ? cuda_failed(k, d, what, error) : WEIR_OK;                                               \
  }                                                                                                          \
  if (pushed)                                                                                                \
    d->context_pop(&context);                                                                                \
  return status

int weir_cuda_allocate(const weir_kernel *k, int64_t bytes, void **memory) {
  IN_CONTEXT(k, "no memory", allocate((cu_pointer *)(void *)memory, bytes > 0 ? (size_t)bytes : 1));
}
int weir_cuda_release(const weir_kernel *k, void *memory) {
  IN_CONTEXT(k, "memory cannot be freed", release((cu_pointer)(uintptr_t)memory));
}
int weir_cuda_upload(const weir_kernel *k, void *memory, const void *from, int64_t bytes) {
  if (bytes <= 0)
    return WEIR_OK;
  IN_CONTEXT(k, "no copy to the GPU", upload((cu_pointer)(uintptr_t)memory, from, (size_t)bytes));
}
int weir_cuda_download(const weir_kernel *k, void *to, const void *memory, int64_t bytes) {
  if (bytes <= 0)
    return WEIR_OK;
  IN_CONTEXT(k, "no copy from the GPU", download(to, (cu_pointer)(uintptr_t)memory, (size_t)bytes));
}
int weir_cuda_wait(const weir_kernel *k) { IN_CONTEXT(k, "the kernel fails", context_synchronize()); }

int weir_cuda_capability(void) {
  const cuda_driver *d = the_driver();
  int device, major, minor;
  if (d->problem || d->device_get(&device, 0) ||
      d->device_attribute(&major, CU_DEVICE_COMPUTE_CAPABILITY_MAJOR, device) ||
      d->device_attribute(&minor, CU_DEVICE_COMPUTE_CAPABILITY_MINOR, device))
    return 0;
  return 10 * major + minor;
}
