// Threads that share work, compiled once for the baseline of the processor family.
//
// Where the process has an OpenMP runtime, which torch brings, its threads do the work: they look out for more for a
// while after each of torch's operators, on the very processors that threads of our own would need. Elsewhere a small
// pool of our own does. The caller works too, starts at once, and in our own pool waits only for tasks that another
// thread has taken: one that is late because the machine is busy takes none and holds nobody up.
#ifndef OSTINATO_THREADS_H
#define OSTINATO_THREADS_H

#include <cstdint>

namespace ostinato {

// Does task `index` of some work on thread number `worker` < threads.
typedef void (*Task)(void* work, int64_t index, int64_t worker);

// GOMP_parallel(function, data, threads, flags) and omp_get_max_threads() of an OpenMP runtime.
typedef void (*Parallel)(void (*function)(void*), void* data, unsigned threads, unsigned flags);
typedef int (*MostThreads)();

// From now on the threads of this runtime are used.
void use_openmp(Parallel parallel, MostThreads most);

// Does tasks 0 ... count - 1, each once, on at most `threads` threads, the caller being number 0.
void run_tasks(int64_t count, int64_t threads, Task task, void* work);

}  // namespace ostinato

#endif
